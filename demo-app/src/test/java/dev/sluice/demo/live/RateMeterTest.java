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
package dev.sluice.demo.live;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.ledger.Counters;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RateMeterTest {

  private final TestClock clock = new TestClock();
  private final RateMeter meter = new RateMeter();

  private Frame.Rates read(long checkedIn, long loaded) {
    return meter.read(
        clock.instant(), new Counters(checkedIn, checkedIn - loaded, 0, loaded, 0, 0, 0));
  }

  @Test
  void isZeroAtFirst() {
    assertThat(read(1_000_000, 0)).isEqualTo(new Frame.Rates(0, 0));
  }

  @Test
  void isTheChangePerSecond() {
    read(100, 50);
    clock.advance(Duration.ofSeconds(2));

    assertThat(read(1_100, 850)).isEqualTo(new Frame.Rates(500, 400));
  }

  @Test
  void forgetsWhatIsOlderThanItsWindow() {
    read(0, 0);
    clock.advance(Duration.ofSeconds(4));
    read(4_000, 4_000);
    clock.advance(Duration.ofSeconds(4));

    assertThat(read(4_000, 4_000)).isEqualTo(new Frame.Rates(0, 0));
  }
}
