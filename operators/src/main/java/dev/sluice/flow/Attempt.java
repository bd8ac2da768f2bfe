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
package dev.sluice.flow;

import java.util.Objects;
import java.util.function.Supplier;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * A publisher that a function of the user makes, at each subscription. Whatever the function or the
 * subscription throws is an error of this sequence, also what {@code Flux.defer} would throw on as
 * fatal: to the thread of the source, which has to live on.
 */
final class Attempt<T> extends Flux<T> {

  private final Supplier<? extends Publisher<? extends T>> function;

  Attempt(Supplier<? extends Publisher<? extends T>> function) {
    this.function = function;
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> actual) {
    try {
      Flux.<T>from(Objects.requireNonNull(function.get(), "the function gave null"))
          .subscribe(actual);
    } catch (Throwable e) {
      Operators.error(actual, e);
    }
  }
}
