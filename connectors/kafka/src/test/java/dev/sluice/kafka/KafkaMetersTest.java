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
package dev.sluice.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.sluice.kafka.KafkaGauges.OfPartition;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the partitions of a channel come to together. */
class KafkaMetersTest {

  private static OfPartition partition(int number, int window, long bytes, Duration stalled) {
    return new OfPartition(
        "orders",
        number,
        1,
        90,
        100,
        110,
        window,
        200,
        bytes,
        1000,
        3,
        stalled,
        false,
        Duration.ZERO,
        null);
  }

  private static MeterReadings readings(KafkaGauges gauges) {
    return MeterReadings.of(
        meters -> new KafkaMeters(meters.with("channel", "orders"), () -> gauges).name());
  }

  @Test
  void areSumsAndTheWorst() {
    KafkaGauges gauges =
        new KafkaGauges(
            List.of(
                partition(0, 100, 100, Duration.ofMillis(1500)),
                partition(1, 10, 750, Duration.ZERO)),
            1,
            2,
            3,
            4);
    assertThat(readings(gauges).read())
        .containsOnly(
            entry("sluice.kafka.partitions{channel=orders}", 2.0),
            entry("sluice.kafka.frontier.lag{channel=orders}", 20.0),
            entry("sluice.kafka.frontier.stalled{channel=orders}", 1.5),
            entry("sluice.kafka.window.used{channel=orders}", 0.75),
            entry("sluice.kafka.unsettled{channel=orders}", 6.0),
            entry("sluice.kafka.unsettled.bytes{channel=orders}", 850.0),
            entry("sluice.kafka.skipped.ahead{channel=orders}", 1.0),
            entry("sluice.settle.redundant{channel=orders}", 2.0),
            entry("sluice.settle.stale{channel=orders}", 3.0),
            entry("sluice.kafka.commit.failed{channel=orders}", 4.0));
  }

  @Test
  void areZeroWithoutPartitions() {
    assertThat(readings(new KafkaGauges(List.of(), 0, 0, 0, 0)).read().values()).containsOnly(0.0);
  }

  @Test
  void doNotCountWhatIsNotKnown() {
    OfPartition fresh =
        new OfPartition(
            "orders",
            0,
            1,
            -1,
            -1,
            -1,
            0,
            200,
            0,
            1000,
            0,
            Duration.ZERO,
            false,
            Duration.ZERO,
            null);
    assertThat(readings(new KafkaGauges(List.of(fresh), 0, 0, 0, 0)).read())
        .contains(entry("sluice.kafka.frontier.lag{channel=orders}", 0.0));
  }
}
