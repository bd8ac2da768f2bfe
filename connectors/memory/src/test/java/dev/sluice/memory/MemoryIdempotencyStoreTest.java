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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.contract.IdempotencyContract;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;
import reactor.test.util.RaceTestUtils;

class MemoryIdempotencyStoreTest extends IdempotencyContract {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SetClock clock = new SetClock();
  private final MemoryIdempotencyStore store = MemoryIdempotencyStore.create(100, clock);

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected void awaitEnd(IdempotencyKey key) {
    clock.pass(Duration.ofMillis(20));
  }

  // == the bound ==

  private final MemoryIdempotencyStore two = MemoryIdempotencyStore.create(2, clock);

  private Attempt begin(String key, Duration lease) {
    return two.begin(new IdempotencyKey("orders", key), lease).block();
  }

  private void isFull(String key) {
    StepVerifier.create(two.begin(new IdempotencyKey("orders", key), MINUTE))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, full -> assertThat(full.isTemporary()).isTrue())
                    .hasMessage("memory: full (expected: at most 2 keys)"))
        .verify();
  }

  @Test
  void refusesWhatItHasNoRoomFor() {
    begin("a", MINUTE);
    begin("b", MINUTE);
    isFull("c");
    assertThat(begin("a", MINUTE)).isInstanceOf(Attempt.InProgress.class);
  }

  @Test
  void forgetsNothingBeforeItsTimeToMakeRoom() {
    two.complete((Started) begin("a", MINUTE), null, MINUTE).block();
    begin("b", MINUTE);
    isFull("c");
    assertThat(begin("a", MINUTE)).isInstanceOf(Attempt.Completed.class);
    clock.pass(MINUTE);
    assertThat(begin("c", MINUTE)).isInstanceOf(Started.class);
  }

  @Test
  void hasRoomAgainAsSoonAsAnEndComesNearer() {
    Started a = (Started) begin("a", MINUTE);
    begin("b", MINUTE);
    isFull("c");
    two.renew(a, Duration.ofSeconds(1)).block();
    clock.pass(Duration.ofSeconds(1));
    assertThat(begin("c", MINUTE)).isInstanceOf(Started.class);
    isFull("d");
  }

  @Test
  void hasRoomAgainAfterARelease() {
    Started a = (Started) begin("a", MINUTE);
    begin("b", MINUTE);
    two.release(a).block();
    two.release(a).block();
    assertThat(begin("c", MINUTE)).isInstanceOf(Started.class);
    isFull("d");
  }

  @Test
  void hasRoomForTwoAtOnceWhereTwoHaveEnded() {
    int keys = 5_000; // so that looking for room takes its time
    MemoryIdempotencyStore full = MemoryIdempotencyStore.create(keys, clock);
    for (int i = 0; i < keys; i++) {
      Duration lease = i < 2 ? MINUTE : Duration.ofDays(30);
      full.begin(new IdempotencyKey("orders", "before " + i), lease).block();
    }
    Queue<Throwable> refused = new ConcurrentLinkedQueue<>();
    for (int round = 0; round < 300; round++) {
      clock.pass(MINUTE);
      IdempotencyKey one = new IdempotencyKey("orders", "one " + round);
      IdempotencyKey other = new IdempotencyKey("orders", "other " + round);
      RaceTestUtils.race(
          () -> full.begin(one, MINUTE).subscribe(attempt -> {}, refused::add),
          () -> full.begin(other, MINUTE).subscribe(attempt -> {}, refused::add));
    }
    assertThat(refused).isEmpty();
  }

  @Test
  void takesOverWithoutTakingAnotherPlace() {
    for (int i = 0; i < 10; i++) {
      assertThat(begin("a", MINUTE)).isInstanceOf(Started.class);
      clock.pass(MINUTE);
    }
    assertThat(begin("a", MINUTE)).isInstanceOf(Started.class);
    assertThat(begin("b", MINUTE)).isInstanceOf(Started.class);
    isFull("c");
  }

  @Test
  void needsRoomForAKey() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryIdempotencyStore.create(0))
        .withMessage("maxKeys: 0 (expected: >= 1)");
  }
}
