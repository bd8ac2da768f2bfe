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
package dev.sluice.pubsub;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a subscriber, at most so many. Every method takes constant time. Not thread-safe.
 *
 * @param <E> what waits
 */
abstract class Waiting<E> {

  final int capacity;

  Waiting(int capacity) {
    this.capacity = capacity;
  }

  /** Lets one in; the result is what has to go for it: nothing, another one, or itself. */
  abstract @Nullable E offer(E element, @Nullable Object key);

  abstract @Nullable E poll();

  abstract int size();

  abstract void clear();

  /** In the order in which they came; when it is full the oldest goes, or the one that comes. */
  static final class InOrder<E> extends Waiting<E> {

    private final boolean oldestGoes;
    private final Deque<E> queue = new ArrayDeque<>();

    InOrder(int capacity, boolean oldestGoes) {
      super(capacity);
      this.oldestGoes = oldestGoes;
    }

    @Override
    @Nullable E offer(E element, @Nullable Object key) {
      if (queue.size() < capacity) {
        queue.addLast(element);
        return null;
      }
      if (!oldestGoes) {
        return element;
      }
      E oldest = queue.pollFirst();
      queue.addLast(element);
      return oldest;
    }

    @Override
    @Nullable E poll() {
      return queue.pollFirst();
    }

    @Override
    int size() {
      return queue.size();
    }

    @Override
    void clear() {
      queue.clear();
    }
  }

  /** One of each key, in the order in which the keys came; when it is full the oldest key goes. */
  static final class ByKey<E> extends Waiting<E> {

    private final Map<Object, E> byKey = new LinkedHashMap<>();

    ByKey(int capacity) {
      super(capacity);
    }

    @Override
    @Nullable E offer(E element, @Nullable Object key) {
      E before = byKey.put(key, element);
      if (before != null || byKey.size() <= capacity) {
        return before;
      }
      return poll();
    }

    @Override
    @Nullable E poll() {
      Iterator<E> oldest = byKey.values().iterator();
      if (!oldest.hasNext()) {
        return null;
      }
      E element = oldest.next();
      oldest.remove();
      return element;
    }

    @Override
    int size() {
      return byKey.size();
    }

    @Override
    void clear() {
      byKey.clear();
    }
  }
}
