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

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/** The sources of one merge that are not exhausted, and what they hold. */
final class MergeSources<T> implements PriorityGauges {

  private final int levels;
  private final KeyedLine<T> @Nullable [] keyed; // by level, if keys take turns
  private final @Nullable Scheduler clock; // null: nobody asks for times
  private volatile MergeInner<T>[] sources = array(0); // written by the drain, read by any thread

  MergeSources(int levels, KeyedLine<T> @Nullable [] keyed, @Nullable Scheduler clock) {
    this.levels = levels;
    this.keyed = keyed;
    this.clock = clock;
  }

  // == drain only ==

  void add(MergeInner<T> source) {
    MergeInner<T>[] more = Arrays.copyOf(sources, sources.length + 1);
    more[sources.length] = source;
    sources = more;
  }

  void remove(MergeInner<T> source) {
    MergeInner<T>[] fewer = array(sources.length - 1);
    int n = 0;
    for (MergeInner<T> other : sources) {
      if (other != source) {
        fewer[n++] = other;
      }
    }
    sources = fewer;
  }

  boolean isEmpty() {
    return sources.length == 0;
  }

  void forEach(Consumer<MergeInner<T>> action) {
    for (MergeInner<T> source : sources) {
      action.accept(source);
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <T> MergeInner<T>[] array(int length) {
    return new MergeInner[length];
  }

  // == any thread ==

  Stream<MergeInner<T>> stream() {
    return Stream.of(sources);
  }

  /** Elements that have been delivered and not emitted. */
  int waiting() {
    int waiting = 0;
    for (int level = 0; level < levels; level++) {
      waiting += waiting(level);
    }
    return waiting;
  }

  @Override
  public int levels() {
    return levels;
  }

  @Override
  public int sources() {
    return sources.length;
  }

  @Override
  public int waiting(int level) {
    int waiting = keyed == null ? 0 : keyed[level].size();
    for (MergeInner<T> source : sources) {
      waiting += source.level == level ? source.size() : 0;
    }
    return waiting;
  }

  @Override
  public Duration oldestWait(int level) {
    long now = clock == null ? 0 : clock.now(TimeUnit.NANOSECONDS);
    long longest = keyed == null ? 0 : waited(keyed[level].oldest(), now);
    for (MergeInner<T> source : sources) {
      if (source.level == level) {
        longest = Math.max(longest, waited(source.oldest(), now));
      }
    }
    return Duration.ofNanos(longest);
  }

  private static long waited(long since, long now) {
    return since == Line.NONE ? 0 : now - since;
  }
}
