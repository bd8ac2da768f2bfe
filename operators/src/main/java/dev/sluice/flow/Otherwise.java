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
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What becomes of messages that a filter does not let through. Immutable.
 *
 * @param <T> the payloads
 */
public final class Otherwise<T> {

  private final Outcome outcome;
  private final @Nullable Outbound<? super T> target;

  private Otherwise(Outcome outcome, @Nullable Outbound<? super T> target) {
    this.outcome = outcome;
    this.target = target;
  }

  /** They are acknowledged, as filtered: nobody wants them. */
  public static <T> Otherwise<T> acknowledge() {
    return new Otherwise<>(Outcome.filtered(), null);
  }

  /** They go to the dead letters. */
  public static <T> Otherwise<T> reject(DeadLetterReason reason) {
    return new Otherwise<>(Outcome.reject(reason, null), null);
  }

  /**
   * They go to another channel, and are acknowledged, as filtered, when it has confirmed them. As
   * in {@link Flow#to}, a failed send settles the message by the error policy.
   */
  public static <T> Otherwise<T> routeTo(Outbound<? super T> target) {
    return new Otherwise<>(Outcome.filtered(), Objects.requireNonNull(target, "target"));
  }

  /** The same, with what is sent seen by the listener of the flow. */
  Otherwise<T> observed(Scope scope) {
    return target == null ? this : new Otherwise<>(outcome, scope.observed(target));
  }

  boolean takesTime() {
    return target != null;
  }

  void settle(Delivery<? extends T> delivery) {
    if (!delivery.settlement().isSettled()) { // the predicate has thrown
      delivery.settlement().settle(outcome);
    }
  }

  /** Sends the message, unless the predicate has thrown. */
  <S extends T> Mono<?> route(Delivery<S> delivery, Scope scope) {
    return delivery.settlement().isSettled()
        ? Mono.empty()
        : Sending.send(delivery, scope, Objects.requireNonNull(target), outcome);
  }
}
