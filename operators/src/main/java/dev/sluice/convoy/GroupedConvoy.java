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
package dev.sluice.convoy;

import dev.sluice.Experimental;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.FluxDispatch;
import dev.sluice.message.Message;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Sequential convoy: elements of one group are worked on one after the other, in their order;
 * different groups at once.
 *
 * <p>Compared with its neighbours: {@code concatMap} has one order for everything; {@code flatMap}
 * has none; {@code groupBy(group).flatMap(g -> g.concatMap(worker))} looks like the same and hangs
 * as soon as there are more groups than its concurrency. Here groups cost nothing while they are
 * idle, a failed element waits for its next attempt without holding a worker's slot, and a busy
 * group cannot take more than the look-ahead from the others.
 *
 * <p>The algorithm is a dispatcher with a lane for each group that has unfinished elements, two
 * bounds (workers that run, elements that are admitted) and round robin over the lanes that are
 * ready.
 */
public final class GroupedConvoy {

  private GroupedConvoy() {}

  /**
   * A convoy with the default options: 64 workers, a look-ahead of 1024, no retries, the first
   * error ends the sequence.
   *
   * @see #groupedConvoy(Function, Function, UnaryOperator)
   */
  public static <T, R> Function<Flux<T>, Flux<R>> groupedConvoy(
      Function<? super T, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker) {
    return groupedConvoy(group, worker, spec -> spec);
  }

  /**
   * The values of the workers. Values of one group come in the order of its elements; those of
   * different groups as they arise. To be used with {@link Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/groupedConvoy.svg" alt="Elements of one group keep their
   * order; different groups run at once, as far as there are workers">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each value of each worker
   *   <dt>Backpressure
   *   <dd>takes up to {@code lookAhead} elements from the source at once, then as many as have been
   *       finished whenever those are at least as many as were asked for and not yet looked at;
   *       asks each worker for 32 values, then for 24 at a time. Holds at most {@code lookAhead}
   *       elements and 32 values for each running worker. A slow subscriber keeps workers from
   *       ending, not from being retried
   *   <dt>Completes/Errors
   *   <dd>completes when the source has completed and every element is finished. An error of the
   *       source ends the sequence at once. An error of a worker, a throwing {@code group} or
   *       {@code worker} function and a null from the latter are treated as {@link
   *       ConvoySpec#onFailure} says, by default they end the sequence; a worker whose values have
   *       gone out is never run again, nor is an element whose group could not be told
   *   <dt>Cancel
   *   <dd>cancels the source and the running workers; pending retries are dropped
   *   <dt>Discard
   *   <dd>on cancel and on error: elements that wait, sleep before a retry, or are ready, those of
   *       one group in their order, and values that were not emitted. An element whose worker was
   *       running is not discarded: the worker had it
   *   <dt>Threads
   *   <dd>values arrive on the thread of the worker that emits, of the source, of the subscriber
   *       that requests or of the timer, one at a time. Both functions are called and workers are
   *       subscribed to there too, one at a time, so none of them may block. A worker counts as
   *       running until its terminal signal: what it does in {@code doFinally} happens when its
   *       group may already have gone on
   * </dl>
   *
   * @param group the group of an element; null for an element without order; arrays of bytes
   *     compare by content, everything else by {@code equals}
   * @param worker the work for one element; its publisher is subscribed to once for each attempt
   * @param spec the options, from defaults: 64 workers, a look-ahead of 16 times the concurrency
   *     and at least 1024, no retries, {@link GroupVerdict#FAIL_FLOW}
   * @throws IllegalArgumentException if an option is out of range, or the verdict exists only in a
   *     flow
   */
  public static <T, R> Function<Flux<T>, Flux<R>> groupedConvoy(
      Function<? super T, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<ConvoySpec<T>> spec) {
    Objects.requireNonNull(group, "group");
    Objects.requireNonNull(worker, "worker");
    ConvoySpec<T> options =
        Objects.requireNonNull(
            spec.apply(ConvoySpec.defaults(ErrorPolicy.defaults().retries(0))), "spec");
    DispatchOptions dispatch = options.dispatchOptions();
    ErrorPolicy policy = options.failure().policy();
    GroupVerdict verdict =
        Objects.requireNonNullElse(options.failure().verdict(), GroupVerdict.FAIL_FLOW);
    if (verdict != GroupVerdict.SKIP && verdict != GroupVerdict.FAIL_FLOW) {
      throw new IllegalArgumentException(
          "verdict: " + verdict + " (expected: SKIP or FAIL_FLOW; only a Flow has the others)");
    }
    ElementWork<T, R> work =
        new ElementWork<>(
            group,
            worker,
            policy,
            verdict,
            options.failure()::isUncounted,
            options.safeListener(),
            options.readyOrder(),
            options.gate());
    return source -> FluxDispatch.create(source, () -> work, dispatch);
  }

  /**
   * The convoy of deliveries, as {@link dev.sluice.flow.Flow} uses it: the same order and the same
   * bounds, and each delivery is settled by what becomes of its worker's values.
   *
   * <p>A delivery is acknowledged when its worker has completed and everything that it emitted has
   * been acknowledged; its group goes on only after that. A value of a {@code Mono} keeps the id of
   * the message; values of other publishers get ids derived from it, the same ones on every
   * attempt. A Retry from further down runs the worker again, before the next message of the group,
   * until the attempts are used up; a Release too, without being counted. An expired message is
   * rejected before its worker starts. Of a delivery that was lost nothing is started or retried,
   * and its worker, and the wait for what it has emitted, end after {@link ConvoySpec#lossGrace}. A
   * value that was dropped without a decision runs the worker again, as an attempt, on the convoy's
   * timer. A value that somebody holds for ever locks its group for ever: what comes behind the
   * convoy must come to an end, a send by its own timeout.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each value of each worker; all of them must be settled
   *   <dt>Backpressure
   *   <dd>as {@link #groupedConvoy(Function, Function, UnaryOperator)}; an element is finished when
   *       its delivery is done, so {@code lookAhead} bounds the deliveries further down too
   *   <dt>Completes/Errors
   *   <dd>as there; errors of workers are retried and then rejected by default; one that the
   *       classifier calls fatal ends the sequence
   *   <dt>Cancel
   *   <dd>as there; running deliveries are released. Of those whose worker has ended, whoever has
   *       its values decides: an Ack or a Reject stands, anything else is a release
   *   <dt>Discard
   *   <dd>as there; discarded deliveries are released
   *   <dt>Threads
   *   <dd>as there, and the thread that settles
   * </dl>
   *
   * @param group the group of a message; null for a message without order
   * @param worker the work for one payload
   * @param spec the options, from defaults: 64 workers, a look-ahead of 16 times the concurrency
   *     and at least 1024, retries as {@link DeliveryConvoy#onError} says, then {@link
   *     GroupVerdict#DEAD_LETTER}
   * @throws IllegalArgumentException if an option is out of range
   */
  @Experimental
  public static <T, R> DeliveryConvoy<T, R> ofDeliveries(
      Function<? super Message<T>, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<ConvoySpec<Message<T>>> spec) {
    return new DeliveryConvoy<>(group, worker, spec);
  }
}
