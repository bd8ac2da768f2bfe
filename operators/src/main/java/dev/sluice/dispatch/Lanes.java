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

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Which element is where, once it has left the inbox: in the lane of its key. Drain only. */
final class Lanes<T> {

  /*
   * A lane that is in use is in the table, so that its key finds it, or atHand. There is at most one
   * of those, and only inside one turn: if its worker is a value, it is done before anything could
   * look for its key, and the table never learns of it.
   */

  private static final int SPREAD = 0x9E3779B9; // numbers in a row, far apart

  private final DispatchMain<T, ?, ?> main;
  private final LaneTable<T> table = new LaneTable<>();
  private final ElementSlab<T> waiting = new ElementSlab<>();
  private @Nullable Lane<T> atHand; // the next one to be used; then, until listed, the one in use
  private final LaneQueue<T> spares = new LaneQueue<>();
  private final int mostSpares;
  private int made;

  /**
   * None.
   *
   * @param mostSpares lanes kept for the next keys: as many as are usually in use
   */
  Lanes(DispatchMain<T, ?, ?> main, int mostSpares) {
    this.main = main;
    this.mostSpares = mostSpares;
  }

  /** How many are listed. */
  int size() {
    return table.size();
  }

  /** Elements that are current in a listed lane, or wait in one. */
  int elements() {
    return table.size() + waiting.size();
  }

  /**
   * A lane for the element, not listed yet; or null: it waits behind its key. The key's own methods
   * may throw; then nothing has happened.
   */
  @Nullable Lane<T> admit(Object key, T element) {
    int hash = LaneTable.hash(key);
    Lane<T> lane = table.find(key, hash);
    if (lane != null) {
      waiting.append(lane, element);
      return null;
    }
    lane = open(element);
    lane.key = key;
    lane.hash = hash;
    return lane;
  }

  /** A lane for an element without a key: it has no order, so nobody finds it. */
  Lane<T> open(T element) {
    Lane<T> lane = atHand;
    if (lane == null) {
      lane = spares.poll();
      if (lane == null) {
        lane = new Lane<>(main, SPREAD * ++made);
      }
      atHand = lane;
    }
    lane.element = element;
    return lane;
  }

  /** From now on its key can be found, and its element is discarded with the others. */
  void list(Lane<T> lane) {
    if (!lane.listed) {
      lane.listed = true;
      atHand = null;
      table.add(lane);
    }
  }

  /** The current element is finished. False: none waits behind it, and the lane is not in use. */
  boolean advance(Lane<T> lane) {
    lane.run++;
    lane.attempt = 0;
    lane.place = 0;
    lane.forgetRun();
    if (!lane.listed) {
      lane.element = null;
      lane.forgetKey();
      return false;
    }
    lane.element = waiting.poll(lane);
    if (lane.element != null) {
      return true;
    }
    lane.listed = false;
    table.remove(lane);
    lane.forgetKey();
    if (atHand == null) {
      atHand = lane;
    } else if (spares.size() < mostSpares) {
      spares.addFirst(lane);
    }
    return false;
  }

  /** Takes the first element that waits behind the current one, or null. */
  @Nullable T pollWaiting(Lane<T> lane) {
    return waiting.poll(lane);
  }

  /** Forgets all, and gives each that was listed to {@code action}. */
  void clear(Consumer<Lane<T>> action) {
    atHand = null;
    spares.clear();
    table.clear(action);
  }
}
