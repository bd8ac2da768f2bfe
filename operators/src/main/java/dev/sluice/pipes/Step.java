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
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/** A filter that does something, and counts it. */
final class Step<T, R> extends Filter<T, R> {

  private final Function<? super T, ? extends Publisher<? extends R>> work;
  private final Meter meter;
  private final String checkpoint;

  Step(
      String name,
      Function<? super T, ? extends Publisher<? extends R>> work,
      Set<String> requires,
      Set<String> provides,
      Meter meter) {
    super(name, requires, provides);
    this.work = work;
    this.meter = meter;
    this.checkpoint = "filter " + name;
  }

  @Override
  public Filter<T, R> requires(String... facets) {
    return new Step<>(name(), work, Facets.and(requires(), facets), provides(), meter);
  }

  @Override
  public Filter<T, R> provides(String... facets) {
    return new Step<>(name(), work, requires(), Facets.and(provides(), facets), meter);
  }

  @Override
  public Flux<R> apply(T element) {
    Objects.requireNonNull(element, "element");
    return Flux.<R>defer(() -> Flux.from(made(work.apply(element))))
        .onErrorStop()
        .tap(meter::run)
        .checkpoint(checkpoint);
  }

  Meter meter() {
    return meter;
  }

  @Override
  List<Step<?, ?>> steps() {
    return List.of(this);
  }
}
