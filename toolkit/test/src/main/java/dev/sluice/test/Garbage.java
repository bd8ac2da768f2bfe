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

import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Garbage collections that the leak detector has seen. */
final class Garbage {

  private static final int MAX_COLLECTIONS = 200;

  private Garbage() {}

  /**
   * Returns when the detector has found what had been dropped before the call: at once when all is
   * decided, which saves a test more time than the rest of it may take.
   */
  static void collect() throws InterruptedException {
    if (LeakDetector.isAllDecided()) {
      return;
    }
    collectOnce();
    collectOnce(); // the detector may still be at work on what the first round has found
  }

  /** Returns when the detector has come across a sentinel that was dropped just now. */
  private static void collectOnce() throws InterruptedException {
    CountDownLatch seen = new CountDownLatch(1);
    drop(seen);
    for (int i = 0; i < MAX_COLLECTIONS; i++) {
      System.gc();
      if (seen.await(10, TimeUnit.MILLISECONDS)) {
        return;
      }
    }
    throw new IllegalStateException(
        "garbage not collected after " + MAX_COLLECTIONS + " calls of System.gc()");
  }

  /** In a frame of its own, so that no local variable keeps the sentinel. */
  private static void drop(CountDownLatch seen) {
    LeakDetector.track(new Sentinel(seen), "as a sentinel");
  }

  /** Looks settled to the detector, and notes that it looked. */
  private static final class Sentinel extends SettlementCore {

    private final CountDownLatch seen;

    Sentinel(CountDownLatch seen) {
      this.seen = seen;
    }

    @Override
    public boolean isSettled() {
      seen.countDown();
      return true;
    }

    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }
}
