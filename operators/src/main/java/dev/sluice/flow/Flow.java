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

import dev.sluice.Experimental;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.claim.Checker;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.ClaimSpec;
import dev.sluice.claim.Claimed;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.RedeemSpec;
import dev.sluice.claim.Redeemer;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.compete.CompeteSpec;
import dev.sluice.compete.CompetingConsumers;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.gather.DurableGather;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.ScatterGather;
import dev.sluice.idempotent.DeliveryIdempotent;
import dev.sluice.idempotent.Idempotent;
import dev.sluice.idempotent.IdempotentSpec;
import dev.sluice.level.LevelSpec;
import dev.sluice.level.LeveledDeliveries;
import dev.sluice.level.LoadLeveling;
import dev.sluice.level.Overflow;
import dev.sluice.message.Message;
import dev.sluice.parking.Parking;
import dev.sluice.parking.ParkingSpec;
import dev.sluice.priority.DeliveryReordering;
import dev.sluice.priority.PrioritizeSpec;
import dev.sluice.priority.PriorityMerge;
import dev.sluice.priority.PrioritySpec;
import dev.sluice.requestreply.Replier;
import dev.sluice.retry.RetrySpec;
import dev.sluice.retry.Retrying;
import dev.sluice.routing.Router;
import dev.sluice.routing.RoutingTable;
import dev.sluice.routing.WireTap;
import dev.sluice.routing.WireTapSpec;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.PayloadStore;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/**
 * A pipeline from a channel through functions of payloads to a channel, in which every delivery is
 * settled: acknowledged when its work is done, retried or sent to the dead letters when it failed,
 * given back when the flow ends. No verb can lose a delivery, and an exception of a user's function
 * is the fate of one message, never of the flow.
 *
 * <p>A flow is a recipe: immutable, shareable, and without effect until {@link #start()}. Options
 * hold for the whole flow, wherever in the chain they stand.
 *
 * <pre>{@code
 * FlowHandle handle =
 *     Flow.from(orders)
 *         .named("orders")
 *         .decode(JacksonCodec.json(Order.class))
 *         .filter(Order::isPaid)
 *         .groupedConvoy(Message::group, order -> ship(order))
 *         .deadLetter(deadLetters)
 *         .to(shipments)
 *         .start();
 * }</pre>
 *
 * @param <T> the payloads at this point of the chain
 */
public final class Flow<T> {

  private static final ReadyOrder<Message<?>> BY_PRIORITY =
      ReadyOrder.mostUrgentFirst(Comparator.<Message<?>>comparingInt(Message::priority).reversed());

  private static final Function<Message<?>, @Nullable Object> BY_GROUP = Message::group;

  private final FlowSettings settings;
  private final Function<Scope, Flux<Delivery<T>>> chain;

  private Flow(FlowSettings settings, Function<Scope, Flux<Delivery<T>>> chain) {
    this.settings = settings;
    this.chain = chain;
  }

  /**
   * A flow of the messages of a channel.
   *
   * <p>Defaults: named after the channel; {@link ErrorPolicy#defaults()}; no dead-letter target, so
   * that a rejected message stops the flow; at most 1024 unsettled deliveries, or as many as the
   * largest look-ahead in the flow.
   */
  public static Flow<byte[]> from(Inbound source) {
    Objects.requireNonNull(source, "source");
    return new Flow<>(new FlowSettings(new Source.OfChannel(source)), Scope::source);
  }

  /**
   * A flow of the messages of several channels, each a level of priority, with the default options:
   * strict, 16 messages of each channel ahead.
   *
   * @see #priorityMerge(List, UnaryOperator)
   */
  public static Flow<byte[]> priorityMerge(List<? extends Inbound> mostUrgentFirst) {
    return priorityMerge(mostUrgentFirst, spec -> spec);
  }

  /**
   * A flow of the messages of several channels, each a level of priority: {@link PriorityMerge}.
   * For brokers that cannot reorder what waits in one channel.
   *
   * <p>{@link #maxUnsettled} holds for each channel, so what is less urgent cannot use up what is
   * allowed for the urgent. A message is chosen when the flow asks for it, so what the flow has
   * asked for ahead is not reordered any more: give {@link #groupedConvoy} or {@link #compete} a
   * look-ahead of little more than their concurrency. The order of a group holds within a channel.
   *
   * <p>A cost or a key that cannot be told settles its message by the error policy. When one
   * channel fails the flow has failed, or starts again with all of them.
   *
   * @param mostUrgentFirst the channels, 1 to 64
   * @param spec the options, from defaults: strict, 16 messages of each channel ahead
   * @throws IllegalArgumentException if there are too many channels or none, an option is out of
   *     range, or the number of quanta is not that of the channels
   */
  public static Flow<byte[]> priorityMerge(
      List<? extends Inbound> mostUrgentFirst, UnaryOperator<PrioritySpec<Message<byte[]>>> spec) {
    List<Inbound> channels = List.copyOf(mostUrgentFirst);
    return new Flow<>(
        new FlowSettings(
            new PriorityChannels(channels, PriorityMerge.ofDeliveries(channels.size(), spec))),
        Scope::source);
  }

