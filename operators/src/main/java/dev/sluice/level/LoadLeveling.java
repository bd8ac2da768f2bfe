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
package dev.sluice.level;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
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
import reactor.core.publisher.Mono;

/**
 * Queue-based load leveling: what comes in peaks goes on at a rate that what is behind it can take,
 * and waits while that is out of order.
 *
 * <p>Compared with its neighbours: {@code delayElements} adds the same delay to everything, {@code
 * limitRate} is about demand and not about time; a rate limiter or a circuit breaker around each
 * call refuses the call, so that elements that have done nothing wrong use up their attempts and go
 * to the dead letters as long as the outage lasts. Here nothing is called that is not permitted:
 * elements wait, up to a capacity, and then the source does.
 *
 * <p>What waits here waits in memory. The durable form is a channel in between: {@link #between}.
 */
public final class LoadLeveling {

  private static final Function<Object, @Nullable Object> NO_GROUP = element -> null;

  private LoadLeveling() {}

  /**
   * The elements of the source, in their order, at the rate of the options. To be used with {@link
   * Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/loadLevel.svg" alt="What comes at once goes on evenly">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each element of the source that is let in, when it was requested and the rate permits it
   *   <dt>Backpressure
   *   <dd>with {@link Overflow#BACKPRESSURE} takes {@code capacity + 1} elements from the source,
   *       and more as they go on; otherwise everything. Holds at most {@code capacity + 1}. No
   *       permit is used for what nobody has requested
   *   <dt>Completes/Errors
   *   <dd>completes when the source has and everything has gone on. An error of the source comes at
   *       once; with {@link Overflow#DROP_OLDEST} after what was let in
   *   <dt>Cancel
   *   <dd>cancels the source
   *   <dt>Discard
   *   <dd>what waits on cancel and on error; what is dropped or refused
   *   <dt>Threads
   *   <dd>elements arrive on the thread of the source, of the subscriber that requests, or of the
   *       timer, one at a time
   * </dl>
   *
   * @param spec the options, from defaults: a capacity of 256, backpressure, no rate. Those that
   *     are about workers are refused
   * @throws IllegalArgumentException if an option is out of range or needs a worker
   */
  public static <T> Function<Flux<T>, Flux<T>> loadLevel(UnaryOperator<LevelSpec<T>> spec) {
    return leveled(Mono::just, true, LevelSpec.of(spec).withoutWorker());
  }

  /**
   * The values of workers that run as often and as many at once as the options say, and not at all
   * while a circuit breaker is open. To be used with {@link Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/loadLevelBreaker.svg" alt="While the breaker is open
   * elements wait, and none of them fails">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each value of each worker, in no order between workers
   *   <dt>Backpressure
   *   <dd>with {@link Overflow#BACKPRESSURE} takes up to {@code capacity + concurrency} elements
   *       from the source at once, then as many as have been finished; otherwise everything. Holds
   *       at most {@code capacity + concurrency} elements, with {@link Overflow#DROP_OLDEST} {@code
   *       capacity} and 4 for each worker. Workers as in {@link
   *       dev.sluice.compete.CompetingConsumers#compete}
   *   <dt>Completes/Errors
   *   <dd>completes when the source has and every element is finished. An error of the source comes
   *       at once; with {@link Overflow#DROP_OLDEST} after what was let in. A worker that fails is
   *       handled as {@link LevelSpec#onFailure} says. What a circuit breaker throws, or its
   *       listeners, is logged
   *   <dt>Cancel
   *   <dd>cancels the source and the running workers; pending retries are dropped
   *   <dt>Discard
   *   <dd>on cancel and on error: elements that wait or sleep, and values that were not emitted.
   *       Also what is dropped or refused. An element whose worker was running is not discarded:
   *       the worker had it
   *   <dt>Threads
   *   <dd>values arrive on the thread of the worker that emits, of the source, of the subscriber
   *       that requests or of the timer, one at a time. The worker function is called and workers
   *       are subscribed to there too, one at a time, so it must not block
   * </dl>
   *
   * @param worker the work for one element; its publisher is subscribed to once for each attempt
   * @param spec the options, from defaults: 64 workers, a capacity of 256, backpressure, no rate,
   *     no breaker, no retries, {@link GroupVerdict#FAIL_FLOW}
   * @throws IllegalArgumentException if an option is out of range, or the verdict exists only in a
   *     flow
   */
  public static <T, R> Function<Flux<T>, Flux<R>> loadLevel(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<LevelSpec<T>> spec) {
    return leveled(worker, false, LevelSpec.of(spec));
  }

  private static <T, R> Function<Flux<T>, Flux<R>> leveled(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      boolean onRequest,
      LevelSpec<T> spec) {
    Function<Flux<T>, Flux<R>> workers =
        GroupedConvoy.groupedConvoy(NO_GROUP, worker, spec.convoy(onRequest));
    return source -> workers.apply(Intake.of(source, spec));
  }

