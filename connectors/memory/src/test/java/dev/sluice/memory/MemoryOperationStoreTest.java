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

import dev.sluice.contract.OperationContract;
import dev.sluice.store.Content;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.NewOperation;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class MemoryOperationStoreTest extends OperationContract {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SetClock clock = new SetClock();
  private final MemoryOperationStore store = MemoryOperationStore.create(500, clock);

  @Override
  protected OperationStore store() {
    return store;
  }

  @Override
  protected void pass(Duration time) {
    clock.pass(time);
  }

  // == the bound ==

  private final MemoryOperationStore two = MemoryOperationStore.create(2, clock);

  private static NewOperation asked(String id) {
    Content request = Content.of("", new byte[0]);
    return new NewOperation(id, "orders", "alice", null, request, null, MINUTE, MINUTE);
  }

  private void isFull() {
    StepVerifier.create(two.accept(asked("one too many")))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, full -> assertThat(full.isTemporary()).isTrue())
                    .hasMessage("memory: full (expected: at most 2 operations)"))
        .verify();
  }

  @Test
  void refusesWhatItHasNoRoomForUntilSomethingIsForgotten() {
    two.accept(asked("a")).block();
    two.accept(asked("b")).block();
    isFull();
    two.finish(two.claim("orders", 1, MINUTE).blockFirst(), new Ending.Cancelled()).block();
    isFull();
    clock.pass(MINUTE);
    isFull(); // it is remembered that there was one
    clock.pass(MINUTE);
    assertThat(two.accept(asked("c")).block())
        .isInstanceOf(OperationStore.Acceptance.Accepted.class);
    isFull();
  }

  @Test
  void needsRoomForAnOperation() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryOperationStore.create(0))
        .withMessage("maxOperations: 0 (expected: >= 1)");
  }
}
