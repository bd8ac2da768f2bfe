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
package dev.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryAfterTest {

  private final RetryAfter retryAfter =
      new RetryAfter(Duration.ofSeconds(1), Duration.ofSeconds(60));

  private long seconds(double age, @Nullable Integer percent) {
    return retryAfter.seconds(
        new Operation(
            "a",
            "claims",
            "alice",
            percent == null ? Phase.PENDING : Phase.RUNNING,
            percent == null ? null : new Progress(percent, ""),
            false,
            1,
            null,
            1,
            Duration.ofMillis((long) (age * 1000))));
  }

  @Test
  void growsWithTheAgeWhenNothingElseIsKnown() {
    assertThat(seconds(0, null)).isEqualTo(1);
    assertThat(seconds(8, null)).isEqualTo(2);
    assertThat(seconds(100, null)).isEqualTo(25);
    assertThat(seconds(100_000, null)).isEqualTo(60);
  }

  @Test
  void followsTheProgress() {
    assertThat(seconds(10, 50)).isEqualTo(10);
    assertThat(seconds(90, 90)).isEqualTo(10);
    assertThat(seconds(10, 100)).isEqualTo(1);
    assertThat(seconds(10, 0)).isEqualTo(3);
  }

  @Test
  void followsHowLongTheLastOnesTook() {
    retryAfter.took(Duration.ofSeconds(20));
    assertThat(seconds(0, null)).isEqualTo(20);
    assertThat(seconds(15, null)).isEqualTo(5);
    assertThat(seconds(40, null)).isEqualTo(10);
    for (int i = 0; i < 50; i++) {
      retryAfter.took(Duration.ofSeconds(4));
    }
    assertThat(seconds(0, null)).isBetween(4L, 5L);
  }

  @ParameterizedTest
  @CsvSource({
    "'wait=5', 5",
    "'respond-async, wait=5', 5",
    "'respond-async; foo=bar, WAIT = 7', 7",
    "'wait=\"5\"', 5",
    "'wait=100', 30",
    "'wait=999999999', 30",
    "'', 0",
    "'wait', 0",
    "'wait=-1', 0",
    "'wait=x', 0",
    "'await=5', 0",
    "'wait=1234567890', 0"
  })
  void readsHowLongAClientWaits(String prefer, long seconds) {
    assertThat(Preferences.wait(prefer, Duration.ofSeconds(30)))
        .isEqualTo(Duration.ofSeconds(seconds));
  }
}
