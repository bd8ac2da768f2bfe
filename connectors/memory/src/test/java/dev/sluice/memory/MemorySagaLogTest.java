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

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.contract.SagaLogContract;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class MemorySagaLogTest extends SagaLogContract {

  private final SetClock clock = new SetClock();
  private final SagaLog log = MemorySagaLog.create(10_000, clock);

  @Override
  protected SagaLog log() {
    return log;
  }

  @Override
  protected void awaitEnd(SagaKey key) {
    clock.pass(Duration.ofHours(1));
  }

  @Override
  protected void awaitAge(SagaKey key, Duration age) {
    clock.pass(age);
  }

  @Test
  void isBounded() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemorySagaLog.create(0))
        .withMessage("maxSagas: 0 (expected: >= 1)");
    SagaLog small = MemorySagaLog.create(1);
    Duration lease = Duration.ofMinutes(1);
    small.open(new SagaKey("a", "1"), 1, new byte[0], "o", lease).block();
    StepVerifier.create(small.open(new SagaKey("a", "2"), 1, new byte[0], "o", lease))
        .expectError(StoreFailed.class)
        .verify(Duration.ofSeconds(30));
  }
}
