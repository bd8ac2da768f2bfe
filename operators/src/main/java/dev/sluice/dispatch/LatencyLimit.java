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
package dev.sluice.dispatch;

import org.jspecify.annotations.Nullable;

/** Additive increase, multiplicative decrease, by the latency of the work. Drain only. */
final class LatencyLimit extends Limit {

  private static final int LEAST_ROUND = 8;

  private final Concurrency.ByLatency options;

  private int ended; // in this round
  private int slow; // of these
  private boolean used; // whether as many workers ran in it as may
  private int stale; // workers still to end that began before the limit fell

  LatencyLimit(Concurrency.ByLatency options) {
    super(options.min);
    this.options = options;
  }

  @Override
  boolean isTimed() {
    return true;
  }

  @Override
  void began(int running) {
    used |= running >= current();
  }

  @Override
  void ended(long nanos, int running, @Nullable Throwable error) {
    if (stale > 0) { // says nothing of the limit as it is now
      stale--;
      return;
    }
    if (error != null && isOverload(error)) {
      fallTo(current() / 2, running);
      return;
    }
    ended++;
    if (nanos > options.targetNanos) {
      slow++;
    }
    if (ended >= Math.max(LEAST_ROUND, current())) {
      if (slow > ended / 2) {
        fallTo(current() - Math.max(1, current() / 10), running);
      } else {
        riseOrStay();
      }
    }
  }

  private boolean isOverload(Throwable error) {
    try {
      return options.overload.test(error);
    } catch (Throwable e) { // the user's function; an error is one, whatever it means
      return true;
    }
  }

  private void fallTo(int limit, int running) {
    stale = running;
    moveTo(Math.max(options.min, limit));
    beginRound();
  }

  private void riseOrStay() {
    if (used && current() < options.max()) {
      moveTo(current() + 1);
    }
    beginRound();
  }

  private void beginRound() {
    ended = 0;
    slow = 0;
    used = false;
  }
}
