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
package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.Outcome.Retry;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Exceptions;

class ErrorPolicyTest {

  private static final IOException TRANSIENT = new IOException("connection reset");

  @Nested
  class Outcomes {

    private final ErrorPolicy policy = ErrorPolicy.defaults();

    @Test
    void aTransientErrorIsRetriedUntilTheAttemptsAreUsedUp() {
      for (int attempt = 1; attempt <= 3; attempt++) {
        assertThat(policy.outcomeOf(TRANSIENT, attempt))
            .isInstanceOfSatisfying(
                Retry.class, retry -> assertThat(retry.cause()).isSameAs(TRANSIENT));
      }
      assertThat(policy.outcomeOf(TRANSIENT, 4))
          .isEqualTo(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, TRANSIENT));
      assertThat(policy.maxAttempts()).isEqualTo(4);
    }

    @Test
    void withoutRetriesTheFirstFailureIsTheLast() {
      assertThat(policy.retries(0).outcomeOf(TRANSIENT, 1))
          .isEqualTo(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, TRANSIENT));
      assertThat(policy.retries(0).maxAttempts()).isEqualTo(1);
    }

    @Test
    void anAttemptBeyondTheLastIsRejectedToo() {
      assertThat(policy.outcomeOf(TRANSIENT, Integer.MAX_VALUE))
          .isEqualTo(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, TRANSIENT));
    }

    @Test
    void poisonIsRejectedAtOnce() {
      IllegalArgumentException poison = new IllegalArgumentException("weight: -1");
      assertThat(policy.outcomeOf(poison, 1))
          .isEqualTo(Outcome.reject(DeadLetterReason.POISON, poison));
    }

    @Test
    void anUnreadablePayloadIsNamedAsSuch() {
      UnreadablePayload unreadable =
          new UnreadablePayload("application/json", "ends too early", null);
      assertThat(policy.outcomeOf(unreadable, 1))
          .isEqualTo(Outcome.reject(DeadLetterReason.UNREADABLE, unreadable));
    }

    @Test
    void aFatalErrorIsNotTheMessagesFault() {
      assertThat(policy.outcomeOf(new OutOfMemoryError(), 1))
          .isEqualTo(Outcome.release(Why.STOPPED));
    }

    @Test
    void theExceptionIsTheOneThatTheUserThrew() {
      assertThat(policy.outcomeOf(Exceptions.propagate(TRANSIENT), 9))
          .isEqualTo(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, TRANSIENT));
    }

    @Test
    void theClassifierDecidesWhatIsWorthARetry() {
      ErrorPolicy stubborn = policy.classifier(error -> Kind.POISON);
      assertThat(stubborn.outcomeOf(TRANSIENT, 1))
          .isEqualTo(Outcome.reject(DeadLetterReason.POISON, TRANSIENT));
    }
  }

  @Nested
  class Delays {

    private final ErrorPolicy exact =
        ErrorPolicy.defaults().jitter(0).backoff(Duration.ofMillis(200), Duration.ofSeconds(30));

    @ParameterizedTest
    @CsvSource({"1,200", "2,400", "3,800", "8,25600", "9,30000", "70,30000", "2147483647,30000"})
    void doubleUpToTheMaximum(int attempt, long millis) {
      assertThat(exact.delayAfter(attempt)).isEqualTo(Duration.ofMillis(millis));
    }

    @Test
    void canBeZero() {
      ErrorPolicy eager = ErrorPolicy.defaults().backoff(Duration.ZERO, Duration.ZERO);
      assertThat(eager.delayAfter(1)).isZero();
      assertThat(eager.delayAfter(50)).isZero();
    }

    @Test
    void areJitteredByNoMoreThanTheGivenShareOfThemselves() {
      ErrorPolicy jittered = exact.jitter(0.5);
      IntStream.range(0, 10_000)
          .mapToObj(i -> jittered.delayAfter(1).toMillis())
          .forEach(millis -> assertThat(millis).isBetween(100L, 300L));
      assertThat(IntStream.range(0, 1_000).mapToObj(i -> jittered.delayAfter(1)).distinct())
          .hasSizeGreaterThan(10);
    }

    @Test
    void neverExceedTheMaximumByJitter() {
      ErrorPolicy jittered = exact.jitter(1);
      IntStream.range(0, 1_000)
          .mapToObj(i -> jittered.delayAfter(9))
          .forEach(delay -> assertThat(delay).isBetween(Duration.ZERO, Duration.ofSeconds(30)));
    }

    @Test
    void areThoseOfTheRetry() {
      assertThat(exact.outcomeOf(TRANSIENT, 2))
          .isEqualTo(Outcome.retry(Duration.ofMillis(400), TRANSIENT));
    }
  }

  @Nested
  class Limits {

    private final ErrorPolicy policy = ErrorPolicy.defaults();

    @Test
    void retriesAreNotNegative() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> policy.retries(-1))
          .withMessage("retries: -1 (expected: >= 0)");
    }

    @Test
    void theFirstDelayIsNotNegative() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> policy.backoff(Duration.ofMillis(-1), Duration.ZERO))
          .withMessage("first: PT-0.001S (expected: PT0S..PT8760H)");
    }

    @Test
    void theMaximumIsNotBelowTheFirstDelay() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> policy.backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)))
          .withMessage("max: PT1S (expected: PT2S..PT8760H)");
    }

    @Test
    void theMaximumIsAtMostAYear() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> policy.backoff(Duration.ZERO, Duration.ofDays(366)))
          .withMessage("max: PT8784H (expected: PT0S..PT8760H)");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN, Double.POSITIVE_INFINITY})
    void jitterIsAShare(double jitter) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> policy.jitter(jitter))
          .withMessage("jitter: " + jitter + " (expected: 0..1)");
    }

    @Test
    void theClassifierIsRequired() {
      assertThatNullPointerException()
          .isThrownBy(() -> policy.classifier(null))
          .withMessage("classifier");
    }

    @Test
    void aChangeMakesACopy() {
      policy.retries(9).backoff(Duration.ZERO, Duration.ZERO).jitter(0);
      assertThat(policy.maxAttempts()).isEqualTo(4);
      assertThat(policy.delayAfter(1)).isPositive();
    }
  }
}
