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
import java.lang.ref.WeakReference;
import java.util.concurrent.TimeUnit;

/** Garbage collections whose finds the leak detector has judged. */
final class Garbage {

  private static final int MAX_COLLECTIONS = 200;
  private static final long PATIENCE_SECONDS = 30;

  private Garbage() {}

  /**
   * Returns when the detector has judged what had been dropped before the call: at once when all is
   * decided, which saves a test more time than the rest of it may take.
   */
  static void collect() throws InterruptedException {
    if (LeakDetector.isAllDecided()) {
      return;
    }
    collectOnce();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!LeakDetector.isAllJudged()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(
            "garbage not judged by the leak detector after " + PATIENCE_SECONDS + " s");
      }
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  /** Returns when there has been a collection since the call. */
  private static void collectOnce() throws InterruptedException {
    WeakReference<Object> dropped = new WeakReference<>(new Object());
    for (int i = 0; i < MAX_COLLECTIONS; i++) {
      System.gc();
      if (dropped.refersTo(null)) {
        return;
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new IllegalStateException(
        "garbage not collected after " + MAX_COLLECTIONS + " calls of System.gc()");
  }
}
