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

import dev.sluice.delivery.Outcome.Ack;
import dev.sluice.delivery.Outcome.Ack.Reason;
import dev.sluice.delivery.Outcome.Reject;
import dev.sluice.delivery.Outcome.Release;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.Outcome.Retry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OutcomeTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Outcome BUSY = Outcome.release(Why.BUSY);
  private static final Outcome RETRY = Outcome.retry(Duration.ofSeconds(1), null);
  private static final Outcome REJECT = Outcome.reject(DeadLetterReason.POISON, null);

  @Nested
  class Limits {

    @Test
    void delaysAreNotNegative() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Outcome.retry(Duration.ofMillis(-1), null))
          .withMessage("delay: PT-0.001S (expected: >= PT0S)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Release(Why.BUSY, Duration.ofNanos(-1)))
          .withMessageStartingWith("delay: ");
    }

    @Test
    void reasonsAreRequired() {
      assertThatNullPointerException().isThrownBy(() -> new Ack(null)).withMessage("reason");
      assertThatNullPointerException().isThrownBy(() -> new Reject(null, null));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Reject(DeadLetterReason.POISON, null).withAttempts(-1))
          .withMessage("attempts: -1 (expected: >= 0)");
      assertThatNullPointerException().isThrownBy(() -> new Release(null, Duration.ZERO));
    }
  }

  @Nested
  class Worse {

    @Test
    void rejectIsWorseThanRetryThanReleaseThanAck() {
      List<Outcome> fromBestToWorst = List.of(ACK, BUSY, RETRY, REJECT);
      for (int better = 0; better < fromBestToWorst.size(); better++) {
        for (int worse = better; worse < fromBestToWorst.size(); worse++) {
          Outcome a = fromBestToWorst.get(better);
          Outcome b = fromBestToWorst.get(worse);
          assertThat(a.worse(b)).isSameAs(b);
          assertThat(b.worse(a)).isSameAs(b);
        }
      }
    }

    @ParameterizedTest
    @EnumSource(names = {"STOPPED", "CANCELLED", "LOST"})
    void aReleaseOfWorkThatWasCutShortIsWorseThanAnything(Why why) {
      Outcome cutShort = Outcome.release(why);
      for (Outcome other : List.of(ACK, BUSY, RETRY, REJECT)) {
        assertThat(cutShort.worse(other)).isSameAs(cutShort);
        assertThat(other.worse(cutShort)).isSameAs(cutShort);
      }
    }

    @Test
    void ofTwoDelaysTheLongerIsWorse() {
      Outcome shorter = Outcome.retry(Duration.ofSeconds(1), null);
      Outcome longer = Outcome.retry(Duration.ofSeconds(2), null);
      assertThat(shorter.worse(longer)).isSameAs(longer);
      assertThat(longer.worse(shorter)).isSameAs(longer);

      Outcome soon = new Release(Why.BUSY, Duration.ofSeconds(1));
      Outcome late = new Release(Why.BUSY, Duration.ofSeconds(2));
      assertThat(soon.worse(late)).isSameAs(late);
      assertThat(late.worse(soon)).isSameAs(late);
    }

    @Test
    void ofTwoEqualsTheFirstIsKept() {
      Outcome first = Outcome.retry(Duration.ZERO, new IllegalStateException("first"));
      assertThat(first.worse(Outcome.retry(Duration.ZERO, null))).isSameAs(first);
    }

    /** Children finish in any order, so the order in which outcomes are joined must not matter. */
    @Test
    void theOrderOfJoiningDoesNotMatter() {
      List<Outcome> all =
          List.of(
              ACK,
              new Ack(Reason.DUPLICATE),
              BUSY,
              new Release(Why.BUSY, Duration.ofSeconds(3)),
              Outcome.release(Why.STOPPED),
              new Release(Why.CANCELLED, Duration.ofSeconds(1)),
              Outcome.release(Why.LOST),
              RETRY,
              Outcome.retry(Duration.ofSeconds(9), new IllegalStateException()),
              REJECT,
              Outcome.reject(DeadLetterReason.EXPIRED, null));
      for (Outcome a : all) {
        assertThat(a.worse(a)).isSameAs(a);
        for (Outcome b : all) {
          assertThat(effect(a.worse(b))).isEqualTo(effect(b.worse(a)));
          for (Outcome c : all) {
            assertThat(effect(a.worse(b).worse(c)))
                .as("%s, %s, %s", a, b, c)
                .isEqualTo(effect(a.worse(b.worse(c))));
          }
        }
      }
    }

    /** What matters of an outcome to the source; which of two equal reasons is told does not. */
    private Object effect(Outcome outcome) {
      if (outcome instanceof Ack) {
        return "ack";
      }
      if (outcome instanceof Release release) {
        return List.of("release", release.why() == Why.BUSY, release.delay());
      }
      return outcome instanceof Retry retry ? List.of("retry", retry.delay()) : "reject";
    }
  }
}
