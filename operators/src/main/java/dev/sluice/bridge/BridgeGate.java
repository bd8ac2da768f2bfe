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
package dev.sluice.bridge;

import dev.sluice.bridge.Line.Overtaken;
import dev.sluice.dispatch.Gate;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * Closed while the target is away, but for probes.
 *
 * @param timer whose time counts
 * @param line what sends stand in; null if each stands for itself
 */
record BridgeGate(Reach reach, Scheduler timer, @Nullable Line line) implements Gate {

  /** How soon it is asked again while sends come to their ends, each of which asks too. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(100);

  @Override
  public long take(boolean requested) {
    if (line == null || !line.isBroken()) {
      return reach.take(now());
    }
    if (!line.isEmpty() || reach.isReachable()) { // it will hear of the failure in a moment
      return PATIENCE;
    }
    long closed = reach.take(now());
    if (closed == 0) {
      line.mend();
    }
    return closed;
  }

  @Override
  public void giveBack() {
    reach.noNews(now());
  }

  @Override
  public void ended(long nanos, @Nullable Throwable error) {
    if (error == null) {
      reach.confirmed();
    } else if (error instanceof TargetAway away) {
      reach.failed(now(), away.failure());
    } else if (!(error instanceof Overtaken)) { // which is not the first, hence not the probe
      reach.noNews(now());
    }
  }

  private long now() {
    return timer.now(TimeUnit.NANOSECONDS);
  }
}
