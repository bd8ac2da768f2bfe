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

import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The steps from one delivery to one or none. */
final class Steps {

  private Steps() {}

  static <T, R> Flux<Delivery<R>> map(
      Flux<Delivery<T>> source, Scope scope, Function<Message<T>, ? extends R> mapper) {
    return source.handle(
        (delivery, sink) -> {
          R payload;
          try {
            payload =
                Objects.requireNonNull(mapper.apply(delivery.message()), "the function gave null");
          } catch (Throwable e) {
            scope.failed(delivery, e);
            return;
          }
          sink.next(delivery.with(delivery.message().withPayload(payload)));
        });
  }

  static <T> Flux<Delivery<T>> filter(
      Flux<Delivery<T>> source,
      Scope scope,
      Predicate<? super Message<T>> predicate,
      Otherwise<? super T> otherwise) {
    Otherwise<? super T> rest = otherwise.observed(scope);
    return rest.takesTime()
        ? source.flatMap(
            delivery ->
                accepts(delivery, scope, predicate)
                    ? Mono.just(delivery)
                    : rest.route(delivery, scope).then(Mono.empty()),
            scope.settings().effectiveMaxUnsettled(),
            1)
        : source.handle(
            (delivery, sink) -> {
              if (accepts(delivery, scope, predicate)) {
                sink.next(delivery);
              } else {
                rest.settle(delivery);
              }
            });
  }

  /** A predicate that throws settles the delivery and does not accept it. */
  private static <T> boolean accepts(
      Delivery<T> delivery, Scope scope, Predicate<? super Message<T>> predicate) {
    try {
      return predicate.test(delivery.message());
    } catch (Throwable e) {
      scope.failed(delivery, e);
      return false;
    }
  }
}
