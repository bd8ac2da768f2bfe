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

import dev.sluice.message.Message;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class DeliveryTest {

  private static final Origin ORIGIN = new Origin("orders", "7", 1, Instant.EPOCH, 3);

  private final ProbeSettlement settlement = new ProbeSettlement();
  private final Delivery<String> delivery =
      new Delivery<>(Message.of("secret"), settlement, ORIGIN);

  @Test
  void anotherMessageKeepsTheSettlementAndTheOrigin() {
    Message<Integer> length = delivery.message().withPayload(6);
    Delivery<Integer> mapped = delivery.with(length);
    assertThat(mapped.message()).isSameAs(length);
    assertThat(mapped.settlement()).isSameAs(settlement);
    assertThat(mapped.origin()).isSameAs(ORIGIN);
  }

  @Test
  void anotherSettlementKeepsTheMessageAndTheOrigin() {
    ProbeSettlement own = new ProbeSettlement();
    Delivery<String> substituted = delivery.with(own);
    assertThat(substituted.message()).isSameAs(delivery.message());
    assertThat(substituted.settlement()).isSameAs(own);
    assertThat(substituted.origin()).isSameAs(ORIGIN);
  }

  @Test
  void isPrintedWithItsPlaceAndWithoutItsPayload() {
    assertThat(delivery).hasToString("Delivery[" + delivery.message() + " from orders 7]");
    assertThat(delivery.toString()).doesNotContain("secret");
  }

  @Test
  void anOriginOfWhichNoBoundIsKnownHasNone() {
    assertThat(ORIGIN.window()).isEqualTo(Origin.UNBOUNDED);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Origin("orders", "7", 1, Instant.EPOCH, 3, 0))
        .withMessage("window: 0 (expected: >= 1)");
  }

  @Test
  void anotherAttemptKeepsTheRestOfTheOrigin() {
    assertThat(new Origin("orders", "7", 1, Instant.EPOCH, 3, 9).withAttempt(2))
        .isEqualTo(new Origin("orders", "7", 2, Instant.EPOCH, 3, 9));
  }

  @Test
  void attemptsAreCountedFromOne() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Origin("orders", "7", 0, Instant.EPOCH, 3))
        .withMessage("attempt: 0 (expected: >= 1)");
  }

  @Test
  void everyPartIsRequired() {
    assertThatNullPointerException()
        .isThrownBy(() -> new Delivery<>(delivery.message(), null, ORIGIN))
        .withMessage("settlement");
    assertThatNullPointerException()
        .isThrownBy(() -> new Origin(null, "7", 1, Instant.EPOCH, 3))
        .withMessage("channel");
  }
}
