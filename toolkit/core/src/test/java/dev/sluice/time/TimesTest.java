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
package dev.sluice.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class TimesTest {

  private static final Duration NANO = Duration.ofNanos(1);
  private static final Duration SECOND = Duration.ofSeconds(1);

  @Test
  void givesBackWhatIsInRange() {
    assertThat(Times.positive("lease", NANO)).isSameAs(NANO);
    assertThat(Times.positive("lease", Times.LONGEST)).isSameAs(Times.LONGEST);
    assertThat(Times.notNegative("grace", Duration.ZERO)).isZero();
    assertThat(Times.notNegative("grace", Times.LONGEST)).isSameAs(Times.LONGEST);
    assertThat(Times.retention("retention", Times.LONGEST_RETENTION))
        .isSameAs(Times.LONGEST_RETENTION);
    assertThat(Times.between("timeout", SECOND, SECOND, SECOND)).isSameAs(SECOND);
  }

  @Test
  void refusesWhatIsNot() {
    refused(
        () -> Times.positive("lease", Duration.ZERO), "lease: PT0S (expected: > PT0S, <= PT8760H)");
    refused(
        () -> Times.positive("lease", Times.LONGEST.plus(NANO)),
        "lease: PT8760H0.000000001S (expected: > PT0S, <= PT8760H)");
    refused(
        () -> Times.notNegative("grace", NANO.negated()),
        "grace: PT-0.000000001S (expected: PT0S..PT8760H)");
    refused(
        () -> Times.notNegative("grace", Duration.ofDays(366)),
        "grace: PT8784H (expected: PT0S..PT8760H)");
    refused(
        () -> Times.retention("retention", Duration.ZERO),
        "retention: PT0S (expected: > PT0S, <= PT87600H)");
    refused(
        () -> Times.retention("retention", Duration.ofSeconds(Long.MAX_VALUE)),
        "retention: " + Duration.ofSeconds(Long.MAX_VALUE) + " (expected: > PT0S, <= PT87600H)");
    refused(
        () -> Times.between("timeout", Duration.ofMillis(999), SECOND, Duration.ofMinutes(1)),
        "timeout: PT0.999S (expected: PT1S..PT1M)");
    refused(
        () -> Times.between("timeout", Duration.ofHours(1), SECOND, Duration.ofMinutes(1)),
        "timeout: PT1H (expected: PT1S..PT1M)");
  }

  @Test
  void saysWhatIsNull() {
    assertThatNullPointerException()
        .isThrownBy(() -> Times.positive("lease", null))
        .withMessage("lease");
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }
}