  // == options ==

  /** What the flow is called in logs, traces and its handle. */
  public Flow<T> named(String name) {
    return new Flow<>(settings.named(name), chain);
  }

  /**
   * What an exception of a user's function means for its message. One that its classifier calls
   * fatal means nothing for the message, which is given back, and ends the flow.
   */
  public Flow<T> onError(ErrorPolicy policy) {
    return new Flow<>(settings.policy(policy), chain);
  }

  /** Where rejected messages go, with their bytes as they came and the reason in headers. */
  public Flow<T> deadLetter(Outbound<byte[]> target) {
    return new Flow<>(settings.deadLetters(target), chain);
  }

  /**
   * How many deliveries may be taken from the channel and not be done.
   *
   * @param maxUnsettled 1 or more, and at least the largest look-ahead in the flow, which is
   *     checked when the flow starts
   */
  public Flow<T> maxUnsettled(int maxUnsettled) {
    return new Flow<>(settings.maxUnsettled(maxUnsettled), chain);
  }

  /**
   * How long a delivery is owned before its channel has to renew it, where the channel has {@link
   * dev.sluice.channel.Capability#LEASES}. Defaults to 30 s.
   *
   * @param lease more than zero
   */
  public Flow<T> lease(Duration lease) {
    return new Flow<>(settings.lease(lease), chain);
  }

  /**
   * Tries again what has failed, wherever in the flow: in place, then after a longer wait at the
   * channel, then never: the message goes to the dead letters. Without this, {@link #onError} says
   * how often, and the channel waits.
   *
   * <pre>{@code
   * .retry(r -> r.immediate(2).backoff(5, ofSeconds(1), ofMinutes(2)).delayed(10, ofMinutes(5)))
   * }</pre>
   *
   * <p>A step with workers retries in place in its own lanes; what fails elsewhere begins the flow
   * again. The next message of a group enters the flow when the one before is settled, so that none
   * is overtaken, unless the channel sees to that or {@link RetrySpec#unordered} says that it does
   * not matter. A message that waits elsewhere is acknowledged only when that is confirmed.
   *
   * <p>What {@link ConvoySpec#onFailure} of a step says is done first, and what it lets through as
   * {@link dev.sluice.delivery.DeadLetterReason#ATTEMPTS_EXHAUSTED} is delayed here.
   *
   * @param spec the options, from defaults: in place what {@link #onError} has said, nothing
   *     delayed
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flow<T> retry(UnaryOperator<RetrySpec> spec) {
    return new Flow<>(settings.retry(Retrying.ofDeliveries(settings.policy(), spec)), chain);
  }

  /**
   * Parks groups that must not go on, with the default options.
   *
   * @see #parking(ParkingLot, UnaryOperator)
   */
  public Flow<T> parking(ParkingLot lot) {
    return parking(lot, spec -> spec);
  }

  /**
   * Parks groups that must not go on: where a step has the verdict {@link
   * dev.sluice.convoy.GroupVerdict#PARK_GROUP}, a message of it that has failed for good goes to
   * the lot with its bytes as they came, and so does every later message of its group, in order,
   * until somebody {@linkplain ParkingLot#release releases} the group. Then the flow works on what
   * is in the lot, one message after the other, before anything newer; if one fails again the group
   * is parked again. Other groups go on.
   *
   * <p>A message is acknowledged when it is in the lot, and not before; while the lot is in
   * trouble, messages of groups wait. What is parked outlives a restart with the store, under the
   * {@linkplain #named name} of this flow, so give it one. The next message of a group enters the
   * flow when the one before is settled. Before it does, the lot is asked whether its group is
   * parked; so this costs a round trip to the store, shared by all messages that wait for it.
   *
   * @param lot where groups wait
   * @param spec the options, from defaults: looks for released groups every second
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flow<T> parking(ParkingLot lot, UnaryOperator<ParkingSpec> spec) {
    return new Flow<>(settings.parking(Parking.ofDeliveries(lot, spec)), chain);
  }

  /**
   * Receives again when the source has failed, as {@code restart} says: {@code
   * Retry.backoff(Long.MAX_VALUE, ofSeconds(1)).maxBackoff(ofMinutes(1)).transientErrors(true)}.
   * Without it such a failure ends the flow. A connector heals by itself what it can, so this is
   * for what it cannot; and it helps neither against an error that the policy calls fatal nor
   * against a rejected message that has no dead-letter target: after these the flow has failed.
   *
   * <p>What was out when the source failed has been given back and comes again.
   */
  public Flow<T> restart(Retry restart) {
    return new Flow<>(settings.restart(restart), chain);
  }

  /** The clock that tells whether a message has expired. Defaults to the system's in UTC. */
  public Flow<T> clock(Clock clock) {
    return new Flow<>(settings.clock(clock), chain);
  }

