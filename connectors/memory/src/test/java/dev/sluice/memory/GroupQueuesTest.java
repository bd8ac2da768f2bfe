/*
 * Copyright 2026 the Sluice contributors
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     https://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package dev.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.memory.GroupQueues.Claim;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroupQueuesTest {

  private static final long LEASE = 1_000;

  private final GroupQueues queues = new GroupQueues();

  @Nested
  class Order {

    @Test
    void withoutGroupAndPriorityIsThatOfArrival() {
      add(null, 4);
      add(null, 4);
      add(null, 4);
      assertThat(claimAll()).containsExactly(1L, 2L, 3L);
    }

    @Test
    void theMoreUrgentComesFirst() {
      add(null, 0);
      add(null, 9);
      add(null, 4);
      add(null, 9);
      assertThat(claimAll()).containsExactly(2L, 4L, 3L, 1L);
    }

    @Test
    void ofAGroupOnlyTheHeadCanBeClaimed() {
      add("a", 4);
      add("a", 4);
      add("b", 4);
      assertThat(claimAll()).containsExactly(1L, 3L);
    }

    @Test
    void aGroupIsAsUrgentAsItsHead() {
      add("a", 0);
      add("a", 9);
      add(null, 4);
      Claim ungrouped = claim();
      assertThat(ungrouped.position).isEqualTo(3);
      Claim head = claim();
      assertThat(head.position).isEqualTo(1);
      add(null, 4);
      queues.consume(head);
      assertThat(claimAll()).containsExactly(2L, 4L);
    }

    @Test
    void aMessageThatComesBackKeepsItsPlace() {
      add("a", 4);
      add("a", 4);
      add(null, 4);
      Claim head = claim();
      queues.giveBack(head, 0, 0, true);
      assertThat(claim().position).isEqualTo(1);
    }
  }

  @Nested
  class Claims {

    @Test
    void countTheAttempt() {
      add(null, 4);
      Claim first = claim();
      assertThat(first.attempt).isEqualTo(1);
      queues.giveBack(first, 0, 0, true);
      assertThat(claim().attempt).isEqualTo(2);
    }

    @Test
    void giveTheAttemptBackWhenItDoesNotCount() {
      add(null, 4);
      queues.giveBack(claim(), 0, 0, true);
      queues.giveBack(claim(), 0, 0, false);
      assertThat(claim().attempt).isEqualTo(2);
    }

    @Test
    void haveRisingFences() {
      add("a", 4);
      add(null, 4);
      Claim first = claim();
      Claim second = claim();
      queues.giveBack(first, 0, 0, true);
      Claim third = claim();
      assertThat(second.fence).isGreaterThan(first.fence);
      assertThat(third.fence).isGreaterThan(second.fence);
    }

    @Test
    void thatAreNotCurrentHaveNoEffect() {
      add("a", 4);
      Claim stale = claim();
      queues.giveBack(stale, 0, 0, true);
      Claim current = claim();

      assertThat(queues.consume(stale)).isFalse();
      assertThat(queues.giveBack(stale, 0, 0, false)).isFalse();
      assertThat(queues.hold(stale)).isFalse();

      assertThat(current.attempt).isEqualTo(2);
      assertThat(queues.consume(current)).isTrue();
      assertThat(queues.consume(current)).isFalse();
      assertThat(queues.size()).isZero();
    }
  }

  @Nested
  class Sleep {

    @Test
    void lastsUntilItsTime() {
      add(null, 4);
      queues.giveBack(claim(), 100, 150, true);
      assertThat(queues.ready()).isZero();
      assertThat(queues.asleep()).isEqualTo(1);
      assertThat(queues.nextDeadline()).isEqualTo(150);

      queues.wake(149);
      assertThat(queues.ready()).isZero();
      queues.wake(150);
      assertThat(claimAll()).containsExactly(1L);
    }

    @Test
    void ofTheHeadHoldsTheGroup() {
      add("a", 4);
      add("a", 9);
      queues.giveBack(claim(), 0, 10, true);
      add("a", 9);
      assertThat(claimAll()).isEmpty();
      queues.wake(10);
      assertThat(claimAll()).containsExactly(1L);
    }

    @Test
    void endsInTheOrderOfTime() {
      add(null, 4);
      add(null, 4);
      add(null, 4);
      List<Claim> claims = List.of(claim(), claim(), claim());
      queues.giveBack(claims.get(0), 0, 30, true);
      queues.giveBack(claims.get(1), 0, 10, true);
      queues.giveBack(claims.get(2), 0, 20, true);
      assertThat(queues.nextDeadline()).isEqualTo(10);
      queues.wake(20);
      assertThat(claimAll()).containsExactly(2L, 3L);
    }
  }

  @Nested
  class Leases {

    @Test
    void endInTheOrderOfTheClaimsAndCount() {
      add("a", 4);
      add(null, 4);
      Claim early = queues.claim(10);
      Claim late = queues.claim(20);
      assertThat(queues.nextDeadline()).isEqualTo(10);

      assertThat(queues.expire(9)).isEmpty();
      assertThat(queues.expire(10)).containsExactly(early);

      assertThat(queues.nextDeadline()).isEqualTo(20);
      assertThat(queues.out()).isEqualTo(1);
      assertThat(claim().attempt).isEqualTo(2);
      assertThat(queues.consume(early)).isFalse();
      assertThat(queues.consume(late)).isTrue();
    }

    @Test
    void thatAreHeldDoNotEnd() {
      add(null, 4);
      Claim held = claim();
      assertThat(queues.hold(held)).isTrue();
      assertThat(queues.nextDeadline()).isEqualTo(GroupQueues.NEVER);
      assertThat(queues.expire(GroupQueues.NEVER)).isEmpty();
      assertThat(queues.out()).isEqualTo(1);
      assertThat(queues.consume(held)).isTrue();
    }
  }

  @Nested
  class Memory {

    @Test
    void groupsAreForgottenWhenTheyRunEmpty() {
      IntStream.range(0, 10_000).forEach(i -> add("group " + i, 4));
      assertThat(queues.groups()).isEqualTo(10_000);
      for (Claim claim = queues.claim(LEASE); claim != null; claim = queues.claim(LEASE)) {
        queues.consume(claim);
      }
      assertThat(queues.groups()).isZero();
      assertThat(queues.size()).isZero();
      assertThat(queues.out()).isZero();
      assertThat(queues.nextDeadline()).isEqualTo(GroupQueues.NEVER);
    }

    @Test
    void aGroupThatComesAgainStartsAnew() {
      add("a", 4);
      queues.consume(claim());
      add("a", 4);
      assertThat(claimAll()).containsExactly(2L);
    }
  }

  @Test
  void durationsBecomeNanosecondsThatCanBeAddedToATime() {
    assertThat(GroupQueues.nanos(Duration.ofMillis(3))).isEqualTo(3_000_000);
    assertThat(Long.MAX_VALUE / 2 + GroupQueues.nanos(Duration.ofSeconds(Long.MAX_VALUE)))
        .isPositive();
  }

  /** Random operations, each compared with a list that is searched in the obvious way. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void behavesLikeAList(long seed) {
    Random random = new Random(seed);
    Model model = new Model();
    List<Claim> claims = new ArrayList<>();
    long now = 0;
    for (int i = 0; i < 20_000; i++) {
      now += random.nextInt(3);
      queues.wake(now);
      switch (random.nextInt(8)) {
        case 0, 1 -> {
          if (model.items.size() < 60) {
            String group = random.nextInt(3) == 0 ? null : "group " + random.nextInt(20);
            int priority = random.nextInt(10);
            model.add(queues.add(message(group, priority)), group, priority);
          }
        }
        case 2, 3, 4 -> {
          Claim claim = queues.claim(now + 200);
          Model.Item expected = model.claim(now);
          assertThat(claim == null).isEqualTo(expected == null);
          if (claim != null && expected != null) {
            assertThat(claim.position).isEqualTo(expected.position);
            assertThat(claim.attempt).isEqualTo(expected.attempts);
            expected.claim = claim;
            claims.add(claim);
          }
        }
        case 5, 6 -> {
          if (!claims.isEmpty()) {
            Claim claim = claims.get(random.nextInt(claims.size()));
            assertThat(queues.consume(claim)).isEqualTo(model.consume(claim));
          }
        }
        default -> {
          if (!claims.isEmpty()) {
            Claim claim = claims.get(random.nextInt(claims.size()));
            long wakeAt = now + random.nextInt(50);
            boolean counted = random.nextBoolean();
            assertThat(queues.giveBack(claim, now, wakeAt, counted))
                .isEqualTo(model.giveBack(claim, wakeAt, counted));
          }
        }
      }
      for (Claim expired : queues.expire(now)) {
        assertThat(model.giveBack(expired, now, true)).isTrue();
      }
      if (claims.size() > 100) {
        claims.subList(0, 50).clear(); // these stay out until their lease ends
      }
      assertThat(queues.size()).isEqualTo(model.items.size());
      assertThat(queues.out()).isEqualTo(model.out());
    }
  }

  private static final class Model {

    static final class Item {
      final long position;
      final @Nullable String group;
      final int priority;
      int attempts;
      long wakeAt;
      @Nullable Claim claim;

      Item(long position, @Nullable String group, int priority) {
        this.position = position;
        this.group = group;
        this.priority = priority;
      }
    }

    final List<Item> items = new ArrayList<>();

    void add(long position, @Nullable String group, int priority) {
      items.add(new Item(position, group, priority));
    }

    @Nullable Item claim(long now) {
      Item next =
          items.stream()
              .filter(item -> item.claim == null && item.wakeAt <= now && isHead(item))
              .min(
                  Comparator.comparingInt((Item item) -> -item.priority)
                      .thenComparingLong(item -> item.position))
              .orElse(null);
      if (next != null) {
        next.attempts++;
      }
      return next;
    }

    boolean consume(Claim claim) {
      return items.removeIf(item -> item.claim == claim);
    }

    boolean giveBack(Claim claim, long wakeAt, boolean counted) {
      for (Item item : items) {
        if (item.claim == claim) {
          item.claim = null;
          item.wakeAt = wakeAt;
          item.attempts -= counted ? 0 : 1;
          return true;
        }
      }
      return false;
    }

    long out() {
      return items.stream().filter(item -> item.claim != null).count();
    }

    private boolean isHead(Item item) {
      return item.group == null
          || items.stream()
              .noneMatch(other -> item.group.equals(other.group) && other.position < item.position);
    }
  }

  private long add(@Nullable String group, int priority) {
    return queues.add(message(group, priority));
  }

  private static Message<byte[]> message(@Nullable String group, int priority) {
    return Message.builder(new byte[0]).group(group).priority(priority).build();
  }

  private Claim claim() {
    return Objects.requireNonNull(queues.claim(LEASE));
  }

  private List<Long> claimAll() {
    LongStream.Builder positions = LongStream.builder();
    for (Claim claim = queues.claim(LEASE); claim != null; claim = queues.claim(LEASE)) {
      positions.add(claim.position);
    }
    return positions.build().boxed().toList();
  }
}
