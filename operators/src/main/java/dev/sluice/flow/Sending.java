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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The step from a delivery to a receipt, which decides it. */
final class Sending {

  private Sending() {}

  static <T> Flux<Receipt> sendAll(
      Flux<Delivery<T>> source, Scope scope, Outbound<? super T> target) {
    return source.flatMap(
        delivery -> send(delivery, scope, target, Outcome.ack()),
        scope.settings().effectiveMaxUnsettled(),
        1);
  }

  /**
   * Sends one message; never fails.
   *
   * @param sent what is decided when the target has confirmed it
   */
  static <T> Mono<Receipt> send(
      Delivery<T> delivery, Scope scope, Outbound<? super T> target, Outcome sent) {
    if (!scope.begins(delivery)) {
      return Mono.empty();
    }
    return Mono.fromDirect(new Attempt<>(() -> sendTo(target, delivery.message())))
        .switchIfEmpty(
            Mono.error(
                () -> SendFailed.unknown(target.name(), "completed without a receipt", null)))
        .doOnNext(receipt -> delivery.settlement().settle(sent))
        .doOnCancel(() -> Scope.release(delivery))
        .contextWrite(delivery.context())
        .onErrorResume(
            error -> {
              scope.failed(delivery, error);
              return Mono.empty();
            });
  }

  /** The payload is a T, so whoever takes a supertype of T takes the message too. */
  @SuppressWarnings("unchecked")
  private static <T> Mono<Receipt> sendTo(Outbound<? super T> target, Message<T> message) {
    return ((Outbound<T>) target).send(message);
  }
}
