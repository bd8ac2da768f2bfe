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
package dev.sluice.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

class ReceiveOptionsTest {

  private final ReceiveOptions defaults = ReceiveOptions.defaults();

  @Test
  void defaultsAreThoseThatAreDocumented() {
    assertThat(defaults.maxUnsettled()).isEqualTo(1024);
    assertThat(defaults.lease()).isEqualTo(Duration.ofSeconds(30));
    assertThat(defaults.deadLetters()).isNull();
    assertThat(defaults.clock()).isEqualTo(Clock.systemUTC());
  }

  @Test
  void aChangeMakesACopyAndKeepsTheRest() {
    Clock clock = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
    Mono<Duration> stop = Mono.just(Duration.ZERO);
    RecordingOutbound target = new RecordingOutbound();
    ReceiveOptions changed =
        defaults
            .maxUnsettled(1)
            .lease(Duration.ofMillis(1))
            .deadLetters(target)
            .stop(stop)
            .clock(clock);
    assertThat(changed.maxUnsettled()).isEqualTo(1);
    assertThat(changed.lease()).isEqualTo(Duration.ofMillis(1));
    assertThat(changed.deadLetters()).isSameAs(target);
    assertThat(changed.stop()).isSameAs(stop);
    assertThat(changed.clock()).isSameAs(clock);
    assertThat(defaults.maxUnsettled()).isEqualTo(1024);
    assertThat(defaults.deadLetters()).isNull();
  }

  @Test
  void atLeastOneDeliveryMayBeUnsettled() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> defaults.maxUnsettled(0))
        .withMessage("maxUnsettled: 0 (expected: >= 1)");
  }

  @Test
  void aLeaseLasts() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> defaults.lease(Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> defaults.lease(Duration.ofSeconds(-1)))
        .withMessage("lease: PT-1S (expected: > PT0S, <= PT8760H)");
  }

  @Test
  void nothingIsNull() {
    assertThatNullPointerException().isThrownBy(() -> defaults.deadLetters(null));
    assertThatNullPointerException().isThrownBy(() -> defaults.stop(null));
    assertThatNullPointerException().isThrownBy(() -> defaults.clock(null));
  }
}
