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

/**
 * How many workers may run at once in one subscription: always the same, unless a subclass moves
 * it.
 */
class Limit {

  /*
   * Threads: open and close once each, close perhaps before open has returned; began and ended
   * inside the drain. current is written by one thread at a time.
   */

  private volatile int current;

  Limit(int current) {
    this.current = current;
  }

  final int current() {
    return current;
  }

  final void moveTo(int limit) {
    current = limit;
  }

  /** The subscription begins. */
  void open() {}

  /** It is over. */
  void close() {}

  /** Whether it wants to know how long workers take. */
  boolean isTimed() {
    return false;
  }

  /** A worker begins, the {@code running}th at the same time. */
  void began(int running) {}

  /** A worker has ended after so many nanoseconds, {@code running} others are left. */
  void ended(long nanos, int running, @Nullable Throwable error) {}
}
