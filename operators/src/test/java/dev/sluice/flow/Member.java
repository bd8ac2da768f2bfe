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
package dev.sluice.flow;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The settlement of a member of an aggregate, done as soon as it is decided. */
final class Member extends SettlementCore {

  /** What was decided, and what it was to be after that. */
  final List<Outcome> decided = new CopyOnWriteArrayList<>();

  private Member() {}

  static <T> Delivery<T> of(T payload) {
    return new Delivery<>(
        Message.of(payload),
        new Member(),
        new Origin("members", payload.toString(), 1, Instant.EPOCH, 1));
  }

  @Override
  protected void onDecided(Outcome outcome) {
    decided.add(outcome);
    markDone();
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    decided.add(outcome);
  }
}
