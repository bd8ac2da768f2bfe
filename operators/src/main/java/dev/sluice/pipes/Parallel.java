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

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Filters that do not depend on each other, on one element at once. */
final class Parallel<T, R> extends Filter<T, R> {

  private final List<Filter<? super T, ?>> filters;
  private final BiFunction<? super T, ? super List<?>, ? extends R> join;

  Parallel(
      String name,
      List<? extends Filter<? super T, ?>> filters,
      BiFunction<? super T, ? super List<?>, ? extends R> join) {
    this(
        name,
        independent(filters),
        join,
        filters.stream().map(Filter::requires).reduce(Set.of(), Facets::union),
        filters.stream().map(Filter::provides).reduce(Set.of(), Facets::union));
  }

  private Parallel(
      String name,
      List<Filter<? super T, ?>> filters,
      BiFunction<? super T, ? super List<?>, ? extends R> join,
      Set<String> requires,
      Set<String> provides) {
    super(name, requires, provides);
    this.filters = filters;
    this.join = join;
  }

  private static <T> List<Filter<? super T, ?>> independent(
      List<? extends Filter<? super T, ?>> filters) {
    if (filters.size() < 2) {
      throw new IllegalArgumentException(
          "filters: " + filters.size() + " (expected: >= 2 to run at once)");
    }
    for (int i = 0; i < filters.size(); i++) {
      for (int j = 0; j < filters.size(); j++) {
        if (i != j) {
          requireIndependent(filters.get(i), filters.get(j));
        }
      }
    }
    return List.copyOf(filters);
  }

  private static void requireIndependent(Filter<?, ?> one, Filter<?, ?> other) {
    Set<String> needed = Facets.common(one.requires(), other.provides());
    if (!needed.isEmpty()) {
      throw new IllegalArgumentException(
          "filter "
              + one
              + ": requires "
              + needed
              + " of "
              + other
              + " (expected: nothing that a filter at its side provides)");
    }
    Set<String> twice = Facets.common(one.provides(), other.provides());
    if (!twice.isEmpty()) {
      throw new IllegalArgumentException(
          "filters "
              + one
              + " and "
              + other
              + ": both provide "
              + twice
              + " (expected: one of them)");
    }
  }

  @Override
  public Filter<T, R> requires(String... facets) {
    return new Parallel<>(name(), filters, join, Facets.and(requires(), facets), provides());
  }

  @Override
  public Filter<T, R> provides(String... facets) {
    return new Parallel<>(name(), filters, join, requires(), Facets.and(provides(), facets));
  }

  @Override
  public Flux<R> apply(T element) {
    return Mono.<R>zip(
            filters.stream().map(filter -> filter.apply(element).singleOrEmpty()).toList(),
            values -> join(element, values))
        .onErrorStop()
        .flux();
  }

  private R join(T element, Object[] values) {
    return Objects.requireNonNull(
        join.apply(element, Arrays.asList(values)), "the function gave null");
  }

  @Override
  List<Step<?, ?>> steps() {
    return filters.stream().<Step<?, ?>>flatMap(filter -> filter.steps().stream()).toList();
  }
}
