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
package dev.sluice.saga;

import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Hold;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Renews the leases of the sagas that run here, many with one question, while there are any. */
final class LeaseWatch {

  private static final Logger log4 = LoggerFactory.getLogger(Sagas.class);

  private final SagaLog log;
  private final DurableSpec spec;
  private final Set<DurableRun> runs = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean ticking = new AtomicBoolean();

  LeaseWatch(SagaLog log, DurableSpec spec) {
    this.log = log;
    this.spec = spec;
  }

  void add(DurableRun run) {
    runs.add(run);
    start();
  }

  void remove(DurableRun run) {
    runs.remove(run);
  }

  int size() {
    return runs.size();
  }

  private void start() {
    if (!runs.isEmpty() && ticking.compareAndSet(false, true)) {
      next();
    }
  }

  /** A lease is renewed at a third of its time, and is not certain any more at two. */
  private void next() {
    try {
      spec.leaseTimer().schedule(this::tick, spec.lease().toNanos() / 12, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log4.warn("leases of sagas are not renewed any more", e);
    }
  }

  private void tick() {
    long soon = spec.lease().toNanos() / 3;
    Map<Hold, DurableRun> due = new HashMap<>();
    for (DurableRun run : runs) {
      if (run.writer().certainFor() < soon) {
        due.put(run.writer().hold(), run);
      }
    }
    List<Map<Hold, DurableRun>> batches = batches(due);
    renew(batches, 0);
  }

  private static List<Map<Hold, DurableRun>> batches(Map<Hold, DurableRun> due) {
    List<Map<Hold, DurableRun>> batches = new ArrayList<>();
    Map<Hold, DurableRun> batch = new HashMap<>();
    for (Map.Entry<Hold, DurableRun> one : due.entrySet()) {
      if (batch.size() == SagaLog.MAX_LIMIT) {
        batches.add(batch);
        batch = new HashMap<>();
      }
      batch.put(one.getKey(), one.getValue());
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }

  private void renew(List<Map<Hold, DurableRun>> batches, int i) {
    if (i == batches.size()) {
      again();
      return;
    }
    Map<Hold, DurableRun> batch = batches.get(i);
    long asked = spec.nanos();
    log.renew(batch.keySet(), spec.lease())
        .collectList()
        .subscribe(
            renewed -> {
              renewed.forEach(
                  hold -> {
                    DurableRun run = batch.remove(hold);
                    if (run != null) {
                      run.writer().renewed(asked);
                    }
                  });
              batch.values().stream()
                  .filter(runs::contains) // it may just have ended
                  .forEach(DurableRun::notRenewed);
              renew(batches, i + 1);
            },
            error -> {
              log4.debug("leases of sagas: not renewed, for now", error);
              renew(batches, i + 1);
            });
  }

  private void again() {
    if (!runs.isEmpty()) {
      next();
      return;
    }
    ticking.set(false);
    start(); // somebody may have come between
  }
}
