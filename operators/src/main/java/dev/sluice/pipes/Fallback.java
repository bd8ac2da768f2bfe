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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;

/** One filter, or another one if that fails. */
final class Fallback<T, R> extends Filter<T, R> {

  private final Filter<T, R> first;
  private final Filter<? super T, R> other;

  Fallback(Filter<T, R> first, Filter<? super T, R> other) {
    this(
        first,
        other,
        Facets.union(first.requires(), other.requires()),
        Facets.common(first.provides(), other.provides()));
  }

  private Fallback(
      Filter<T, R> first, Filter<? super T, R> other, Set<String> requires, Set<String> provides) {
    super(first.name() + " | " + other.name(), requires, provides);
    this.first = first;
    this.other = other;
  }

  @Override
  public Filter<T, R> requires(String... facets) {
    return new Fallback<>(first, other, Facets.and(requires(), facets), provides());
  }

  @Override
  public Filter<T, R> provides(String... facets) {
    return new Fallback<>(first, other, requires(), Facets.and(provides(), facets));
  }

  @Override
  public Flux<R> apply(T element) {
    return Flux.defer(
        () -> {
          AtomicBoolean begun = new AtomicBoolean(); // values of both would be no result of either
          return first
              .apply(element)
              .doOnNext(value -> begun.set(true))
              .onErrorResume(
                  failure -> begun.get() ? Flux.error(failure) : instead(element, failure))
              .onErrorStop();
        });
  }

  private Flux<R> instead(T element, Throwable failure) {
    return other.apply(element).onErrorMap(error -> Exceptions.addSuppressed(error, failure));
  }

  @Override
  List<Step<?, ?>> steps() {
    return Stream.<Step<?, ?>>concat(first.steps().stream(), other.steps().stream()).toList();
  }
}
