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

import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * A queue from many threads to one, without a node per entry: the entries are linked through
 * themselves (a Treiber stack, taken whole and reversed). An entry may be pushed again only after
 * it has been taken.
 */
final class Signals {

  private volatile @Nullable Signal top;

  private static final AtomicReferenceFieldUpdater<Signals, Signal> TOP =
      AtomicReferenceFieldUpdater.newUpdater(Signals.class, Signal.class, "top");

  /** Any thread. */
  void push(Signal signal) {
    for (; ; ) {
      Signal t = top;
      signal.nextSignal = t;
      if (TOP.compareAndSet(this, t, signal)) {
        return;
      }
    }
  }

  /** The drain only: everything pushed so far, oldest first, linked by {@code nextSignal}. */
  @Nullable Signal takeAll() {
    if (top == null) {
      return null;
    }
    Signal signal = TOP.getAndSet(this, null);
    Signal oldest = null;
    while (signal != null) {
      Signal next = signal.nextSignal;
      signal.nextSignal = oldest;
      oldest = signal;
      signal = next;
    }
    return oldest;
  }
}