  /** Who hears what the flow does. The last one given counts. Defaults to nobody. */
  @Experimental
  public Flow<T> listener(FlowListener listener) {
    return new Flow<>(settings.listener(listener), chain);
  }

  // == verbs ==

  /**
   * Decodes the payload. A payload that cannot be decoded is rejected as {@link
   * dev.sluice.delivery.DeadLetterReason#UNREADABLE}.
   *
   * @param codec reads the bytes of the message
   */
  public <R> Flow<R> decode(PayloadCodec<R> codec) {
    Objects.requireNonNull(codec, "codec");
    return oneToOne(
        null, (source, scope) -> Steps.map(source, scope, message -> codec.decode(bytes(message))));
  }

  /**
   * Changes the payload. An exception or a null settles the message by the error policy. A message
   * that is retried here, before a {@link #groupedConvoy}, goes back to the channel, and where that
   * has no {@linkplain dev.sluice.channel.Capability#EXCLUSIVE_GROUPS exclusive groups} later ones
   * of its group may overtake it; in the convoy's worker and behind the convoy none can.
   *
   * @param mapper plain CPU work; what waits for something belongs into {@link #groupedConvoy}
   */
  public <R> Flow<R> map(Function<? super T, ? extends R> mapper) {
    Objects.requireNonNull(mapper, "mapper");
    return mapMessage(message -> mapper.apply(message.payload()));
  }

  /** {@link #map} by the message: its id, its type or a header has a say in the new payload. */
  public <R> Flow<R> mapMessage(Function<? super Message<T>, ? extends R> mapper) {
    Objects.requireNonNull(mapper, "mapper");
    return oneToOne(null, (source, scope) -> Steps.map(source, scope, mapper::apply));
  }

  /**
   * Lets through what the predicate accepts; the rest is acknowledged as filtered. An exception
   * settles the message by the error policy, as in {@link #map}.
   */
  public Flow<T> filter(Predicate<? super T> predicate) {
    return filter(predicate, Otherwise.acknowledge());
  }

  /**
   * Lets through what the predicate accepts.
   *
   * @param otherwise what becomes of the rest: {@code reject(UNROUTABLE)}, {@code
   *     routeTo(channel)}, …
   */
  public Flow<T> filter(Predicate<? super T> predicate, Otherwise<? super T> otherwise) {
    Objects.requireNonNull(predicate, "predicate");
    Objects.requireNonNull(otherwise, "otherwise");
    return filterMessage(message -> predicate.test(message.payload()), otherwise);
  }

  /**
   * {@link #filter(Predicate)} by the message, its type or a header of it: {@code filterMessage(m
   * -> delays.matches(m.type()))} with a {@link dev.sluice.message.TypePattern}.
   */
  public Flow<T> filterMessage(Predicate<? super Message<T>> predicate) {
    return filterMessage(predicate, Otherwise.acknowledge());
  }

  /** {@link #filter(Predicate, Otherwise)} by the message. */
  public Flow<T> filterMessage(
      Predicate<? super Message<T>> predicate, Otherwise<? super T> otherwise) {
    Objects.requireNonNull(predicate, "predicate");
    Objects.requireNonNull(otherwise, "otherwise");
    return oneToOne(null, (source, scope) -> Steps.filter(source, scope, predicate, otherwise));
  }

  /**
   * Works on messages of one group one after the other and on different groups at once, with the
   * default options.
   *
   * @see #groupedConvoy(Function, Function, UnaryOperator)
   */
  public <R> Flow<R> groupedConvoy(
      Function<? super Message<T>, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker) {
    return groupedConvoy(group, worker, spec -> spec);
  }

  /**
   * Works on messages of one group one after the other, in their order, and on different groups at
   * once: {@link GroupedConvoy}. The next message of a group starts only when this one is done, so
   * that also what fails further down the flow is retried without being overtaken.
   *
   * <p>A failed worker is retried in place by the flow's error policy, then its message goes to the
   * dead letters, unless {@link ConvoySpec#onFailure} says otherwise.
   *
   * @param group the group of a message; null for a message without order
   * @param worker the work for one payload
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range
   */
  public <R> Flow<R> groupedConvoy(
      Function<? super Message<T>, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<ConvoySpec<Message<T>>> spec) {
    DeliveryConvoy<T, R> convoy = GroupedConvoy.ofDeliveries(group, worker, spec);
    return step(
        settings.atLeast(convoy.lookAhead()).parks(convoy.parks()),
        (source, scope) -> scope.convoy(source, convoy));
  }

  /**
   * Puts each message through a filter, with the default options.
   *
   * @see #through(Function, UnaryOperator)
   */
  public <R> Flow<R> through(Function<? super T, ? extends Publisher<? extends R>> filter) {
    return through(filter, spec -> spec);
  }

