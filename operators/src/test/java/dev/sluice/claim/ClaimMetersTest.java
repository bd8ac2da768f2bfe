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
package dev.sluice.claim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.message.Message;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ClaimMetersTest extends ClaimFixture {

  private static final String TAGS = "{claims=images}";

  private final ClaimMeters meters = ClaimMeters.create("images", clock);
  private final MeterReadings readings = MeterReadings.of(meters);

  @Test
  void holdWhatStorageCostsAgainstWhatTheBrokerDidNotCarry() {
    Checker checker = checker(spec -> spec.compress().ttl(Duration.ofHours(10)).listener(meters));
    Message<byte[]> large =
        Objects.requireNonNull(checker.check(Message.of(new byte[36_000])).block());
    checker.check(Message.of(new byte[500])).block();
    int stored = shelf.payloads.values().iterator().next().length;
    assertThat(readings.read())
        .containsEntry("sluice.claim.stored" + TAGS, 1.0)
        .containsEntry("sluice.claim.stored.bytes" + TAGS, (double) stored)
        .containsEntry("sluice.claim.offloaded.bytes" + TAGS, 36_000.0)
        .containsEntry("sluice.claim.inline.bytes" + TAGS, 500.0)
        .containsEntry("sluice.claim.storage" + TAGS, 10.0 * stored);

    clock.now = START.plus(Duration.ofHours(4));
    checker.withdraw(large).block();
    assertThat(readings.read())
        .containsEntry("sluice.claim.deleted" + TAGS, 1.0)
        .containsEntry("sluice.claim.storage.returned" + TAGS, 6.0 * stored);
  }

  @Test
  void countWhatBecomesOfClaims() {
    Redeemer redeemer = redeemer(spec -> spec.listener(meters));
    Message<byte[]> message = checkedIn(content(1000));
    redeemer.redeem(message).block();
    shelf.payloads.clear();
    assertThatThrownBy(() -> redeemer.redeem(message).block());
    assertThatThrownBy(() -> redeemer.redeem(carrying("forged")).block());
    Map<String, Double> read = readings.read();
    assertThat(read)
        .containsEntry("sluice.claim.redeemed" + TAGS, 1.0)
        .containsEntry("sluice.claim.redeemed.bytes" + TAGS, 1000.0)
        .containsEntry("sluice.claim.lost" + TAGS, 1.0)
        .containsEntry("sluice.claim.refused{claims=images, reason=malformed}", 1.0)
        .containsEntry("sluice.claim.refused{claims=images, reason=forged}", 0.0);
  }
}
