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
import dev.sluice.claim.Checker;
import dev.sluice.claim.ClaimRefused;
import dev.sluice.claim.Claimed;
import dev.sluice.claim.Redeemer;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadMissing;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The steps that check payloads in and redeem their claims. */
final class Claims {

  private static final Logger log = LoggerFactory.getLogger(Claims.class);

  private Claims() {}

  static <T> Flux<Delivery<byte[]>> check(Flux<Delivery<T>> source, Scope scope, Checker checker) {
    return inOrder(
        source,
        scope,
        checker.concurrency(),
        delivery -> checker.check(delivery.message()).map(delivery::with));
  }

  /**
   * The flow, unless its payloads could be gone before the messages that the target keeps. A target
   * that cannot be asked holds nothing up: it may be away for a while.
   */
  static <R> Flux<R> outliving(Outbound<?> target, Checker checker, Flux<R> flow) {
    return target
        .retention()
        .onErrorResume(
            error -> {
              Exceptions.throwIfJvmFatal(error);
              log.warn("{}: its retention is not known", target.name(), error);
              return Mono.empty();
            })
        .doOnNext(retention -> checker.requireOutlives(target.name(), retention))
        .thenMany(flow);
  }

  static <T> Flux<Delivery<byte[]>> redeem(
      Flux<Delivery<T>> source, Scope scope, Redeemer redeemer) {
    return inOrder(source, scope, redeemer.concurrency(), redeemer::redeem);
  }

  static <T> Flux<Delivery<Claimed>> open(
      Flux<Delivery<T>> source, Scope scope, Redeemer redeemer) {
    return source.handle(
        (delivery, sink) -> {
          if (!scope.begins(delivery)) {
            return;
          }
          Delivery<Claimed> opened;
          try {
            opened = redeemer.open(delivery);
          } catch (Throwable e) {
            failed(delivery, scope, e);
            return;
          }
          sink.next(opened);
        });
  }

  /** Several at once, which go on in the order in which they came. */
  private static <T> Flux<Delivery<byte[]>> inOrder(
      Flux<Delivery<T>> source,
      Scope scope,
      int concurrency,
      Function<Delivery<T>, Mono<Delivery<byte[]>>> work) {
    return source.flatMapSequential(
        delivery ->
            scope.begins(delivery)
                ? Mono.fromDirect(new Attempt<>(() -> work.apply(delivery)))
                    .doOnCancel(() -> Scope.release(delivery))
                    .contextWrite(delivery.context())
                    .onErrorResume(
                        error -> {
                          failed(delivery, scope, error);
                          return Mono.empty();
                        })
                : Mono.empty(),
        concurrency,
        1);
  }

  /** A claim that is not honoured, or whose payload is gone, is so whatever the policy says. */
  private static void failed(Delivery<?> delivery, Scope scope, Throwable error) {
    Throwable cause = Exceptions.unwrap(error);
    if (cause instanceof ClaimRefused || cause instanceof PayloadMissing) {
      delivery
          .settlement()
          .settle(Outcome.reject(((ErrorClassifier.Classified) cause).reason(), cause));
    } else {
      scope.failed(delivery, error);
    }
  }

  /**
   * A target that takes back the payload of a message that was certainly not sent. Only right
   * behind the claim check, where every claim is sent once: a claim that was sent before, by a
   * worker that ran again, may have arrived then.
   */
  record Withdrawing(Outbound<byte[]> target, Checker checker) implements Outbound<byte[]> {

    @Override
    public String name() {
      return target.name();
    }

    @Override
    public OptionalInt room(Message<?> message) {
      return target.room(message);
    }

    @Override
    public Mono<Duration> retention() {
      return target.retention();
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return target
          .send(message)
          .onErrorResume(
              SendFailed.class,
              failed ->
                  failed.certainty() == SendFailed.Certainty.UNKNOWN
                      ? Mono.error(failed)
                      : checker.withdraw(message).then(Mono.error(failed)));
    }
  }
}