  /**
   * Puts each message through a filter or a pipeline of them: {@link #groupedConvoy} by the groups
   * of the messages. A message for which the filter gives no value is acknowledged; one that fails
   * in it is retried in place by the error policy and then goes to the dead letters, unless {@link
   * ConvoySpec#onFailure} says otherwise.
   *
   * @param filter a {@link dev.sluice.pipes.Filter}, or any worker
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range
   */
  public <R> Flow<R> through(
      Function<? super T, ? extends Publisher<? extends R>> filter,
      UnaryOperator<ConvoySpec<Message<T>>> spec) {
    return groupedConvoy(BY_GROUP, filter, spec);
  }

  /**
   * Works on as many messages at once as there are workers, in no order, with the default options.
   *
   * @see #compete(Function, UnaryOperator)
   */
  public <R> Flow<R> compete(Function<? super T, ? extends Publisher<? extends R>> worker) {
    return compete(worker, spec -> spec);
  }

  /**
   * Works on as many messages at once as there are workers, in no order, whatever their groups:
   * {@link CompetingConsumers}. A worker is free when its publisher has ended; the message is done
   * when what follows from it is.
   *
   * <p>A failed worker is retried in place by the flow's error policy, then its message goes to the
   * dead letters, unless {@link CompeteSpec#onFailure} says otherwise.
   *
   * @param worker the work for one payload
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range
   */
  public <R> Flow<R> compete(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<CompeteSpec<Message<T>>> spec) {
    DeliveryConvoy<T, R> consumers = CompetingConsumers.ofDeliveries(worker, spec);
    return step(
        settings.atLeast(consumers.lookAhead()).parks(consumers.parks()),
        (source, scope) -> scope.convoy(source, consumers));
  }

  /**
   * Works on the most urgent message first, with the default options.
   *
   * @see #priorityDispatch(Function, UnaryOperator)
   */
  public <R> Flow<R> priorityDispatch(
      Function<? super T, ? extends Publisher<? extends R>> worker) {
    return priorityDispatch(worker, spec -> spec);
  }

  /**
   * Works on as many messages at once as there are workers, and whenever one is free on the most
   * urgent message of those that have been received: by {@link Message#priority()}, 9 first, unless
   * {@link CompeteSpec#readyOrder} says otherwise. Nothing is guaranteed to the least urgent;
   * {@link ReadyOrder#aging} is for that: {@code c -> c.readyOrder(aging(m -> 9 - m.priority(),
   * ofSeconds(10)))}. Otherwise as {@link #compete(Function, UnaryOperator)}.
   *
   * <p>It chooses from {@link CompeteSpec#lookAhead} messages. What the channel has not delivered
   * yet has no say, so a channel that knows priorities, or one for each, is needed for a long
   * queue.
   *
   * @param worker the work for one payload
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range
   */
  public <R> Flow<R> priorityDispatch(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<CompeteSpec<Message<T>>> spec) {
    Objects.requireNonNull(spec, "spec");
    return compete(
        worker, options -> spec.apply(options.name("priorityDispatch").readyOrder(BY_PRIORITY)));
  }

  /**
   * Passes messages on in their order, at the rate of the options, and keeps what comes in a peak
   * waiting: {@link LoadLeveling}. A message that comes back from further down passes once more.
   *
   * @param spec the options; a flow drops nothing, so there is {@link Overflow#BACKPRESSURE} and
   *     {@link Overflow#REJECT}
   * @throws IllegalArgumentException if an option is out of range, needs a worker, or drops
   *     messages
   */
  public Flow<T> loadLevel(UnaryOperator<LevelSpec<Message<T>>> spec) {
    return level(LoadLeveling.ofDeliveries(spec));
  }

  /**
   * Works on messages as often, and on as many at once, as the options say, and on none while a
   * circuit breaker is open: {@link LoadLeveling}. Meanwhile no attempt is used up; messages wait,
   * and then their channel does.
   *
   * <p>A failed worker is retried in place by the flow's error policy, then its message goes to the
   * dead letters, unless {@link LevelSpec#onFailure} says otherwise.
   *
   * @param worker the work for one payload
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range, or drops messages
   */
  public <R> Flow<R> loadLevel(
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<LevelSpec<Message<T>>> spec) {
    return level(LoadLeveling.ofDeliveries(worker, spec));
  }

  private <R> Flow<R> level(LeveledDeliveries<T, R> leveled) {
    return step(
        settings.atLeast(leveled.lookAhead()).parks(leveled.workers().parks()),
        (source, scope) -> scope.convoy(leveled.admitted(source), leveled.workers()));
  }

  /**
   * Asks several recipients for each message, and goes on with what a function makes of its payload
   * and their answers: {@link ScatterGather}. As many at once as {@link
   * dev.sluice.gather.ScatterSpec#concurrency} says, in no order.
   *
   * <p>The message is done when what follows from it is. A gather that fails, as an incomplete one
   * does where the scatter says so, is tried again in place by the flow's error policy, with all
   * its recipients; then its message goes to the dead letters. So does a message for which {@code
   * combine} throws or returns null. Recipients may be asked again after a crash, too.
   *
   * @param scatter whom to ask, and what is wanted of them
   * @param combine makes a payload of the old one and what was gathered
   */
  public <R, A> Flow<A> scatterGather(
      ScatterGather<T, R> scatter,
      BiFunction<? super T, ? super Gathered<R>, ? extends A> combine) {
    DeliveryConvoy<T, A> gathers = scatter.ofDeliveries(combine);
    return step(
        settings.atLeast(gathers.lookAhead()), (source, scope) -> scope.convoy(source, gathers));
  }

