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
package dev.sluice.priority;

import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * Sources that have something new, from many threads to the drain, without a node for each: they
 * are linked through themselves (a stack, taken whole and reversed). A source may be pushed again
 * only after it has been taken.
 */
final class Arrivals<T> {

  private volatile @Nullable MergeInner<T> latest;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<Arrivals, MergeInner> LATEST =
      AtomicReferenceFieldUpdater.newUpdater(Arrivals.class, MergeInner.class, "latest");

  /** Any thread. */
  boolean isEmpty() {
    return latest == null;
  }

  /** Any thread. */
  void push(MergeInner<T> source) {
    for (; ; ) {
      MergeInner<T> before = latest;
      source.nextArrival = before;
      if (LATEST.compareAndSet(this, before, source)) {
        return;
      }
    }
  }

  /** The drain only: all that were pushed, the earliest first, linked by {@code nextArrival}. */
  @Nullable MergeInner<T> takeAll() {
    @SuppressWarnings("unchecked")
    MergeInner<T> source = (MergeInner<T>) LATEST.getAndSet(this, null);
    MergeInner<T> earliest = null;
    while (source != null) {
      MergeInner<T> before = source.nextArrival;
      source.nextArrival = earliest;
      earliest = source;
      source = before;
    }
    return earliest;
  }
}
