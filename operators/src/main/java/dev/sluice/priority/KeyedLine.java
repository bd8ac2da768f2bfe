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

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The elements of one level regrouped by fairness key: keys take turns, and the elements of a key
 * go in the order in which they came. A key is known only while it has something. Drain only, but
 * for the gauges.
 */
final class KeyedLine<T> extends Line<T> {

  private static final Object NO_KEY = new Object();

  private static final class Key<T> {
    final Object name;
    @Nullable Waiting<T> first;
    @Nullable Waiting<T> last;
    @Nullable Key<T> next;

    Key(Object name) {
      this.name = name;
    }
  }

  /** An element that waits; reused. */
  private static final class Waiting<T> {
    @Nullable T element;
    @Nullable MergeInner<T> source;
    long stamp;
    @Nullable Waiting<T> next; // of its key
    @Nullable Waiting<T> older; // of all
    @Nullable Waiting<T> newer;
  }

  private final Function<? super T, ? extends @Nullable Object> keyOf;
  private final Map<Object, Key<T>> keys = new HashMap<>();
  private @Nullable Key<T> firstKey; // whose turn it is
  private @Nullable Key<T> lastKey;
  private @Nullable Waiting<T> oldest;
  private @Nullable Waiting<T> newest;
  private @Nullable Waiting<T> spare;
  private @Nullable MergeInner<T> polledFrom;

  // == written by the drain, read by gauges ==
  private volatile int size;
  private volatile long oldestStamp = NONE;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<KeyedLine> SIZE =
      AtomicIntegerFieldUpdater.newUpdater(KeyedLine.class, "size");

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<KeyedLine> OLDEST_STAMP =
      AtomicLongFieldUpdater.newUpdater(KeyedLine.class, "oldestStamp");

  KeyedLine(int level, Function<? super T, ? extends @Nullable Object> keyOf) {
    super(level);
    this.keyOf = keyOf;
  }

  /** Takes the first element out of a source's ring, unless its key cannot be told. */
  void append(MergeInner<T> source) {
    Object name = keyOf.apply(source.peek());
    Key<T> key = keys.computeIfAbsent(name == null ? NO_KEY : name, Key::new);
    Waiting<T> waiting = spare == null ? new Waiting<>() : spare;
    spare = waiting.next;
    waiting.next = null;
    waiting.source = source;
    waiting.stamp = source.stamp();
    waiting.element = source.poll();
    if (key.last == null) {
      key.first = waiting;
      append(key);
    } else {
      key.last.next = waiting;
    }
    key.last = waiting;
    waiting.older = newest;
    if (newest == null) {
      oldest = waiting;
    } else {
      newest.newer = waiting;
    }
    newest = waiting;
    SIZE.lazySet(this, size + 1);
  }

  private void append(Key<T> key) {
    if (lastKey == null) {
      firstKey = key;
    } else {
      lastKey.next = key;
    }
    lastKey = key;
  }

  @Override
  boolean isEmpty() {
    return oldest == null;
  }

  @Override
  @SuppressWarnings("NullAway") // there is one
  T peek() {
    return firstKey.first.element;
  }

  @Override
  @SuppressWarnings("NullAway") // there is one
  long stamp() {
    return oldest.stamp;
  }

  @Override
  @SuppressWarnings("NullAway") // there is one
  T poll() {
    Key<T> key = firstKey;
    Waiting<T> waiting = key.first;
    if (waiting.next == null) {
      keys.remove(key.name); // before the rest: the key's own methods may throw
    }
    firstKey = key.next;
    if (firstKey == null) {
      lastKey = null;
    }
    key.next = null;
    key.first = waiting.next;
    if (key.first != null) {
      append(key);
    }
    polledFrom = waiting.source;
    T element = waiting.element;
    forget(waiting);
    return element;
  }

  private void forget(Waiting<T> waiting) {
    if (waiting.older == null) {
      oldest = waiting.newer;
    } else {
      waiting.older.newer = waiting.newer;
    }
    if (waiting.newer == null) {
      newest = waiting.older;
    } else {
      waiting.newer.older = waiting.older;
    }
    waiting.element = null;
    waiting.source = null;
    waiting.older = null;
    waiting.newer = null;
    waiting.next = spare;
    spare = waiting;
    SIZE.lazySet(this, size - 1);
  }

  @Override
  MergeInner<T> polledFrom() {
    return Objects.requireNonNull(polledFrom);
  }

  @Override
  void forgotten() {}

  @Override
  void publishOldest() {
    OLDEST_STAMP.lazySet(this, oldest == null ? NONE : oldest.stamp);
  }

  /** Discards everything, in the order in which it came. */
  void discard(Context context) {
    for (Waiting<T> waiting = oldest; waiting != null; waiting = waiting.newer) {
      Operators.onDiscard(waiting.element, context);
    }
    keys.clear();
    firstKey = null;
    lastKey = null;
    oldest = null;
    newest = null;
    spare = null;
    SIZE.lazySet(this, 0);
    OLDEST_STAMP.lazySet(this, NONE);
  }

  // == any thread ==

  int size() {
    return size;
  }

  /** The stamp of the oldest element, or {@link #NONE}. */
  long oldest() {
    return oldestStamp;
  }
}