  /**
   * Lets the most urgent of those messages go first that wait here, and of equally urgent ones the
   * one that came first, whatever their groups: {@link PriorityMerge#prioritize(Comparator,
   * UnaryOperator)}. What stands behind should take no more than it works on, because what has been
   * taken is not reordered any more: give {@link #groupedConvoy} a look-ahead of little more than
   * its concurrency, or use {@link #priorityDispatch}, which chooses when a worker is free.
   *
   * <p>Where the comparator throws, the first of the two messages is settled by the error policy.
   * One that has expired while it waited is rejected.
   *
   * @param mostUrgentFirst negative if its first argument is the more urgent one
   * @param spec the options, from defaults: at most 256 messages wait
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flow<T> prioritize(
      Comparator<? super Message<T>> mostUrgentFirst, UnaryOperator<PrioritizeSpec> spec) {
    return reordering(PriorityMerge.reorderingDeliveries(mostUrgentFirst, spec));
  }

  /**
   * {@link #prioritize(Comparator, UnaryOperator)} by level and age: a message becomes as urgent as
   * the next level after it has waited for {@code agingStep}, so that none waits for ever.
   *
   * @param level the level of a message, from 0, the most urgent, to 63. Where it throws or is out
   *     of range, the message is settled by the error policy
   * @param agingStep the wait that makes up for a level: more than zero, at most 365 days
   * @param spec the options, from defaults: at most 256 messages wait
   * @throws IllegalArgumentException if an option or the step is out of range
   */
  public Flow<T> prioritize(
      ToIntFunction<? super Message<T>> level,
      Duration agingStep,
      UnaryOperator<PrioritizeSpec> spec) {
    return reordering(PriorityMerge.reorderingDeliveries(level, agingStep, spec));
  }

  private Flow<T> reordering(DeliveryReordering<T> reordering) {
    return step(
        settings.atLeast(reordering.window()),
        (source, scope) -> scope.reorder(source, reordering));
  }

  /**
   * Does what follows once for each message, with the default options.
   *
   * @see #idempotent(String, Function, IdempotencyStore, UnaryOperator)
   */
  public Flow<T> idempotent(String scope, IdempotencyStore store) {
    return idempotent(scope, Message::id, store, spec -> spec);
  }

  /**
   * Does what follows once for each key: {@link Idempotent}. The key is in progress from here until
   * the message is settled. When it is acknowledged the store remembers that first, then the
   * channel; until the store does, the message is unsettled. When it is anything else the key is
   * forgotten first, so that it is tried again when the message comes again.
   *
   * <p>A message whose key has been done is acknowledged as a duplicate. One whose key is in
   * progress elsewhere is given back for up to a second, which is not counted as an attempt; where
   * the channel has no {@linkplain dev.sluice.channel.Capability#EXCLUSIVE_GROUPS exclusive groups}
   * later messages of its group may overtake it then. Where they must not, let the worker of a
   * {@link #groupedConvoy} be idempotent instead: {@link Idempotent#run}. While the store is in
   * trouble nothing passes; what is wrong with it for good ends the flow.
   *
   * @param scope what is done, such as {@code charge}, 1 to 100 characters: a name of its own for
   *     each such step
   * @param key what makes two messages duplicates, 1 to 400 characters; an exception of it settles
   *     the message by the error policy
   * @param store what has been done
   * @param spec the options: lease, retention, timeout
   * @throws IllegalArgumentException if the scope or an option is out of range
   */
  public Flow<T> idempotent(
      String scope,
      Function<? super Message<T>, String> key,
      IdempotencyStore store,
      UnaryOperator<IdempotentSpec> spec) {
    DeliveryIdempotent<T> once = Idempotent.ofDeliveries(scope, key, store, spec);
    return step((source, run) -> source.transform(once.onError(run.settings().policy())));
  }

  /**
   * Makes of each message the messages that its payload consists of, one after the other in the
   * order of the publisher; the next message is split when this publisher has completed.
   *
   * <p>The message is acknowledged when all its parts are. When a part fails, the message waits for
   * the others and then gets the worst of their outcomes: it is rejected or comes back as a whole,
   * and its dead letter names the parts that did not succeed ({@code sl-failed-children}). Parts
   * have ids derived from that of the message and their place, so a message that is split again
   * gives the same ids, as long as the function gives the same parts. They keep its group,
   * priority, expiry and headers ({@link Message#child}). Where parts should succeed and fail on
   * their own, send them to a channel of their own.
   *
   * <p>An exception of the function, and an error of its publisher, settle the message by the error
   * policy, once the parts that it had given are settled. The publisher gives parts as fast as they
   * are taken, so it may give any number; it is cancelled when the message is lost. What it waits
   * for, all messages wait for: work that takes its time belongs into {@link #groupedConvoy}, whose
   * workers may give many values too.
   *
   * @param parts the parts of one payload
   */
  public <R> Flow<R> split(Function<? super T, ? extends Publisher<? extends R>> parts) {
    Objects.requireNonNull(parts, "parts");
    return splitMessages(
        message ->
            Flux.from(parts.apply(message.payload()))
                .index((i, part) -> message.child(Long.toString(i), part)));
  }

