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
package dev.sluice.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.Claim;
import dev.sluice.store.ParkingLot.Parked;
import dev.sluice.store.ParkingLot.ParkedGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link ParkingLot} must do. A test of a store extends it and says how the store is
 * made and how its time passes.
 */
public abstract class ParkingLotContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int ROUNDS = 20;

  private final String flow = "contract-" + UUID.randomUUID();

  /**
   * The store, with room for a thousand messages. What is in it does not matter: every test uses a
   * flow of its own.
   */
  protected abstract ParkingLot store();

  /** Lets the time of the store pass until a claim of 20 ms has ended. */
  protected abstract void awaitEnd(Claim claim);

  private static Message<byte[]> message(String text) {
    return Message.of(text.getBytes(UTF_8)).withGroup(text.substring(0, 1));
  }

  private static String text(Parked parked) {
    return new String(parked.message().payload(), UTF_8);
  }

  private long park(String text) {
    return Objects.requireNonNull(
        store().park(flow, message(text), "java.lang.Exception: " + text).block(PATIENCE));
  }

  private void parkBehind(String text, boolean parked) {
    is(parked, store().parkBehind(flow, message(text)));
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    StepVerifier.create(answer).expectNext(expected).expectComplete().verify(PATIENCE);
  }

  private List<String> texts(String group) {
    return Objects.requireNonNull(
        store()
            .list(flow, group, 0, ParkingLot.MAX_LIMIT)
            .map(ParkingLotContract::text)
            .collectList()
            .block(PATIENCE));
  }

  private List<ParkedGroup> groups() {
    return Objects.requireNonNull(
        store().groups(flow, ParkingLot.MAX_LIMIT).collectList().block(PATIENCE));
  }

  private Claim released(String group) {
    is(true, store().release(flow, group));
    return Objects.requireNonNull(store().claim(flow, LONG).block(PATIENCE));
  }

  private Parked first(Claim claim) {
    return Objects.requireNonNull(store().first(claim).block(PATIENCE));
  }

  // == parking ==

  @Test
  void keepsTheMessagesOfAGroupInTheirOrder() {
    park("a1");
    parkBehind("a2", true);
    park("b1");
    parkBehind("a3", true);
    assertThat(texts("a")).containsExactly("a1", "a2", "a3");
    assertThat(texts("b")).containsExactly("b1");
    List<Long> places =
        store().list(flow, "a", 0, 10).map(Parked::place).collectList().block(PATIENCE);
    assertThat(places).isSorted().doesNotHaveDuplicates();
    assertThat(Objects.requireNonNull(places).get(0)).isPositive();
  }

  @Test
  void keepsAMessageAsItWasWithWhatWasWrongWithIt() {
    Message<byte[]> message =
        Message.of("\u0001 a".getBytes(UTF_8))
            .withGroup("\u00e5 \"quoted\" \\")
            .withPriority(7)
            .withHeader("tenant", "\u00e5 \"quoted\"");
    store().park(flow, message, "because").block(PATIENCE);
    Message<byte[]> behind = message("a2").withGroup(message.group());
    is(true, store().parkBehind(flow, behind));
    List<Parked> list =
        store().list(flow, "\u00e5 \"quoted\" \\", 0, 10).collectList().block(PATIENCE);
    assertThat(list).extracting(Parked::why).containsExactly("because", null);
    Parked parked = Objects.requireNonNull(list).get(0);
    assertThat(parked.message().payload()).isEqualTo(message.payload());
    assertThat(parked.message().withPayload("")).isEqualTo(message.withPayload(""));
  }

  @Test
  void tellsWhichGroupsAreNotOpen() {
    park("a1");
    park("b1");
    assertThat(store().parked(flow, List.of("a", "b", "c")).collectList().block(PATIENCE))
        .containsExactlyInAnyOrder("a", "b");
    assertThat(store().parked(flow, Set.of()).collectList().block(PATIENCE)).isEmpty();
    assertThat(store().parked(flow + "2", List.of("a")).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void parksNothingBehindAGroupThatIsOpen() {
    parkBehind("a1", false);
    assertThat(groups()).isEmpty();
    assertThat(texts("a")).isEmpty();
  }

  @Test
  void hasAMessageOnce() {
    Message<byte[]> a1 = message("a1");
    Message<byte[]> a2 = message("a2");
    Long place = store().park(flow, a1, "first").block(PATIENCE);
    is(true, store().parkBehind(flow, a2));
    assertThat(store().park(flow, a1, "again").block(PATIENCE)).isEqualTo(place);
    is(true, store().parkBehind(flow, a1));
    is(true, store().parkBehind(flow, a2));
    parkBehind("a3", true);
    assertThat(texts("a")).containsExactly("a1", "a2", "a3");
  }

  @Test
  void tellsHowItStandsWithTheGroups() {
    park("a1");
    park("b1");
    parkBehind("a2", true);
    park("a3");
    is(true, store().release(flow, "b"));
    List<ParkedGroup> groups = groups();
    assertThat(groups).extracting(ParkedGroup::group).containsExactlyInAnyOrder("a", "b");
    ParkedGroup a = groups.get(groups.get(0).group().equals("a") ? 0 : 1);
    ParkedGroup b = groups.get(groups.get(0).group().equals("a") ? 1 : 0);
    assertThat(a.messages()).isEqualTo(3);
    assertThat(a.isDraining()).isFalse();
    assertThat(a.why()).isEqualTo("java.lang.Exception: a3");
    assertThat(a.age()).isGreaterThanOrEqualTo(Duration.ZERO);
    assertThat(b.isDraining()).isTrue();
    assertThat(store().groups(flow, 1).collectList().block(PATIENCE)).hasSize(1);
  }

  @Test
  void listsFromAPlaceOn() {
    long a1 = park("a1");
    parkBehind("a2", true);
    parkBehind("a3", true);
    assertThat(
            store()
                .list(flow, "a", a1, 1)
                .map(ParkingLotContract::text)
                .collectList()
                .block(PATIENCE))
        .containsExactly("a2");
  }

  @Test
  void refusesWhatIsOutOfRange() {
    ParkingLot lot = store();
    Message<byte[]> alone = Message.of(new byte[0]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> lot.park(flow, alone, "why").block(PATIENCE))
        .withMessage("group: null (expected: a message that has one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> lot.parkBehind("", message("a1")).block(PATIENCE))
        .withMessage("flow: 0 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> lot.groups(flow, 0).blockLast(PATIENCE))
        .withMessage("limit: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> lot.claim(flow, Duration.ZERO).block(PATIENCE))
        .withMessage("lease: PT0S (expected: > PT0S)");
  }

  // == releasing ==

  @Test
  void dropsAMessageOfAParkedGroupOnly() {
    long a1 = park("a1");
    parkBehind("a2", true);
    is(true, store().drop(flow, "a", a1));
    is(false, store().drop(flow, "a", a1));
    assertThat(texts("a")).containsExactly("a2");
    is(true, store().release(flow, "a"));
    is(false, store().drop(flow, "a", a1 + 1));
    assertThat(texts("a")).containsExactly("a2");
  }

  @Test
  void claimsReleasedGroupsOnly() {
    park("a1");
    park("b1");
    StepVerifier.create(store().claim(flow, LONG)).expectComplete().verify(PATIENCE);
    Claim claim = released("a");
    assertThat(claim.group()).isEqualTo("a");
    StepVerifier.create(store().claim(flow, LONG)).expectComplete().verify(PATIENCE);
    is(false, store().release(flow, "a"));
    is(false, store().release(flow, "c"));
  }

  @Test
  void drainsInOrderAndOpens() {
    park("a1");
    parkBehind("a2", true);
    Claim claim = released("a");
    assertThat(text(first(claim))).isEqualTo("a1");
    is(false, store().open(claim));
    is(true, store().remove(claim, first(claim).place()));
    parkBehind("a3", true); // it still parks behind
    assertThat(text(first(claim))).isEqualTo("a2");
    is(true, store().remove(claim, first(claim).place()));
    is(false, store().open(claim));
    is(true, store().remove(claim, first(claim).place()));
    StepVerifier.create(store().first(claim)).expectComplete().verify(PATIENCE);
    is(true, store().open(claim));
    parkBehind("a4", false);
    assertThat(groups()).isEmpty();
    is(false, store().open(claim));
    is(false, store().renew(claim, LONG));
  }

  @Test
  void removesOnce() {
    park("a1");
    Claim claim = released("a");
    long place = first(claim).place();
    is(true, store().remove(claim, place));
    is(false, store().remove(claim, place));
  }

  @Test
  void parksAgainWithEverythingInItsPlace() {
    park("a1");
    parkBehind("a2", true);
    Claim claim = released("a");
    is(true, store().parkAgain(claim, "again"));
    assertThat(groups())
        .extracting(ParkedGroup::isDraining, ParkedGroup::why)
        .containsExactly(org.assertj.core.groups.Tuple.tuple(false, "again"));
    assertThat(texts("a")).containsExactly("a1", "a2");
    is(false, store().remove(claim, 1));
    is(false, store().parkAgain(claim, "again"));
    StepVerifier.create(store().claim(flow, LONG)).expectComplete().verify(PATIENCE);
  }

  @Test
  void aMessageThatFailsParksTheGroupAgain() {
    park("a1");
    Claim claim = released("a");
    park("a2");
    is(false, store().remove(claim, 1));
    assertThat(texts("a")).containsExactly("a1", "a2");
    assertThat(text(first(released("a")))).isEqualTo("a1");
  }

  @Test
  void aClaimMayBeTakenOverWhenItHasEnded() {
    park("a1");
    is(true, store().release(flow, "a"));
    Claim one = Objects.requireNonNull(store().claim(flow, SHORT).block(PATIENCE));
    awaitEnd(one);
    Claim other = Objects.requireNonNull(store().claim(flow, LONG).block(PATIENCE));
    is(false, store().renew(one, LONG));
    is(false, store().remove(one, 1));
    is(false, store().open(one));
    is(false, store().giveBack(one));
    is(false, store().parkAgain(one, "late"));
    StepVerifier.create(store().first(one)).expectComplete().verify(PATIENCE);
    assertThat(text(first(other))).isEqualTo("a1");
  }

  @Test
  void aClaimThatIsRenewedIsKept() {
    park("a1");
    is(true, store().release(flow, "a"));
    Claim claim = Objects.requireNonNull(store().claim(flow, LONG).block(PATIENCE));
    is(true, store().renew(claim, LONG));
    StepVerifier.create(store().claim(flow, LONG)).expectComplete().verify(PATIENCE);
    is(true, store().giveBack(claim));
    assertThat(store().claim(flow, LONG).block(PATIENCE)).isNotNull();
  }

  // == races ==

  /** A message that arrives while the group opens is here, or its group is open: never neither. */
  @Test
  void nothingIsLeftBehindWhenAGroupOpens() {
    for (int round = 0; round < ROUNDS; round++) {
      String group = Character.toString('a' + round);
      park(group + 1);
      Claim claim = released(group);
      is(true, store().remove(claim, first(claim).place()));
      AtomicBoolean parked = new AtomicBoolean();
      AtomicBoolean opened = new AtomicBoolean();
      Mono.when(
              store()
                  .parkBehind(flow, message(group + 2))
                  .subscribeOn(Schedulers.boundedElastic())
                  .doOnNext(parked::set),
              store().open(claim).subscribeOn(Schedulers.boundedElastic()).doOnNext(opened::set))
          .block(PATIENCE);
      assertThat(opened.get()).as("opened, and not parked").isEqualTo(!parked.get());
      assertThat(texts(group)).hasSize(parked.get() ? 1 : 0);
      assertThat(store().parked(flow, List.of(group)).collectList().block(PATIENCE))
          .hasSize(parked.get() ? 1 : 0);
    }
  }

  @Test
  void oneOfManyClaims() {
    for (int i = 0; i < 4; i++) {
      String group = Character.toString('a' + i);
      park(group + 1);
      is(true, store().release(flow, group));
    }
    List<Claim> claims =
        Flux.range(0, 16)
            .flatMap(i -> store().claim(flow, LONG).subscribeOn(Schedulers.boundedElastic()), 16)
            .collectList()
            .block(PATIENCE);
    Set<String> groups = new HashSet<>();
    Objects.requireNonNull(claims).forEach(claim -> groups.add(claim.group()));
    assertThat(claims).hasSize(groups.size());
    for (Claim c = store().claim(flow, LONG).block(PATIENCE);
        c != null;
        c = store().claim(flow, LONG).block(PATIENCE)) {
      assertThat(groups.add(c.group())).isTrue(); // passed over while it was locked
    }
    assertThat(groups).hasSize(4);
  }

  @Test
  void manyParkAtOnce() {
    park("a0");
    List<String> parked = new ArrayList<>();
    for (int i = 1; i <= 32; i++) {
      parked.add("a" + i);
    }
    Flux.fromIterable(parked)
        .flatMap(
            text ->
                store().parkBehind(flow, message(text)).subscribeOn(Schedulers.boundedElastic()),
            16)
        .doOnNext(here -> assertThat(here).isTrue())
        .blockLast(PATIENCE);
    parked.add("a0");
    assertThat(texts("a")).containsExactlyInAnyOrderElementsOf(parked);
    assertThat(texts("a").get(0)).isEqualTo("a0");
  }
}