  /**
   * Durable load leveling: what the producer sends in peaks waits in a channel, and the consumer
   * takes it at its own pace, now or when it is back. Both sides run on their own: the producer is
   * as quick as the channel takes messages, and outlives any time in which nobody consumes.
   *
   * <pre>{@code
   * LeveledChannel orders =
   *     LoadLeveling.between(
   *         incoming,
   *         PostgresChannel.create(database, "orders"),
   *         channel ->
   *             Flow.from(channel)
   *                 .decode(StringCodec.utf8())
   *                 .loadLevel(order -> ship(order), c -> c.rate(50, Duration.ofSeconds(1)))
   *                 .deadLetter(dead)
   *                 .start());
   * }</pre>
   *
   * <p>Both begin with the call. Up to 256 messages are taken from the producer ahead of their
   * receipts.
   *
   * @param producer the messages; subscribed to once
   * @param channel where they wait: as durable as the leveling is to be
   * @param consumer starts a flow that receives from the channel
   * @return both sides, to look at and to stop
   */
  public static LeveledChannel between(
      Publisher<? extends Message<byte[]>> producer,
      Channel channel,
      Function<? super Inbound, ? extends FlowHandle> consumer) {
    return LeveledChannel.start(
        Objects.requireNonNull(producer, "producer"),
        Objects.requireNonNull(channel, "channel"),
        Objects.requireNonNull(consumer, "consumer"));
  }

  /**
   * Load leveling of deliveries, as {@link dev.sluice.flow.Flow} uses it: each delivery is settled
   * by what becomes of its worker's values, as {@link GroupedConvoy#ofDeliveries} says.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each value of each worker; all of them must be settled
   *   <dt>Backpressure
   *   <dd>as {@link #loadLevel(Function, UnaryOperator)}; an element is finished when its delivery
   *       is done
   *   <dt>Completes/Errors
   *   <dd>as there; errors of workers are retried and then rejected by default; one that the
   *       classifier calls fatal ends the sequence
   *   <dt>Cancel
   *   <dd>as there; running deliveries are released. Of those whose worker has ended, whoever has
   *       its values decides: an Ack or a Reject stands, anything else is a release
   *   <dt>Discard
   *   <dd>as there; discarded deliveries are released, refused ones rejected
   *   <dt>Threads
   *   <dd>as there, and the thread that settles
   * </dl>
   *
   * @param worker the work for one payload
   * @param spec the options, from defaults: 64 workers, a capacity of 256, backpressure, no rate,
   *     no breaker, retries as {@link DeliveryConvoy#onError} says, then {@link
   *     GroupVerdict#DEAD_LETTER}
   * @throws IllegalArgumentException if an option is out of range, or drops messages
   */
  @Experimental
  public static <T, R> LeveledDeliveries<T, R> ofDeliveries(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<LevelSpec<Message<T>>> spec) {
    return leveledDeliveries(worker, false, LevelSpec.of(spec));
  }

  /**
   * Load leveling of deliveries that are only passed on, in their order, at the rate of the
   * options: {@link #loadLevel(UnaryOperator)} for {@link dev.sluice.flow.Flow}. A delivery that
   * comes back from further down passes once more, after its delay.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each one that is let in; all of them must be settled
   *   <dt>Backpressure
   *   <dd>as there; an element is finished when its delivery is done
   *   <dt>Completes/Errors
   *   <dd>as there
   *   <dt>Cancel
   *   <dd>as there; what waits is released
   *   <dt>Discard
   *   <dd>as there; discarded deliveries are released, refused ones rejected
   *   <dt>Threads
   *   <dd>as there, and the thread that settles
   * </dl>
   *
   * @param spec the options, from defaults: a capacity of 256, backpressure, no rate
   * @throws IllegalArgumentException if an option is out of range, needs a worker, or drops
   *     messages
   */
  @Experimental
  public static <T> LeveledDeliveries<T, T> ofDeliveries(
      UnaryOperator<LevelSpec<Message<T>>> spec) {
    return leveledDeliveries(Mono::just, true, LevelSpec.of(spec).withoutWorker());
  }

  private static <T, R> LeveledDeliveries<T, R> leveledDeliveries(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      boolean onRequest,
      LevelSpec<Message<T>> spec) {
    Overflow overflow = spec.overflow();
    if (overflow != Overflow.BACKPRESSURE && overflow != Overflow.REJECT) {
      throw new IllegalArgumentException(
          "onOverflow: " + overflow + " (expected: BACKPRESSURE or REJECT for messages)");
    }
    return new LeveledDeliveries<>(
        spec, GroupedConvoy.ofDeliveries(NO_GROUP, worker, spec.convoy(onRequest)));
  }
}
