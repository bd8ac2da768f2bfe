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
package dev.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.bridge.Reach.Phase;
import dev.sluice.delivery.ErrorPolicy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.scheduler.Schedulers;
import reactor.test.util.RaceTestUtils;

/** What is known of a target, event by event. */
class ReachTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final RuntimeException AWAY = new IllegalStateException("away");

  private final Reach reach =
      new Reach(
          ErrorPolicy.defaults().backoff(Duration.ofSeconds(1), Duration.ofSeconds(4)).jitter(0),
          Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));

  @Test
  void aProbeThatFailsMakesTheNextWaitLonger() {
    assertThat(reach.take(0)).isZero();
    reach.failed(0, AWAY);
    assertThat(reach.take(0)).isEqualTo(SECOND);
    assertThat(reach.take(SECOND)).isZero();
    assertThat(reach.state().phase()).isEqualTo(Phase.PROBING);
    assertThat(reach.take(SECOND)).isPositive(); // one at a time
    reach.failed(SECOND, AWAY);
    assertThat(reach.take(SECOND)).isEqualTo(2 * SECOND);
    assertThat(reach.state().outages()).isEqualTo(1);
  }

  @Test
  void aSendThatHadBegunBeforeDoesNotMakeItLonger() {
    reach.failed(0, AWAY);
    reach.failed(SECOND / 2, AWAY);
    assertThat(reach.take(SECOND / 2)).isEqualTo(SECOND / 2);
    assertThat(reach.state().failures()).isEqualTo(2);
    assertThat(reach.state().outages()).isEqualTo(1);
  }

  @Test
  void norDoesOneEndIt() {
    reach.failed(0, AWAY);
    reach.confirmed();
    assertThat(reach.take(0)).isEqualTo(SECOND);
    assertThat(reach.state().outages()).isEqualTo(1);
  }

  @Test
  void aConfirmedProbeEndsIt() {
    reach.failed(0, AWAY);
    assertThat(reach.take(SECOND)).isZero();
    reach.confirmed();
    assertThat(reach.state().phase()).isEqualTo(Phase.REACHABLE);
    assertThat(reach.state().failures()).isZero();
    assertThat(reach.take(0)).isZero();
    reach.failed(0, AWAY);
    assertThat(reach.take(0)).isEqualTo(SECOND); // from the beginning
    assertThat(reach.state().outages()).isEqualTo(2);
  }

  @Test
  void aProbeThatSaysNothingIsTriedAgainAtOnce() {
    reach.failed(0, AWAY);
    assertThat(reach.take(SECOND)).isZero();
    reach.noNews(SECOND);
    assertThat(reach.take(SECOND)).isZero();
  }

  @Test
  void whatSaysNothingOpensNothing() {
    reach.failed(0, AWAY);
    reach.noNews(0);
    assertThat(reach.take(0)).isEqualTo(SECOND);
  }

  @Test
  void aPauseIsForEverything() {
    reach.pause(true);
    assertThat(reach.take(0)).isPositive();
    reach.pause(false);
    assertThat(reach.take(0)).isZero();
  }

  @Test
  void ofManyWhoAskOneProbes() {
    for (int round = 0; round < 2_000; round++) {
      reach.failed(0, AWAY);
      AtomicInteger probes = new AtomicInteger();
      Runnable ask =
          () -> {
            if (reach.take(Long.MAX_VALUE / 2) == 0) {
              probes.incrementAndGet();
            }
          };
      RaceTestUtils.race(Schedulers.boundedElastic(), ask, ask, ask);
      assertThat(probes).hasValue(1);
      reach.confirmed();
    }
  }
}