  /** {@link #split} with parts that are at hand. */
  public <R> Flow<R> splitIterable(Function<? super T, ? extends Iterable<? extends R>> parts) {
    Objects.requireNonNull(parts, "parts");
    return split(payload -> Flux.fromIterable(parts.apply(payload)));
  }

  /**
   * {@link #split} with parts that are messages, so that each may have its own type, group or
   * headers. Make them with {@link Message#child}: the ids should be the same each time.
   *
   * @param parts the parts of one message
   */
  public <R> Flow<R> splitMessages(
      Function<? super Message<T>, ? extends Publisher<? extends Message<? extends R>>> parts) {
    Objects.requireNonNull(parts, "parts");
    return step((source, scope) -> Splitting.split(source, scope, parts));
  }

  /**
   * Collects payloads, with the default options.
   *
   * @see #aggregate(int, Duration, UnaryOperator)
   */
  public Flow<List<T>> aggregate(int maxSize, Duration maxTime) {
    return aggregate(maxSize, maxTime, spec -> spec);
  }

  /**
   * Collects payloads into lists, in the order of their messages, until there are {@code maxSize}
   * or the first has waited for {@code maxTime}. Make of the list what you need with {@link #map}
   * or {@link #groupedConvoy}.
   *
   * <p><img class="marble" src="doc-files/aggregate.svg" alt="Messages are collected until there
   * are enough, or the first has waited long enough, or no more come">
   *
   * <p>What is decided for the list is decided for all its messages: they are acknowledged when the
   * work on the list is done, and retried or rejected together. A message that has expired or was
   * lost while it waited is left out. The list is a message itself: {@link Message#join} says what
   * its id, its expiry and the rest are; when that expires, only the members that have expired are
   * rejected, the others come again.
   *
   * <p>Messages that wait here are unsettled, so the flow takes at least {@code maxSize} times
   * {@code maxOpen} of them from its channel ({@link #maxUnsettled}). A list is closed earlier when
   * a message of one key too many comes ({@link AggregateSpec#by}), when the flow stops, and when
   * as many are unsettled as may be and no list is being worked on, because nothing would come any
   * more: behind a {@link #groupedConvoy}, which lets one message of a group through at a time,
   * that is the usual end.
   *
   * @param maxSize payloads in a list at most, 1..65536
   * @param maxTime more than zero, at most 365 days; those of all aggregates of the flow together
   *     less than the {@link #lease} if the channel has one
   * @param spec the options, from defaults: one list at a time for all messages
   * @throws IllegalArgumentException if an option is out of range, or groups are to be collected
   *     that the channel delivers one message at a time
   */
  public Flow<List<T>> aggregate(
      int maxSize, Duration maxTime, UnaryOperator<AggregateSpec<T>> spec) {
    return aggregateMessages(maxSize, maxTime, spec)
        .map(messages -> messages.stream().<T>map(Message::payload).toList());
  }

  /** {@link #aggregate} with messages in the lists, for those who need their ids or headers. */
  public Flow<List<Message<T>>> aggregateMessages(
      int maxSize, Duration maxTime, UnaryOperator<AggregateSpec<T>> spec) {
    AggregateSpec<T> options = Objects.requireNonNull(spec.apply(AggregateSpec.defaults()), "spec");
    String assembly = LeakDetector.assembly();
    return step(
        settings.collecting(maxSize, maxTime, options),
        (source, scope) -> scope.aggregate(source, maxSize, maxTime, options, assembly));
  }

