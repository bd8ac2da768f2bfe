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
package dev.sluice.test;

import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Stands between who holds a delivery and its settlement at the source, and tells of both. */
final class AuditedSettlement extends SettlementCore {

  /*
   * Threads: onDecided and onRedundant on whoever decides; over on whoever brings the effect about.
   *
   * takenBack   whether the source had decided before the holder did
   */

  private final Audit audit;
  private final Trail trail;
  private final Settlement source;
  private final boolean hasDeadLetters;
  private volatile boolean takenBack;

  AuditedSettlement(Audit audit, Trail trail, Settlement source, boolean hasDeadLetters) {
    this.audit = audit;
    this.trail = trail;
    this.source = source;
    this.hasDeadLetters = hasDeadLetters;
  }

  /** From now on it hears what becomes of it at the source. */
  void follow() {
    source.lost().subscribe(nothing -> {}, error -> {}, () -> audit.lost(this));
    source.onDone(this::over);
  }

  /** Whether there is a target for its dead letter, which is audited. */
  boolean hasDeadLetters() {
    return hasDeadLetters;
  }

  Trail trail() {
    return trail;
  }

  /** What the holder has decided; null if nothing, or if the source was first. */
  @Nullable Outcome decision() {
    return takenBack ? null : outcome();
  }

  /** Whether it no longer counts as being out. */
  boolean isBack() {
    return source.isDone() || source.isLost();
  }

  private void over(Outcome effective) {
    if (outcome() == null) {
      settle(effective); // or the holder would not see that it was taken back
    }
    audit.over(this, effective);
    markDone();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    if (source.isSettled()) {
      tooLate(outcome);
      return;
    }
    audit.decided(this, outcome);
    if (!source.settle(outcome)) {
      tooLate(outcome);
    }
  }

  private void tooLate(Outcome outcome) {
    takenBack = true;
    audit.takenBack(this, outcome);
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    audit.redundant(this, outcome);
  }

  @Override
  public boolean isLost() {
    return source.isLost();
  }

  @Override
  public Mono<Void> durable() {
    return source.durable();
  }

  @Override
  public Mono<Void> lost() {
    return source.lost();
  }

  @Override
  public String toString() {
    return source.toString();
  }
}
