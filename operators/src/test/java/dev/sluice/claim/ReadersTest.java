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
package dev.sluice.claim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Several groups read the same messages, and the last one deletes their payloads. */
class ReadersTest extends ClaimFixture {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final Acks acks = new Acks();

  @AfterEach
  void reset() {
    VirtualTimeScheduler.reset();
  }

  /** Who is at what, and what is done. */
  private static final class Acks implements IdempotencyStore {
    final Map<IdempotencyKey, Boolean> done = new HashMap<>();

    @Override
    public Mono<Attempt> begin(IdempotencyKey key, Duration lease) {
      return Mono.fromSupplier(
          () -> {
            Boolean known = done.putIfAbsent(key, false);
            if (known == null) {
              return new Attempt.Started(key, "token");
            }
            return known ? new Attempt.Completed(null) : new Attempt.InProgress(lease);
          });
    }

    @Override
    public Mono<Boolean> renew(Attempt.Started started, Duration lease) {
      return Mono.just(true);
    }

    @Override
    public Mono<Boolean> complete(
        Attempt.Started started, byte @Nullable [] result, Duration retention) {
      return Mono.fromSupplier(() -> done.put(started.key(), true) != null);
    }

    @Override
    public Mono<Boolean> release(Attempt.Started started) {
      return Mono.fromSupplier(() -> done.remove(started.key(), false));
    }

    @Override
    public Mono<Integer> purge(int limit) {
      return Mono.just(0);
    }
  }

  private void acknowledge(Message<byte[]> message, String ours, String... others) {
    TestChannel source = TestChannel.create(ours).durableAfter(Duration.ofSeconds(1));
    Redeemer redeemer = redeemer(spec -> spec.deleteOnLastAck(acks, ours, others));
    source.offer(message);
    source
        .receive(ReceiveOptions.defaults())
        .concatMap(redeemer::redeem)
        .map(Delivery::settlement)
        .subscribe(settlement -> settlement.settle(Outcome.ack()));
  }

  @Test
  void theLastOneDeletes() {
    Message<byte[]> message = checkedIn(content(1000));
    acknowledge(message, "customs", "archive", "police");
    time.advanceTimeBy(Duration.ofSeconds(1));
    acknowledge(message, "archive", "customs", "police");
    time.advanceTimeBy(Duration.ofSeconds(1));
    acknowledge(message, "archive", "customs", "police"); // once more, as it happens
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shelf.payloads).hasSize(1);
    acknowledge(message, "police", "customs", "archive");
    assertThat(shelf.payloads).hasSize(1); // not durable yet
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shelf.payloads).isEmpty();
    assertThat(heard).containsOnlyOnce("deleted");
  }

  /** Somebody asks about us at the moment at which we want to say that we are done. */
  @Test
  void waitsForOneWhoAsksAboutIt() {
    Message<byte[]> message = checkedIn(content(1000));
    acknowledge(message, "customs", "archive");
    time.advanceTimeBy(Duration.ofSeconds(1));
    String key = Objects.requireNonNull(acks.done.keySet().iterator().next()).key();
    acks.done.put(new IdempotencyKey("archive", key), false);
    acknowledge(message, "archive", "customs");
    time.advanceTimeBy(Duration.ofSeconds(2));
    assertThat(shelf.payloads).hasSize(1);
    acks.done.remove(new IdempotencyKey("archive", key));
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void aKeyThatStaysInUseLeavesThePayloadToTheSweeper() {
    Message<byte[]> message = checkedIn(content(1000));
    Claim claim = new ClaimSigner(keys).verify(signed(message), START);
    acks.done.put(new IdempotencyKey("customs", claim.key().toString()), false);
    acknowledge(message, "customs", "archive");
    time.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(shelf.payloads).hasSize(1);
    assertThat(heard).anyMatch(news -> news.startsWith("left acks: "));
  }

  @Test
  void groupsAreToldApart() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redeemer(spec -> spec.deleteOnLastAck(acks, "a", "a", "b")));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redeemer(spec -> spec.deleteOnLastAck(acks, "a")))
        .withMessage("others: [] (expected: at least one, without a)");
  }
}
