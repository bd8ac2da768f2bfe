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

import dev.sluice.contract.TaskContract;
import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.TaskStore;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class MemoryTaskStoreTest extends TaskContract {

  private final SetClock clock = new SetClock();
  private final MemoryTaskStore store = MemoryTaskStore.create(1_000, clock);

  @Override
  protected TaskStore store() {
    return store;
  }

  @Override
  protected void pass(Duration time) {
    clock.pass(time);
  }

  // == the bound ==

  private static NewTask task(String id) {
    return new NewTask(
        id,
        "turnaround",
        List.of(
            new NewTask.Step(
                "fuel",
                "fuel",
                Content.of("", new byte[0]),
                Set.of(),
                Duration.ofMinutes(1),
                List.of())));
  }

  @Test
  void refusesWhatItHasNoRoomForUntilSomethingIsForgotten() {
    MemoryTaskStore one = MemoryTaskStore.create(1, clock);
    assertThat(one.start(task("a")).block()).isTrue();
    assertThat(one.start(task("a")).block()).isFalse();
    StepVerifier.create(one.start(task("b")))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, full -> assertThat(full.isTemporary()).isTrue())
                    .hasMessage("memory: full (expected: at most 1 tasks)"))
        .verify();
    one.abandon("a", "no room").block();
    one.purge(Duration.ZERO, 10).block();
    assertThat(one.start(task("b")).block()).isTrue();
  }

  @Test
  void needsRoomForATask() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryTaskStore.create(0))
        .withMessage("maxTasks: 0 (expected: >= 1)");
  }
}
