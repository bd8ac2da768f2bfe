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

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;

/** Waits for a condition instead of for a time. */
public final class Await {

  private Await() {}

  /** Returns when {@code obstacle} gives null; after 30 s it fails with what it gave last. */
  public static void until(Supplier<@Nullable String> obstacle) {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    for (; ; ) {
      String what = obstacle.get();
      if (what == null) {
        return;
      }
      if (System.nanoTime() - deadline > 0) {
        Assertions.fail(what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
