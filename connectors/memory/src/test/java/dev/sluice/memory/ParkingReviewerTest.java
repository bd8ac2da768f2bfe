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

import dev.sluice.message.Message;
import dev.sluice.parking.Parking;
import dev.sluice.parking.ParkingReviewer;
import dev.sluice.store.ParkingLot;
import dev.sluice.test.MeterReadings;
import java.lang.reflect.Proxy;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Somebody is reminded of parked groups. */
class ParkingReviewerTest {

  private static final Duration EVERY = Duration.ofMinutes(1);
  private static final Duration MAX_AGE = Duration.ofHours(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final SetClock clock = new SetClock();
  private final MemoryParkingLot lot = MemoryParkingLot.create(100, clock);
  private boolean away;

  /** The lot, unless it is away. */
  private ParkingLot sometimes() {
    return (ParkingLot)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ParkingLot.class},
            (proxy, method, args) ->
                away
                    ? Flux.error(new IllegalStateException("the lot is away"))
                    : method.invoke(lot, args));
  }

  private void pass(Duration duration) {
    clock.pass(duration);
    time.advanceTimeBy(duration);
  }

  private void park(String group) {
    lot.park("shipping", Message.of(new byte[0]).withGroup(group), "no stock").block();
  }

  @AfterEach
  void endTime() {
    time.dispose();
  }

  @Test
  void countsThemAndWarnsOfOnesThatWaitForTooLong() {
    away = true;
    ParkingReviewer reviewer = Parking.reviewer(sometimes(), "shipping", EVERY, MAX_AGE, time);
    MeterReadings readings = MeterReadings.of(reviewer);
    assertThat(reviewer.last()).isEmpty();
    assertThat(reviewer.warning()).isNull();
    assertThat(readings.read().values()).hasSize(3).allMatch(value -> value.isNaN());

    away = false;
    park("a");
    park("a");
    pass(Duration.ofMinutes(20));
    park("b");
    lot.park("another", Message.of(new byte[0]).withGroup("c"), "").block();
    pass(EVERY);
    assertThat(readings.read())
        .containsEntry("sluice.parked.groups{flow=shipping}", 2.0)
        .containsEntry("sluice.parked.messages{flow=shipping}", 3.0)
        .containsEntry("sluice.parked.oldest.age{flow=shipping}", 21 * 60.0);
    assertThat(reviewer.warning()).isNull();

    pass(Duration.ofMinutes(40));
    assertThat(reviewer.warning())
        .isEqualTo("of the flow shipping 2 groups are parked, the oldest for PT1H1M");

    away = true;
    lot.release("shipping", "a").block();
    pass(EVERY);
    assertThat(reviewer.last()).as("what it saw last").hasSize(2);

    reviewer.dispose();
    assertThat(reviewer.isDisposed()).isTrue();
    away = false;
    park("d");
    pass(EVERY);
    assertThat(reviewer.last()).hasSize(2);
  }

  @Test
  void checksItsArguments() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Parking.reviewer(lot, "", EVERY, MAX_AGE, time))
        .withMessage("flow: 0 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Parking.reviewer(lot, "f", Duration.ZERO, MAX_AGE, time))
        .withMessage("pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Parking.reviewer(lot, "f", EVERY, Duration.ofMillis(-1), time))
        .withMessage("maxAge: PT-0.001S (expected: PT0S..PT8760H)");
  }
}
