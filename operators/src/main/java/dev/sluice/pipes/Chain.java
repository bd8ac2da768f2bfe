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

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;

/** One filter, and another one on what it gives. */
final class Chain<T, M, R> extends Filter<T, R> {

  private final Filter<T, M> first;
  private final Filter<? super M, R> next;

  Chain(Filter<T, M> first, Filter<? super M, R> next) {
    this(
        first,
        next,
        Facets.union(first.requires(), Facets.without(next.requires(), first.provides())),
        Facets.union(first.provides(), next.provides()));
  }

  private Chain(
      Filter<T, M> first, Filter<? super M, R> next, Set<String> requires, Set<String> provides) {
    super(first.name() + " > " + next.name(), requires, provides);
    this.first = first;
    this.next = next;
  }

  @Override
  public Filter<T, R> requires(String... facets) {
    return new Chain<>(first, next, Facets.and(requires(), facets), provides());
  }

  @Override
  public Filter<T, R> provides(String... facets) {
    return new Chain<>(first, next, requires(), Facets.and(provides(), facets));
  }

  @Override
  public Flux<R> apply(T element) {
    return first.apply(element).concatMap(next, 0);
  }

  @Override
  List<Step<?, ?>> steps() {
    return Stream.<Step<?, ?>>concat(first.steps().stream(), next.steps().stream()).toList();
  }
}
