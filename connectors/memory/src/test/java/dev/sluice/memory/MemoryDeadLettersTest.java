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

import dev.sluice.contract.DeadLettersContract;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.DeadLetters.Claimed;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class MemoryDeadLettersTest extends DeadLettersContract {

  private final SetClock clock = new SetClock();
  private final MemoryDeadLetters store = MemoryDeadLetters.create(1_000, clock);

  @Override
  protected DeadLetters store() {
    return store;
  }

  @Override
  protected void awaitAge(String id, Duration age) {
    clock.pass(age);
  }

  @Override
  protected void awaitEnd(Claimed claimed) {
    clock.pass(Duration.ofMillis(20));
  }

  @Test
  void refusesWhatItHasNoRoomFor() {
    MemoryDeadLetters one = MemoryDeadLetters.create(1, clock);
    one.add(Message.of(new byte[0])).block();
    StepVerifier.create(one.add(Message.of(new byte[0])))
        .verifyErrorMessage("memory: full (expected: at most 1 dead letters)");
    one.claim(DeadLetterQuery.all(), Duration.ofMinutes(1)).flatMap(one::remove).blockLast();
    StepVerifier.create(one.add(Message.of(new byte[0]))).expectNext("2").verifyComplete();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryDeadLetters.create(0))
        .withMessage("maxLetters: 0 (expected: >= 1)");
  }
}
