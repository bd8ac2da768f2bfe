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

import dev.sluice.Experimental;
import dev.sluice.compete.CompeteSpec;
import dev.sluice.compete.CompetingConsumers;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToIntFunction;
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
 * of prefetched elements in between. Of one that takes everything at once ({@code
 * onBackpressureBuffer}) the log has a warning, once for each operator that is assembled.
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
   * or of the one whose turn it is. Elements of one source keep their order, unless {@link
   * PrioritySpec#fairBy} says otherwise.
   *
   * <p><img class="marble" src="doc-files/priorityMerge.svg" alt="The most urgent that is there
   * goes first; nobody waits for a source that has nothing">
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
        Flux.fromArray(array(sources)), sources.size(), Long.MAX_VALUE, options);
  }

  /** An array, because on cancel a collection would be shown to discard hooks, which know T. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <T> PrioritySource<? extends T>[] array(
      List<PrioritySource<? extends T>> sources) {
    return sources.toArray(new PrioritySource[0]);
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
    checkLevels(levels);
    PrioritySpec<T> options = options(levels, spec);
    return FluxPriorityMerge.create(Flux.from(sources), levels, options.maxSources(), options);
  }

  /**
   * A reordering with the default options: a window of 256 elements.
   *
   * @see #prioritize(Comparator, UnaryOperator)
   */
  public static <T> Function<Flux<T>, Flux<T>> prioritize(Comparator<? super T> mostUrgentFirst) {
    return prioritize(mostUrgentFirst, spec -> spec);
  }

  /**
   * The elements of one source, of those that wait the most urgent first, and of equally urgent
   * ones the one that came first. To be used with {@link Flux#transform(Function)}.
   *
   * <p>Bound: an element is overtaken by nothing less urgent that waits. It starves for as long as
   * there is something more urgent; where that may be for ever, use {@link
   * #prioritize(ToIntFunction, Duration, UnaryOperator)}.
   *
   * <p><img class="marble" src="doc-files/prioritize.svg" alt="The most urgent of those that wait
   * goes first; equally urgent ones keep their order">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each element, when it is requested and the most urgent of those that wait
   *   <dt>Backpressure
   *   <dd>asks for {@code window} elements, then for one whenever one has been emitted; holds at
   *       most {@code window} elements
   *   <dt>Completes/Errors
   *   <dd>completes when the source has completed and everything is emitted. An error of the source
   *       ends the sequence at once, or after everything is emitted with {@link
   *       PrioritizeSpec#delayError}. A comparator that throws ends it at once
   *   <dt>Cancel
   *   <dd>cancels the source
   *   <dt>Discard
   *   <dd>on cancel and on error: the elements that wait
   *   <dt>Threads
   *   <dd>elements arrive on the thread of the source or of the subscriber that requests, one at a
   *       time; elements are compared there too
   * </dl>
   *
   * @param mostUrgentFirst negative if its first argument is the more urgent one
   * @param spec the options, from defaults: a window of 256 elements, errors at once
   * @throws IllegalArgumentException if an option is out of range
   */
  public static <T> Function<Flux<T>, Flux<T>> prioritize(
      Comparator<? super T> mostUrgentFirst, UnaryOperator<PrioritizeSpec> spec) {
    return reorder(Urgency.by(mostUrgentFirst), spec);
  }

  /**
   * Like {@link #prioritize(Comparator, UnaryOperator)}, by level and age: an element becomes as
   * urgent as the next level after it has waited for {@code agingStep}.
   *
   * <p>Bound: an element in the window is overtaken only by those of a more urgent level that came
   * after it by no more than {@code agingStep} times the number of levels between them.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>as there
   *   <dt>Backpressure
   *   <dd>as there
   *   <dt>Completes/Errors
   *   <dd>as there; a level function that throws, or a level that is out of range, ends the
   *       sequence at once
   *   <dt>Cancel
   *   <dd>as there
   *   <dt>Discard
   *   <dd>as there
   *   <dt>Threads
   *   <dd>as there; the level is asked for once for each element
   * </dl>
   *
   * @param level the level of an element, from 0, the most urgent, to 63
   * @param agingStep the wait that makes up for a level: more than zero, at most 365 days
   * @param spec the options, from defaults: a window of 256 elements, errors at once
   * @throws IllegalArgumentException if an option or the step is out of range
   */
  public static <T> Function<Flux<T>, Flux<T>> prioritize(
      ToIntFunction<? super T> level, Duration agingStep, UnaryOperator<PrioritizeSpec> spec) {
    return reorder(Urgency.by(level, agingStep), spec);
  }

  private static <T> Function<Flux<T>, Flux<T>> reorder(
      Urgency<T> urgency, UnaryOperator<PrioritizeSpec> spec) {
    PrioritizeSpec options = options(spec);
    return source -> FluxPrioritize.create(source, urgency, options);
  }

  /**
   * Work on the most urgent element first: which one goes is decided in the moment in which a
   * worker is free, so no queue is left behind the decision that could turn it round. To be used
   * with {@link Flux#transform(Function)}.
   *
   * <p>It is {@link CompetingConsumers#compete(Function, UnaryOperator)} with an order, and what is
   * said there holds: of retries, which hold no worker and keep their place, of failures, and of a
   * concurrency that moves.
   *
   * <p><img class="marble" src="doc-files/priorityDispatch.svg" alt="Who is free takes the most
   * urgent one that is there">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each value of each worker, as it arises. A worker starts with the first element in {@code
   *       order} of those that are there
   *   <dt>Backpressure
   *   <dd>takes up to {@code lookAhead} elements from the source, 4 times the concurrency by
   *       default, and another one for each that is finished: from so many it chooses. Workers as
   *       in compete
   *   <dt>Completes/Errors
   *   <dd>as compete. An element that {@code order} throws for has failed, as if its worker had,
   *       and is not tried again
   *   <dt>Cancel
   *   <dd>cancels the source and the running workers; pending retries are dropped
   *   <dt>Discard
   *   <dd>as compete
   *   <dt>Threads
   *   <dd>as compete; {@code order} is asked there too
   * </dl>
   *
   * @param order {@link ReadyOrder#mostUrgentFirst} or {@link ReadyOrder#aging}, each with its
   *     bound on starvation
   * @param worker the work for one element; its publisher is subscribed to once for each attempt
   * @param spec the options, from defaults: 64 workers, a look-ahead of 4 times the concurrency, no
   *     retries, the first error ends the sequence
   * @throws IllegalArgumentException if an option is out of range
   */
  public static <T, R> Function<Flux<T>, Flux<R>> priorityDispatch(
      ReadyOrder<? super T> order,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<CompeteSpec<T>> spec) {
    Objects.requireNonNull(order, "order");
    Objects.requireNonNull(spec, "spec");
    return CompetingConsumers.compete(
        worker, options -> spec.apply(options.name("priorityDispatch").readyOrder(order)));
  }

  /**
   * {@link #priorityMerge(List, UnaryOperator)} of deliveries, as {@link dev.sluice.flow.Flow} uses
   * it: a function of the options that throws is the fate of one delivery.
   *
   * @param levels how many sources there are, 1 to 64
   * @param spec the options, from the same defaults; keys and costs are those of messages
   * @throws IllegalArgumentException if an option or {@code levels} is out of range, or there are
   *     not as many quanta as levels
   */
  @Experimental
  public static <T> DeliveryMerge<T> ofDeliveries(
      int levels, UnaryOperator<PrioritySpec<Message<T>>> spec) {
    checkLevels(levels);
    return new DeliveryMerge<>(levels, options(levels, spec));
  }

  /**
   * {@link #prioritize(Comparator, UnaryOperator)} of deliveries, as {@link dev.sluice.flow.Flow}
   * uses it: a comparator that throws is the fate of one delivery.
   *
   * @throws IllegalArgumentException if an option is out of range
   */
  public static <T> DeliveryReordering<T> reorderingDeliveries(
      Comparator<? super Message<T>> mostUrgentFirst, UnaryOperator<PrioritizeSpec> spec) {
    Objects.requireNonNull(mostUrgentFirst, "mostUrgentFirst");
    return DeliveryReordering.by(mostUrgentFirst, options(spec));
  }

  /**
   * {@link #prioritize(ToIntFunction, Duration, UnaryOperator)} of deliveries, as {@link
   * dev.sluice.flow.Flow} uses it: a level function that throws is the fate of one delivery.
   *
   * @throws IllegalArgumentException if an option or the step is out of range
   */
  public static <T> DeliveryReordering<T> reorderingDeliveries(
      ToIntFunction<? super Message<T>> level,
      Duration agingStep,
      UnaryOperator<PrioritizeSpec> spec) {
    Objects.requireNonNull(level, "level");
    return DeliveryReordering.by(level, agingStep, options(spec));
  }

  private static void checkLevels(int levels) {
    if (levels < 1 || levels > LevelOrder.MAX_LEVELS) {
      throw new IllegalArgumentException(
          "levels: " + levels + " (expected: 1.." + LevelOrder.MAX_LEVELS + ")");
    }
  }

  private static PrioritizeSpec options(UnaryOperator<PrioritizeSpec> spec) {
    return Objects.requireNonNull(spec.apply(PrioritizeSpec.DEFAULTS), "spec");
  }

  private static <T> PrioritySpec<T> options(int levels, UnaryOperator<PrioritySpec<T>> spec) {
    PrioritySpec<T> options = Objects.requireNonNull(spec.apply(PrioritySpec.defaults()), "spec");
    options.check(levels);
    return options;
  }
}
