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
package dev.sluice.http;

import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import java.time.Duration;

/**
 * When it is worth asking again: from what the worker says of its progress, else from how long the
 * last operations took here, else the longer the older the operation is.
 */
final class RetryAfter {

  private static final double WEIGHT = 0.2;

  private final Duration least;
  private final Duration most;

  /**
   * Of the last operations, in seconds, weighted; 0 before the first. Racing updates may be lost.
   */
  private volatile double usual;

  RetryAfter(Duration least, Duration most) {
    this.least = least;
    this.most = most;
  }

  /** The work on an operation took so long. */
  void took(Duration time) {
    double seconds = time.toNanos() / 1e9;
    double last = usual;
    usual = last == 0 ? seconds : last + WEIGHT * (seconds - last);
  }

  /** In whole seconds, 1 or more. */
  long seconds(Operation operation) {
    double age = operation.age().toNanos() / 1e9;
    Progress progress = operation.progress();
    double left;
    if (operation.phase() == Phase.RUNNING && progress != null && progress.percent() > 0) {
      left = age * (100 - progress.percent()) / progress.percent();
    } else if (usual > age) {
      left = usual - age;
    } else {
      left = age / 4;
    }
    return Math.max(least.toSeconds(), Math.min(most.toSeconds(), (long) Math.ceil(left)));
  }
}
