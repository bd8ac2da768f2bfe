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

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A settlement without a source: remembers what it was told and reports what a test asks for. */
final class ProbeSettlement extends SettlementCore {

  /** What the source was told. */
  final List<Outcome> decided = new CopyOnWriteArrayList<>();

  /** What came too late. */
  final List<Outcome> redundant = new CopyOnWriteArrayList<>();

  final AtomicInteger durableAwaited = new AtomicInteger();

  private final Runnable effect;

  ProbeSettlement() {
    this(() -> {});
  }

  /** A settlement whose decision has this effect at the source. */
  ProbeSettlement(Runnable effect) {
    this.effect = effect;
  }

  void done() {
    markDone();
  }

  void makeDurable() {
    markDurable();
  }

  void lose() {
    markLost();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    decided.add(outcome);
    effect.run();
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    redundant.add(outcome);
  }

  @Override
  protected void onDurableAwaited() {
    durableAwaited.incrementAndGet();
  }

  @Override
  public String toString() {
    return "probe";
  }
}
