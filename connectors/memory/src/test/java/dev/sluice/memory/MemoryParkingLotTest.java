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

import dev.sluice.contract.ParkingLotContract;
import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.Claim;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class MemoryParkingLotTest extends ParkingLotContract {

  private final SetClock clock = new SetClock();
  private final MemoryParkingLot store = MemoryParkingLot.create(1_000, clock);

  @Override
  protected ParkingLot store() {
    return store;
  }

  @Override
  protected void awaitEnd(Claim claim) {
    clock.pass(Duration.ofMillis(20));
  }

  @Test
  void refusesWhatItHasNoRoomFor() {
    MemoryParkingLot one = MemoryParkingLot.create(1, clock);
    Message<byte[]> message = Message.of(new byte[0]).withGroup("a");
    one.park("flow", message, "why").block();
    StepVerifier.create(one.parkBehind("flow", message.child("1", new byte[0])))
        .verifyErrorMessage("memory: full (expected: at most 1 parked messages)");
    one.drop("flow", "a", 1).block();
    StepVerifier.create(one.parkBehind("flow", message)).expectNext(true).verifyComplete();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryParkingLot.create(0))
        .withMessage("maxMessages: 0 (expected: >= 1)");
  }
}