  /**
   * Stores payloads that are too large for the broker, and puts claims into the messages instead:
   * {@link ClaimCheck}. Payloads are {@code byte[]} or a {@code Publisher<ByteBuffer>}, others are
   * poison. Messages go on in their order, and only when their payload is stored.
   *
   * <p>A payload that cannot be stored settles its message by the error policy, as in {@link #map}.
   * Where {@link #to} follows directly, the payload of a message that was certainly not sent is
   * deleted, and the flow fails when it starts if the target keeps messages for longer than
   * payloads are kept ({@link Outbound#retention}, {@link ClaimSpec#outlives}). What else is left
   * behind is swept when it has expired.
   *
   * @param store where payloads go
   * @param keys signs the claims
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flow<byte[]> claimCheck(PayloadStore store, Keyring keys, UnaryOperator<ClaimSpec> spec) {
    Checker checker = ClaimCheck.checker(store, keys, spec);
    return oneToOne(checker, (source, scope) -> Claims.check(source, scope, checker));
  }

  /**
   * Reads the payloads of claims into their messages: {@link ClaimCheck}. Messages without a claim
   * pass as they are; all go on in their order.
   *
   * <p>A claim that is not honoured, or whose payload is gone, is rejected at once, as {@link
   * dev.sluice.delivery.DeadLetterReason#EXPIRED EXPIRED}, {@link
   * dev.sluice.delivery.DeadLetterReason#CLAIM_LOST CLAIM_LOST} or {@link
   * dev.sluice.delivery.DeadLetterReason#POISON POISON}; its dead letter carries the claim. Trouble
   * of the store settles the message by the error policy, as in {@link #map}.
   *
   * @param store where payloads are
   * @param keys verifies the claims
   * @param spec the options
   * @throws IllegalArgumentException if an option is out of range, or payloads are to be deleted
   *     behind a step that divides messages
   */
  public Flow<byte[]> redeem(PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    Redeemer redeemer = redeemer(store, keys, spec);
    return oneToOne(null, (source, scope) -> Claims.redeem(source, scope, redeemer));
  }

  /**
   * {@link #redeem} without reading: each payload is read when its worker subscribes to it, as a
   * stream. A worker that has begun to read has to read to the end: an acknowledgement before the
   * payload was verified rejects the message. Claims are verified here.
   */
  public Flow<Claimed> redeemLazily(
      PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    Redeemer redeemer = redeemer(store, keys, spec);
    return oneToOne(null, (source, scope) -> Claims.open(source, scope, redeemer));
  }

  private Redeemer redeemer(PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    Redeemer redeemer = ClaimCheck.redeemer(store, keys, spec);
    if (redeemer.deletesOnAck() && settings.isDivided()) {
      throw new IllegalArgumentException(
          "deleteOnAck: behind a step that divides messages (expected: before it, because the"
              + " message may come back when a part was acknowledged)");
    }
    return redeemer;
  }

  /**
   * Shows each message to another channel, with the default options.
   *
   * @see #wireTap(Outbound, UnaryOperator)
   */
  public Flow<T> wireTap(Outbound<? super T> tap) {
    return wireTap(tap, spec -> spec);
  }

  /**
   * Sends a copy of each message to another channel: {@link WireTap}. The message goes on at once,
   * whatever becomes of the copy; when too many copies are on their way, messages go by untapped.
   * What has to arrive is not for a tap: {@link #routeToAll}.
   *
   * @param tap gets the copies, under the ids of the messages
   * @param spec the options, from defaults: 256 messages, 10 s for each
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flow<T> wireTap(Outbound<? super T> tap, UnaryOperator<WireTapSpec> spec) {
    Function<Flux<Delivery<T>>, Flux<Delivery<T>>> line = WireTap.ofDeliveries(tap, spec);
    return oneToOne(null, (source, scope) -> source.transform(line));
  }

  /**
   * The way out of what a flow guarantees: any function of the deliveries as they are at this
   * point. Whoever takes a delivery out of the sequence settles it; whoever makes two of one uses a
   * {@link dev.sluice.delivery.SplitSettlement}; whoever makes one of two a {@link
   * dev.sluice.delivery.JoinSettlement}. Beware of operators of Reactor that drop elements without
   * discarding them, a throwing {@code map} for one, and of those that discard what is not wanted,
   * {@code filter} for one: a discarded delivery is given back and comes again.
   *
   * <p>What is dropped here is found by the {@linkplain dev.sluice.delivery.LeakDetector leak
   * detector} when it has been collected, if it was watched, and at the latest when the flow stops:
   * then its source takes it back.
   */
  public <R> Flow<R> transformDeliveries(
      Function<? super Flux<Delivery<T>>, ? extends Publisher<Delivery<R>>> transformer) {
    Objects.requireNonNull(transformer, "transformer");
    return step((source, scope) -> Flux.from(transformer.apply(source)));
  }

  /**
   * Sends each payload and acknowledges its delivery when the channel has confirmed it. A failed
   * send settles the message by the error policy; one whose outcome is unknown is sent again, so
   * the target may see it twice, under the same id. Sends begin in the order of the deliveries,
   * many on the way at once.
   */
  public RunnableFlow to(Outbound<? super T> target) {
    Objects.requireNonNull(target, "target");
    Outbound<? super T> actual = withdrawing(target);
    Checker claims = settings.claims();
    return new RunnableFlow(
        settings,
        scope -> {
          Flux<Receipt> sent = Sending.sendAll(chain.apply(scope), scope, scope.observed(actual));
          return claims == null ? sent : Claims.outliving(target, claims, sent);
        });
  }

