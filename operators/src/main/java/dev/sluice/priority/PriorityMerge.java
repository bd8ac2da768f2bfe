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

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Priority queue: elements of several sources, the urgent ones first, and in a bounded time the
 * others too.
 *
 * <p>Compared with its neighbours: {@code Flux.merge} lets a busy source fill the subscriber's
 * demand and the sparse one wait; {@code mergeComparing} waits until every source has an element,
 * so a silent one stops everything; {@code mergePriority} does not wait, but always prefers the
 * smaller element, which may starve the rest for ever. Here nobody waits for a silent source, and a
 * policy says what the less urgent get: nothing ({@link PrioritySpec#strict}), a share ({@link
 * PrioritySpec#weighted}), or a turn after a time ({@link PrioritySpec#aging}).
 *
 * <p>What is chosen is chosen in the moment of its emission. A queue further down undoes that: put
 * the work right behind the merge, without {@code publishOn} or {@code flatMap} with their hundreds
 * of prefetched elements in between.
 */
public final class PriorityMerge {

  private PriorityMerge() {}

  /**
   * A merge with the default options: strict, 16 elements of each source ahead.
   *
   * @see #priorityMerge(List, UnaryOperator)
   */
  public static <T> Flux<T> priorityMerge(List<? extends Publisher<? extends T>> mostUrgentFirst) {
    return priorityMerge(mostUrgentFirst, spec -> spec);
  }

  /**
   * The elements of all sources; of those that are there, one of the most urgent source goes next,
   * or of the one whose turn it is. Elements of one source keep their order.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each element of each source, as soon as it is requested and none that is there goes
   *       before it
   *   <dt>Backpressure
   *   <dd>asks each source for {@code prefetch} elements, then for three quarters of them whenever
   *       as many have been emitted; holds at most {@code prefetch} elements of each source
   *   <dt>Completes/Errors
   *   <dd>completes when all sources have completed and everything is emitted, at once if there are
   *       none. An error of a source ends the sequence at once, or, with {@link
   *       PrioritySpec#delayError}, when all sources have ended and everything is emitted; several
   *       errors are then one composite
   *   <dt>Cancel
   *   <dd>cancels the sources
   *   <dt>Discard
   *   <dd>on cancel and on error: the elements that were delivered and not emitted
   *   <dt>Threads
   *   <dd>elements arrive on the thread of the source that delivers, of the subscriber that
   *       requests, or of another source that was delivering, one at a time. Functions of the
   *       options are called there too
   * </dl>
   *
   * @param mostUrgentFirst the sources, at most 64, each a level of its own
   * @param spec the options, from defaults: strict, 16 elements of each source ahead, errors at
   *     once
   * @throws IllegalArgumentException if there are too many sources, an option is out of range, or
   *     the number of quanta is not that of the sources
   */
  public static <T> Flux<T> priorityMerge(
      List<? extends Publisher<? extends T>> mostUrgentFirst, UnaryOperator<PrioritySpec<T>> spec) {
    List<PrioritySource<? extends T>> sources = new ArrayList<>(mostUrgentFirst.size());
    for (Publisher<? extends T> source : mostUrgentFirst) {
      int level = sources.size();
      Objects.requireNonNull(source, () -> "sources[" + level + "]");
      sources.add(new PrioritySource<>(level, source));
    }
    if (sources.size() > LevelOrder.MAX_LEVELS) {
      throw new IllegalArgumentException(
          "sources: " + sources.size() + " (expected: 0.." + LevelOrder.MAX_LEVELS + ")");
    }
    PrioritySpec<T> options = options(sources.size(), spec);
    return FluxPriorityMerge.create(
        Flux.fromIterable(sources), sources.size(), Long.MAX_VALUE, options);
  }

  /**
   * The elements of sources that come and go while the merge runs, as {@link #priorityMerge(List,
   * UnaryOperator)}, of which this is the general form: several sources may have the same level.
   *
   * <p>Like {@code Flux.merge} of a publisher of publishers: a source comes when {@code sources}
   * emits it, and goes when it completes; to take one out, complete it ({@code
   * source.takeUntilOther(gone)}). What it had delivered by then is still emitted. There is no
   * handle whose calls could race the merge's own end.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>as there; the sources of one level take turns, or with {@link PrioritySpec#aging} the
   *       oldest element goes
   *   <dt>Backpressure
   *   <dd>as there; takes {@link PrioritySpec#maxSources} sources, and another one whenever one has
   *       ended and its elements are out. So a source that comes when as many are there has to
   *       wait, however urgent it is
   *   <dt>Completes/Errors
   *   <dd>completes when {@code sources} and every source have completed and everything is emitted.
   *       An error of {@code sources} counts like that of a source, and so does a level that is out
   *       of range
   *   <dt>Cancel
   *   <dd>cancels {@code sources} and every source
   *   <dt>Discard
   *   <dd>as there
   *   <dt>Threads
   *   <dd>as there; sources are subscribed to on the thread of {@code sources}
   * </dl>
   *
   * @param levels how many levels there are, 1 to 64
   * @param sources the sources, each with its level, which is less than {@code levels}
   * @param spec the options, from defaults: strict, 256 sources at once, 16 elements of each ahead,
   *     errors at once
   * @throws IllegalArgumentException if an option or {@code levels} is out of range, or there are
   *     not as many quanta as levels
   */
  public static <T> Flux<T> priorityMerge(
      int levels,
      Publisher<? extends PrioritySource<? extends T>> sources,
      UnaryOperator<PrioritySpec<T>> spec) {
    if (levels < 1 || levels > LevelOrder.MAX_LEVELS) {
      throw new IllegalArgumentException(
          "levels: " + levels + " (expected: 1.." + LevelOrder.MAX_LEVELS + ")");
    }
    PrioritySpec<T> options = options(levels, spec);
    return FluxPriorityMerge.create(Flux.from(sources), levels, options.maxSources(), options);
  }

  private static <T> PrioritySpec<T> options(int levels, UnaryOperator<PrioritySpec<T>> spec) {
    PrioritySpec<T> options = Objects.requireNonNull(spec.apply(PrioritySpec.defaults()), "spec");
    options.check(levels);
    return options;
  }
}
