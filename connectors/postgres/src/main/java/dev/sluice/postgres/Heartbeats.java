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
package dev.sluice.postgres;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.scheduler.Scheduler;

/** Ticks for all leases of a database, ten times a second, while there are any. */
final class Heartbeats {

  private static final long PERIOD_MILLIS = 100;

  private final Scheduler scheduler;
  private final Set<LeaseKeeper> keepers = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean ticking = new AtomicBoolean();

  /**
   * @param scheduler one thread
   */
  Heartbeats(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  void add(LeaseKeeper keeper) {
    keepers.add(keeper);
    start();
  }

  void remove(LeaseKeeper keeper) {
    keepers.remove(keeper);
  }

  private void start() {
    if (ticking.compareAndSet(false, true)) {
      next();
    }
  }

  private void next() {
    scheduler.schedule(this::tick, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    keepers.forEach(LeaseKeeper::tick);
    if (!keepers.isEmpty()) {
      next();
      return;
    }
    ticking.set(false);
    if (!keepers.isEmpty()) { // somebody came between
      start();
    }
  }
}
