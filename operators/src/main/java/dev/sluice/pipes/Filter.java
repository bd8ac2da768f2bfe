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
package dev.sluice.pipes;

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A step of a pipeline, as a value: a name, what it does with one element, which facets of the
 * element it relies on and which it adds. It knows nothing of what stands before and behind it, so
 * it can be composed, tested, replaced and moved on its own.
 *
 * <p>A filter is a worker: it stands wherever a function from an element to a publisher does, in
 * {@code concatMap(filter)}, {@link dev.sluice.flow.Flow#through}, {@link
 * dev.sluice.convoy.GroupedConvoy#groupedConvoy} or {@link
 * dev.sluice.compete.CompetingConsumers#compete}. There the failure of a filter is the fate of one
 * element, and the name of the filter is in the trace of its error.
 *
 * <p>Facets are words of the application, such as {@code decoded} or {@code weighed}. They are only
 * compared, when a {@link Pipeline} is made or reordered.
 *
 * <p>Filters are immutable, except that each counts what it does, wherever it is used; thread-safe
 * as far as their functions are.
 *
 * @param <T> what it takes
 * @param <R> what it gives
 */
@Experimental
public abstract sealed class Filter<T, R> implements Function<T, Flux<R>>, Metered
    permits Step, Chain, Fallback, Parallel, Pipeline {

  private final String name;
  private final Set<String> requires;
  private final Set<String> provides;

  Filter(String name, Set<String> requires, Set<String> provides) {
    this.name = name;
    this.requires = requires;
    this.provides = provides;
  }

  /**
   * A filter that relies on nothing and adds nothing yet.
   *
   * @param name what it is called, not blank
   * @param work called for each subscription; what it throws and what its publisher fails with is
   *     the failure of the element. None, one or several values: an element without a value is
   *     filtered out
   */
  public static <T, R> Filter<T, R> of(
      String name, Function<? super T, ? extends Publisher<? extends R>> work) {
    Objects.requireNonNull(work, "work");
    return new Step<>(Facets.name(name), work, Set.of(), Set.of(), new Meter());
  }

  /** {@link #of} a function that makes exactly one value, by plain CPU work. */
  public static <T, R> Filter<T, R> map(String name, Function<? super T, ? extends R> work) {
    Objects.requireNonNull(work, "work");
    return of(name, element -> Mono.fromCallable(() -> made(work.apply(element))));
  }

  static <R> R made(R value) {
    return Objects.requireNonNull(value, "the function gave null");
  }

  /** What it is called. */
  public String name() {
    return name;
  }

  /** The facets that an element must have before this filter. */
  public Set<String> requires() {
    return requires;
  }

  /** The facets that an element has behind this filter, besides those it had before. */
  public Set<String> provides() {
    return provides;
  }

  /**
   * The same filter, which relies on these facets besides those it does already.
   *
   * @param facets not blank
   */
  public abstract Filter<T, R> requires(String... facets);

  /**
   * The same filter, which adds these facets besides those it does already.
   *
   * @param facets not blank
   */
  public abstract Filter<T, R> provides(String... facets);

  /**
   * Works on one element.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the values that the filter makes of the element
   *   <dt>Backpressure
   *   <dd>that of the subscriber; nothing is taken ahead
   *   <dt>Completes/Errors
   *   <dd>completes when the work has; fails with what the work throws or fails with, in whose
   *       trace the filter is named
   *   <dt>Cancel
   *   <dd>cancels the work
   *   <dt>Discard
   *   <dd>values that were made inside and are not wanted any more
   *   <dt>Threads
   *   <dd>the work is called on the thread that subscribes; values arrive on its threads
   * </dl>
   */
  @Override
  public abstract Flux<R> apply(T element);

  /** What this filter and those it consists of have done, in the order in which they stand. */
  public final List<FilterStats> stats() {
    return steps().stream().map(step -> step.meter().stats(step.name())).toList();
  }

  /** {@link #stats} as {@code sluice.filter.…}, with the name of each filter as a tag. */
  @Override
  public final void meters(Meters meters) {
    Map<Meter, String> names = new LinkedHashMap<>(); // a filter may stand in two places
    steps().forEach(step -> names.put(step.meter(), step.name()));
    names.forEach((meter, name) -> meter.name(meters.with("filter", name)));
  }

  /**
   * The filters that it consists of and that consist of nothing, in the order in which they stand.
   */
  abstract List<Step<?, ?>> steps();

  /**
   * This filter, and then {@code next} on each of its values, one after the other. Called after
   * both: {@code a > b}.
   */
  public <S> Filter<T, S> then(Filter<? super R, S> next) {
    return new Chain<>(this, next);
  }

  /**
   * This filter, or {@code other} on the same element if this one fails before it has given a
   * value. What this one has failed with is suppressed in the failure of the other. It relies on
   * what both rely on, and adds what both add. Called after both: {@code a | b}.
   */
  public Filter<T, R> orElse(Filter<? super T, R> other) {
    return new Fallback<>(this, other);
  }

  /**
   * This filter and {@code other} on the same element at once, and what {@code join} makes of both
   * values. Otherwise as {@link #parallel}. Called after both: {@code a + b}.
   *
   * @throws IllegalArgumentException if one relies on what the other adds, or both add the same
   */
  @SuppressWarnings("unchecked") // the values are in the order of the filters
  public <O, S> Filter<T, S> parallelWith(
      Filter<? super T, O> other, BiFunction<? super R, ? super O, ? extends S> join) {
    Objects.requireNonNull(join, "join");
    return new Parallel<>(
        name + " + " + other.name(),
        List.of(this, other),
        (element, values) -> join.apply((R) values.get(0), (O) values.get(1)));
  }

  /**
   * Filters that do not depend on each other, on the same element at once, and what {@code join}
   * makes of their values. The element is filtered out when one of them gives no value, and has
   * failed when one of them has or gives several; the others are cancelled then. The filters share
   * the element, so it should be immutable.
   *
   * @param name what it is called, not blank
   * @param filters two or more
   * @param join is given the element and a value of each filter, in their order
   * @throws IllegalArgumentException if there are fewer, one relies on what another adds, or two
   *     add the same
   */
  public static <T, P, R> Filter<T, R> parallel(
      String name,
      List<? extends Filter<? super T, ? extends P>> filters,
      BiFunction<? super T, ? super List<P>, ? extends R> join) {
    Objects.requireNonNull(join, "join");
    return new Parallel<>(
        Facets.name(name), filters, (element, values) -> join(join, element, values));
  }

  @SuppressWarnings("unchecked") // each filter gives values that are a P
  private static <T, P, R> R join(
      BiFunction<? super T, ? super List<P>, ? extends R> join, T element, List<?> values) {
    return join.apply(element, (List<P>) values);
  }

  @Override
  public String toString() {
    return name;
  }
}