  /**
   * Sends each payload to the first channel whose route accepts its message, and acknowledges the
   * delivery when that has confirmed it, as {@link #to} does. What no route accepts is rejected as
   * {@link dev.sluice.delivery.DeadLetterReason#UNROUTABLE UNROUTABLE}; a predicate that throws
   * settles the message by the error policy.
   *
   * <p>To change the routes while the flow runs, keep the router: {@code to(router)}.
   *
   * @param routes adds the routes to an empty table
   * @see Router
   */
  public RunnableFlow route(UnaryOperator<RoutingTable<T>> routes) {
    return to(Router.firstMatch("route of " + settings.name(), routes));
  }

  /**
   * Sends each payload to every channel whose route accepts its message, and acknowledges the
   * delivery when all of them have confirmed it: a recipient list. When one has not, the message is
   * settled by the error policy, and those that have it get it again with the next attempt, under
   * the same id. Otherwise as {@link #route}.
   *
   * @param routes adds the routes to an empty table
   * @see Router
   */
  public RunnableFlow routeToAll(UnaryOperator<RoutingTable<T>> routes) {
    return to(Router.allMatches("route of " + settings.name(), routes));
  }

  /** Behind a claim check the payloads are bytes, and so are those that the target takes. */
  @SuppressWarnings("unchecked")
  private Outbound<? super T> withdrawing(Outbound<? super T> target) {
    Checker claims = settings.claims();
    return claims == null
        ? target
        : (Outbound<? super T>) new Claims.Withdrawing((Outbound<byte[]>) target, claims);
  }

  /** The flow as it is, to be started later; what reaches the end is acknowledged. */
  public RunnableFlow end() {
    return new RunnableFlow(settings, scope -> chain.apply(scope).doOnNext(scope::acknowledge));
  }

  /**
   * Ends the flow with replies: each message is a request, which is acknowledged when its replies
   * are confirmed. Requests are worked on in no order, as many at once as the replier says.
   *
   * <p>A request that does not say where to reply, or names a channel that the replier may not
   * reply to, is rejected as {@link dev.sluice.delivery.DeadLetterReason#UNROUTABLE} without being
   * worked on. One that has expired, which is how a requester says by when it waits, is rejected as
   * {@link dev.sluice.delivery.DeadLetterReason#EXPIRED}, also when that happens in the middle of
   * the work, which is then cancelled: have a {@link #deadLetter} for them. An error of the answer
   * is a reply, and no failure of the message; a reply that cannot be sent is one, and {@link
   * #onError} says what becomes of the request.
   *
   * @param replier what answers, and where replies may go
   * @return the flow, ready to start
   */
  public RunnableFlow replyWith(Replier<T, ?> replier) {
    Objects.requireNonNull(replier, "replier");
    return ofMessages("replyWith", replier.concurrency(), replier::reply);
  }

  /**
   * Ends the flow with a gather that outlives its processes: each message is a reply to a request
   * that the gather has sent, and is acknowledged when it counts and, if it was the last one
   * wanted, when the result is confirmed and the gather completed.
   *
   * @param gather whose replies these are
   * @return the flow, ready to start
   */
  public RunnableFlow gatherWith(DurableGather<?, ?> gather) {
    Objects.requireNonNull(gather, "gather");
    return ofMessages("gatherWith", gather.concurrency(), message -> gather.reply(bytes(message)));
  }

  /** Ends the flow with work on whole messages, so many at once and in no order. */
  private <R> RunnableFlow ofMessages(
      String name, int concurrency, Function<Message<T>, ? extends Publisher<R>> work) {
    Flow<Message<T>> messages =
        oneToOne(null, (source, scope) -> Steps.map(source, scope, message -> message));
    return messages.compete(work, spec -> spec.name(name).concurrency(concurrency)).end();
  }

  /**
   * Starts the flow as it is; what reaches the end is acknowledged.
   *
   * @return the running flow, to look at and to stop
   * @throws IllegalArgumentException if the options contradict each other
   */
  public FlowHandle start() {
    return end().start();
  }

  private <R> Flow<R> step(BiFunction<Flux<Delivery<T>>, Scope, Flux<Delivery<R>>> step) {
    return step(settings, step);
  }

  private <R> Flow<R> step(
      FlowSettings settings, BiFunction<Flux<Delivery<T>>, Scope, Flux<Delivery<R>>> step) {
    return new Flow<>(settings.divided(), scope -> step.apply(chain.apply(scope), scope));
  }

  /**
   * A step that keeps the settlement of each delivery.
   *
   * @param claims the claim check, if that is the step
   */
  private <R> Flow<R> oneToOne(
      @Nullable Checker claims, BiFunction<Flux<Delivery<T>>, Scope, Flux<Delivery<R>>> step) {
    return new Flow<>(settings.undivided(claims), scope -> step.apply(chain.apply(scope), scope));
  }

  private static <T> Message<byte[]> bytes(Message<T> message) {
    if (message.payload() instanceof byte[] bytes) {
      return message.withPayload(bytes);
    }
    throw new IllegalArgumentException(
        "payload: " + message.payload().getClass().getName() + " (expected: byte[] to decode)");
  }
}
