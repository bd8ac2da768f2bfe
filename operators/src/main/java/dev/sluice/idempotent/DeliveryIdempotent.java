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
package dev.sluice.idempotent;

import dev.sluice.Experimental;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.InProgress;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The step that lets a delivery through once for each key, ready to be applied with {@link
 * Flux#transform(Function)}. Immutable.
 *
 * @param <T> the payloads
 */
@Experimental
public final class DeliveryIdempotent<T> implements Function<Flux<Delivery<T>>, Flux<Delivery<T>>> {

  /** As many deliveries ask the store at once; they go on in their order. */
  private static final int AT_ONCE = 64;

  /** A duplicate of what is in progress comes again after that, or sooner. */
  private static final Duration BUSY = Duration.ofSeconds(1);

  private static final Outcome DUPLICATE = new Outcome.Ack(Outcome.Ack.Reason.DUPLICATE);

  private final Remembering remembering;
  private final Function<? super Message<T>, String> key;
  private final ErrorPolicy policy;
  private final String assembly;

  DeliveryIdempotent(Remembering remembering, Function<? super Message<T>, String> key) {
    this(remembering, key, ErrorPolicy.defaults(), LeakDetector.assembly());
  }

  private DeliveryIdempotent(
      Remembering remembering,
      Function<? super Message<T>, String> key,
      ErrorPolicy policy,
      String assembly) {
    this.remembering = remembering;
    this.key = key;
    this.policy = Objects.requireNonNull(policy, "policy");
    this.assembly = assembly;
  }

  /** What an exception of the key function means. Defaults to {@link ErrorPolicy#defaults()}. */
  public DeliveryIdempotent<T> onError(ErrorPolicy policy) {
    return new DeliveryIdempotent<>(remembering, key, policy, assembly);
  }

  @Override
  public Flux<Delivery<T>> apply(Flux<Delivery<T>> source) {
    return source
        .flatMapSequential(this::enter, AT_ONCE, 1)
        .doOnDiscard(Delivery.class, delivery -> release(delivery, Outcome.Release.Why.CANCELLED));
  }

  private Mono<Delivery<T>> enter(Delivery<T> delivery) {
    IdempotencyKey once;
    try {
      once =
          remembering.key(Objects.requireNonNull(key.apply(delivery.message()), "the key is null"));
    } catch (Throwable e) {
      return refused(delivery, e);
    }
    return Mono.defer(
            () -> isOurs(delivery.settlement()) ? remembering.begin(once) : Mono.<Attempt>empty())
        .retryWhen(remembering.whileInTrouble())
        .<Delivery<T>>handle(
            (attempt, sink) -> {
              Delivery<T> admitted = admit(delivery, attempt);
              if (admitted != null) {
                sink.next(admitted);
              }
            })
        .doOnError(error -> release(delivery, Outcome.Release.Why.STOPPED))
        .doOnCancel(() -> release(delivery, Outcome.Release.Why.CANCELLED));
  }

  /** Not if its source took it back while it waited. */
  private static boolean isOurs(Settlement settlement) {
    if (settlement.isLost()) {
      settlement.settle(Outcome.release(Outcome.Release.Why.LOST));
    }
    return !settlement.isSettled();
  }

  private @Nullable Delivery<T> admit(Delivery<T> delivery, Attempt attempt) {
    Settlement settlement = delivery.settlement();
    if (attempt instanceof Started started) {
      OnceSettlement once = new OnceSettlement(remembering, started, settlement);
      once.keep();
      return delivery.with(LeakDetector.track(once, assembly));
    }
    if (attempt instanceof InProgress busy) {
      Duration left = busy.left();
      settlement.settle(
          new Outcome.Release(Outcome.Release.Why.BUSY, left.compareTo(BUSY) < 0 ? left : BUSY));
    } else {
      settlement.settle(DUPLICATE);
    }
    return null;
  }

  /** An exception of the user's function is the fate of its message, unless it is fatal. */
  private Mono<Delivery<T>> refused(Delivery<T> delivery, Throwable error) {
    Outcome outcome;
    try {
      outcome = policy.outcomeOf(error, delivery.origin().attempt());
    } catch (Throwable e) { // the user's classifier
      outcome = Outcome.reject(DeadLetterReason.POISON, Exceptions.addSuppressed(error, e));
    }
    delivery.settlement().settle(outcome);
    return outcome instanceof Outcome.Release ? Mono.error(error) : Mono.empty();
  }

  private static void release(Delivery<?> delivery, Outcome.Release.Why why) {
    delivery.settlement().settle(Outcome.release(why));
  }
}
