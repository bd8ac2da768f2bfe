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

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import reactor.core.publisher.Mono;

/**
 * The settlement of a delivery whose payload is read lazily. It passes every decision on to the
 * delivery, but no Ack as long as somebody has begun to read the payload and nobody has verified
 * it: bytes that are not the ones that were stored must not count as worked on.
 */
final class Redemption extends SettlementCore {

  /*
   * Threads: onDecided is called by whoever decides, ended by whoever makes the delivery done.
   *
   * The delivery may be decided behind our back, when its source takes it back; then that is our
   * decision too, so that nobody begins to work on it. Each side decides first and then looks at the
   * other, and both may see it: settle takes the first only, and ends here are harmless twice.
   */

  private final Settlement delivery;
  private final Claimed payload;

  Redemption(Settlement delivery, Claimed payload) {
    this.delivery = delivery;
    this.payload = payload;
  }

  /** Follows the delivery; called once, before anybody can decide. */
  Redemption watch() {
    delivery.onDone(this::ended);
    return this;
  }

  @Override
  protected void onDecided(Outcome outcome) {
    if (!delivery.isSettled()) {
      ClaimRefused flaw = outcome instanceof Outcome.Ack ? payload.flaw() : null;
      delivery.settle(flaw == null ? outcome : Outcome.reject(DeadLetterReason.POISON, flaw));
    }
  }

  private void ended(Outcome result) {
    if (!isSettled()) {
      settle(result);
    }
    if (delivery.isLost()) {
      markLost();
    } else {
      markDone();
    }
  }

  @Override
  public boolean isLost() {
    return delivery.isLost();
  }

  @Override
  public boolean isDoomed() {
    return delivery.isDoomed();
  }

  @Override
  public boolean isShared() {
    return delivery.isShared();
  }

  @Override
  public Mono<Void> durable() {
    return delivery.durable();
  }

  @Override
  public Mono<Void> lost() {
    return delivery.lost();
  }

  @Override
  public String toString() {
    return "the redemption of " + delivery;
  }
}
