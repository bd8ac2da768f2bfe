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

/** Lanes in a row, linked through themselves. A lane is in at most one. Drain only. */
final class LaneQueue<T> implements ReadyLanes<T> {

  private @Nullable Lane<T> first;
  private @Nullable Lane<T> last;
  private int size;

  int size() {
    return size;
  }

  @Override
  public boolean isEmpty() {
    return first == null;
  }

  @Override
  public void addLast(Lane<T> lane) {
    if (last == null) {
      first = lane;
    } else {
      last.nextInQueue = lane;
    }
    last = lane;
    size++;
  }

  @Override
  public void addFirst(Lane<T> lane) {
    lane.nextInQueue = first;
    first = lane;
    if (last == null) {
      last = lane;
    }
    size++;
  }

  @Override
  public @Nullable Lane<T> poll() {
    Lane<T> lane = first;
    if (lane != null) {
      first = lane.nextInQueue;
      lane.nextInQueue = null;
      if (first == null) {
        last = null;
      }
      size--;
    }
    return lane;
  }

  @Override
  public void clear() {
    first = null;
    last = null;
    size = 0;
  }
}
