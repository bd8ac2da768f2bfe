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
package dev.sluice.convoy;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** What the source keeps of a delivery: remembers the decision and reports what a test asks for. */
public final class Probe extends SettlementCore {

  public final List<Outcome> decided = new CopyOnWriteArrayList<>();
  final List<Outcome> redundant = new CopyOnWriteArrayList<>();
  private final String name;
  private final boolean slow;

  private Probe(String name, boolean slow) {
    this.name = name;
    this.slow = slow;
  }

  /** One whose decisions take effect at once. */
  public static Probe of(String name) {
    return new Probe(name, false);
  }

  /** One whose decision takes effect when {@link #done} is called. */
  static Probe slow(String name) {
    return new Probe(name, true);
  }

  /**
   * The delivery of a message whose payload is the name of this and whose group its first letter.
   */
  public Delivery<String> delivery() {
    return delivery(1, null);
  }

  Delivery<String> delivery(int attempt, @Nullable Instant expiry) {
    Message<String> message = Message.of(name).withGroup(name.substring(0, 1)).expiringAt(expiry);
    return new Delivery<>(
        message,
        LeakDetector.track(this, "by a probe"),
        new Origin("probes", name, attempt, Instant.EPOCH, 1));
  }

  void done() {
    markDurable();
  }

  void lose() {
    markLost();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    decided.add(outcome);
    if (!slow) {
      markDurable();
    }
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    redundant.add(outcome);
  }

  @Override
  public String toString() {
    return name;
  }
}
