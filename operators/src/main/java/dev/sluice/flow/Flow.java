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

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.message.Message;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

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

  private final FlowSettings settings;
  private final Function<FlowRun, Flux<Delivery<T>>> chain;

  private Flow(FlowSettings settings, Function<FlowRun, Flux<Delivery<T>>> chain) {
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
    return new Flow<>(FlowSettings.defaults(source), FlowRun::deliveries);
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

  /** The clock that tells whether a message has expired. Defaults to the system's in UTC. */
  public Flow<T> clock(Clock clock) {
    return new Flow<>(settings.clock(clock), chain);
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
    return step(run -> message -> codec.decode(bytes(message)));
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
    return step(run -> message -> mapper.apply(message.payload()));
  }

  /**
   * Lets through what the predicate accepts; the rest is acknowledged as filtered. An exception
   * settles the message by the error policy, as in {@link #map}.
   */
  public Flow<T> filter(Predicate<? super T> predicate) {
    Objects.requireNonNull(predicate, "predicate");
    return new Flow<>(
        settings,
        run ->
            chain
                .apply(run)
                .<Delivery<T>>handle((delivery, sink) -> run.filter(delivery, predicate, sink)));
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
    return new Flow<>(settings.atLeast(convoy.lookAhead()), run -> run.convoy(chain, convoy));
  }

  /**
   * Sends each payload and acknowledges its delivery when the channel has confirmed it. A failed
   * send settles the message by the error policy; one whose outcome is unknown is sent again, so
   * the target may see it twice, under the same id. Sends begin in the order of the deliveries,
   * many on the way at once.
   */
  public RunnableFlow to(Outbound<? super T> target) {
    Objects.requireNonNull(target, "target");
    return new RunnableFlow(
        settings,
        run ->
            chain
                .apply(run)
                .flatMap(
                    delivery -> run.send(delivery, target),
                    run.settings().effectiveMaxUnsettled(),
                    1));
  }

  /**
   * Starts the flow as it is; what reaches the end is acknowledged.
   *
   * @return the running flow, to look at and to stop
   * @throws IllegalArgumentException if the options contradict each other
   */
  public FlowHandle start() {
    return new RunnableFlow(settings, run -> chain.apply(run).doOnNext(run::acknowledge)).start();
  }

  private <R> Flow<R> step(Function<FlowRun, Function<Message<T>, ? extends R>> function) {
    return new Flow<>(
        settings,
        run -> {
          Function<Message<T>, ? extends R> mapper = function.apply(run);
          return chain
              .apply(run)
              .<Delivery<R>>handle((delivery, sink) -> run.map(delivery, mapper, sink));
        });
  }

  private static <T> Message<byte[]> bytes(Message<T> message) {
    if (message.payload() instanceof byte[] bytes) {
      return message.withPayload(bytes);
    }
    throw new IllegalArgumentException(
        "payload: " + message.payload().getClass().getName() + " (expected: byte[] to decode)");
  }
}
