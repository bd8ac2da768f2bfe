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
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.message.Message;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.publisher.SynchronousSink;
import reactor.util.context.Context;

/**
 * The step from one delivery to many: its children, whose outcomes are its outcome.
 *
 * <p>Composed, because {@code concatMap} without prefetch is exactly what is needed: one message
 * after the other, nothing waits inside, and the subscriber's demand reaches the publisher of the
 * children. That publisher never fails and gives its guard back at each of its ends, so no error
 * and no cancel can get past the settlement.
 */
final class Splitting<T, R> {

  private static final Outcome CUT_SHORT = Outcome.release(Outcome.Release.Why.CANCELLED);
  private static final Outcome LOST = Outcome.release(Outcome.Release.Why.LOST);

  private final Scope scope;
  private final Function<? super Message<T>, ? extends Publisher<? extends Message<? extends R>>>
      parts;

  private Splitting(
      Scope scope,
      Function<? super Message<T>, ? extends Publisher<? extends Message<? extends R>>> parts) {
    this.scope = scope;
    this.parts = parts;
  }

  static <T, R> Flux<Delivery<R>> split(
      Flux<Delivery<T>> source,
      Scope scope,
      Function<? super Message<T>, ? extends Publisher<? extends Message<? extends R>>> parts) {
    return source.concatMap(new Splitting<T, R>(scope, parts)::children, 0);
  }

  private Flux<Delivery<R>> children(Delivery<T> parent) {
    if (!scope.begins(parent)) {
      return Flux.empty();
    }
    Settlement settlement = parent.settlement();
    SplitSettlement split = new SplitSettlement(settlement);
    return new Attempt<Message<? extends R>>(() -> parts.apply(parent.message()))
        .takeUntilOther(settlement.lost())
        .<Delivery<R>>handle((part, sink) -> child(parent, split, part, sink))
        .doOnComplete(() -> split.producerDone(settlement.isLost() ? LOST : Outcome.ack()))
        .doOnCancel(() -> split.producerDone(CUT_SHORT))
        .onErrorResume(
            error -> {
              scope.failed(parent, error, split::producerDone);
              return Flux.empty();
            })
        .onErrorStop();
  }

  private void child(
      Delivery<T> parent,
      SplitSettlement split,
      Message<? extends R> part,
      SynchronousSink<Delivery<R>> sink) {
    Settlement child = split.child(part.id());
    if (child == null) { // cancelled meanwhile
      Operators.onDiscard(part, Context.of(sink.contextView()));
      return;
    }
    sink.next(parent.with(child).with(typed(part)));
  }

  /** Messages are immutable, so one of a subtype of R is one of R. */
  @SuppressWarnings("unchecked")
  private static <R> Message<R> typed(Message<? extends R> message) {
    return (Message<R>) message;
  }
}
