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

import dev.sluice.contract.AggregationContract;
import dev.sluice.message.Message;
import dev.sluice.store.Aggregation;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class MemoryAggregationStoreTest extends AggregationContract {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SetClock clock = new SetClock();
  private final MemoryAggregationStore store = MemoryAggregationStore.create(100, clock);

  @Override
  protected AggregationStore store() {
    return store;
  }

  @Override
  protected void awaitEnd(AggregationKey key) {
    clock.pass(Duration.ofMillis(20));
  }

  // == the bound ==

  private final MemoryAggregationStore two = MemoryAggregationStore.create(2, clock);

  private Mono<Aggregation> open(String key) {
    return two.open(
        new AggregationKey("trips", key), Message.of(new byte[0]), List.of("north"), MINUTE);
  }

  private void isFull(String key) {
    StepVerifier.create(open(key))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, full -> assertThat(full.isTemporary()).isTrue())
                    .hasMessage("memory: full (expected: at most 2 aggregations)"))
        .verify();
  }

  @Test
  void forgetsNothingBeforeItsTimeToMakeRoom() {
    open("a").block();
    open("b").block();
    open("a").block();
    clock.pass(MINUTE);
    isFull("c");
    AggregationStore.Claimed a = two.close(new AggregationKey("trips", "a"), MINUTE).block();
    two.complete(a, null, MINUTE).block();
    isFull("c");
    clock.pass(MINUTE);
    open("c").block();
    isFull("d");
  }

  @Test
  void needsRoomForAKey() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryAggregationStore.create(0))
        .withMessage("maxKeys: 0 (expected: >= 1)");
  }
}
