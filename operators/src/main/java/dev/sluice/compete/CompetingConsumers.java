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
package dev.sluice.compete;

import dev.sluice.Experimental;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.message.Message;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Competing consumers: workers that take elements from one queue, each whenever it is free, in no
 * order.
 *
 * <p>Compared with its neighbours: {@code flatMap} has as many workers as it was told, an element
 * that waits for its next attempt ({@code retryWhen} in the worker) holds one of them, and the
 * first error ends everything. Here the number of workers can follow the depth of the queue or the
 * latency of the work, an element that waits holds none, and a failure is the fate of one element.
 * {@link GroupedConvoy} is the same with an order for related elements.
 *
 * <p>The algorithm is the convoy's, in which every element is a group of its own.
 */
public final class CompetingConsumers {

  private static final Function<Object, @Nullable Object> NO_GROUP = element -> null;

  private CompetingConsumers() {}

  /**
   * Competing consumers with the default options: 64 workers, a look-ahead of 256, no retries, the
   * first error ends the sequence.
   *
   * @see #compete(Function, UnaryOperator)
   */
  public static <T, R> Function<Flux<T>, Flux<R>> compete(
      Function<? super T, ? extends Publisher<? extends R>> worker) {
    return compete(worker, spec -> spec);
  }

  /**
   * The values of the workers, as they arise. To be used with {@link Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/compete.svg" alt="Whoever is free takes the next element;
   * one that waits for another attempt holds nobody">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each value of each worker, in no order between workers
   *   <dt>Backpressure
   *   <dd>takes up to {@code lookAhead} elements from the source at once, then as many as have been
   *       finished whenever those are at least as many as were asked for and not yet looked at;
   *       asks each worker for 32 values, then for 24 at a time. Holds at most {@code lookAhead}
   *       elements and 32 values for each running worker. A slow subscriber keeps workers from
   *       ending
   *   <dt>Completes/Errors
   *   <dd>completes when the source has completed and every element is finished. An error of the
   *       source comes at once. A worker that fails is handled as {@link CompeteSpec#onFailure}
   *       says: tried again while it holds no worker, then skipped, or the whole sequence ends with
   *       its error. A worker whose values have gone out is never run again. A depth that cannot be
   *       told changes nothing
   *   <dt>Cancel
   *   <dd>cancels the source and the running workers; pending retries are dropped
   *   <dt>Discard
   *   <dd>on cancel and on error: elements that wait or sleep, and values that were not emitted. An
   *       element whose worker was running is not discarded: the worker had it
   *   <dt>Threads
   *   <dd>values arrive on the thread of the worker that emits, of the source, of the subscriber
   *       that requests, of the timer or of whoever tells the depth, one at a time. The worker
   *       function is called and workers are subscribed to there too, one at a time, so it must not
   *       block
   * </dl>
   *
   * @param worker the work for one element; its publisher is subscribed to once for each attempt
   * @param spec the options, from defaults: 64 workers, a look-ahead of 4 times the concurrency, no
   *     retries, {@link GroupVerdict#FAIL_FLOW}
   * @throws IllegalArgumentException if an option is out of range, or the verdict exists only in a
   *     flow
   */
  public static <T, R> Function<Flux<T>, Flux<R>> compete(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<CompeteSpec<T>> spec) {
    return GroupedConvoy.groupedConvoy(NO_GROUP, worker, onConvoy(spec));
  }

  /**
   * Competing consumers of deliveries, as {@link dev.sluice.flow.Flow} uses them: each delivery is
   * settled by what becomes of its worker's values, as {@link GroupedConvoy#ofDeliveries} says, and
   * messages have no order, whatever their groups.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each value of each worker; all of them must be settled
   *   <dt>Backpressure
   *   <dd>as {@link #compete(Function, UnaryOperator)}; an element is finished when its delivery is
   *       done, so {@code lookAhead} bounds the deliveries further down too
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
   * @param worker the work for one payload
   * @param spec the options, from defaults: 64 workers, a look-ahead of 4 times the concurrency,
   *     retries as {@link DeliveryConvoy#onError} says, then {@link GroupVerdict#DEAD_LETTER}
   * @throws IllegalArgumentException if an option is out of range
   */
  @Experimental
  public static <T, R> DeliveryConvoy<T, R> ofDeliveries(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<CompeteSpec<Message<T>>> spec) {
    return GroupedConvoy.ofDeliveries(NO_GROUP, worker, onConvoy(spec));
  }

  private static <T> UnaryOperator<ConvoySpec<T>> onConvoy(UnaryOperator<CompeteSpec<T>> spec) {
    Objects.requireNonNull(spec, "spec");
    return convoy -> Objects.requireNonNull(spec.apply(CompeteSpec.over(convoy)), "spec").convoy();
  }
}
