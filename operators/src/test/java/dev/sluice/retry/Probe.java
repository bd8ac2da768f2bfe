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
package dev.sluice.retry;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What the source keeps of a delivery: remembers the decisions, which take effect at once. */
public final class Probe extends SettlementCore {

  public final List<Outcome> decided = new CopyOnWriteArrayList<>();
  private final String name;

  public Probe(String name) {
    this.name = name;
  }

  /** Of a message whose text is the name and whose group its first letter. */
  public Delivery<byte[]> delivery() {
    return new Delivery<>(
        Message.of(name.getBytes(StandardCharsets.UTF_8)).withGroup(name.substring(0, 1)),
        LeakDetector.track(this, "by a probe"),
        new Origin("probes", name, 1, Instant.EPOCH, 1));
  }

  public static String text(Delivery<byte[]> delivery) {
    return new String(delivery.message().payload(), StandardCharsets.UTF_8);
  }

  public void lose() {
    markLost();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    decided.add(outcome);
    markDurable();
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    decided.add(outcome);
  }

  @Override
  public String toString() {
    return name;
  }
}
