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
package dev.sluice.kafka;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.kafka.PendingSend.HandOver;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sends to a topic, idempotently and in order.
 *
 * <p>The group of a message is the key of its record, so that the messages of a group share a
 * partition and keep their order; a message without a group goes to any partition. A record is
 * confirmed when every replica in sync has it, and the client repeats what it must without making
 * duplicates or changing the order. What is on its way is bounded in bytes.
 *
 * <p>An outbound owns a producer and a thread. Create one per topic, share it, and close it.
 */
public final class KafkaOutbound implements Outbound<byte[]> {

  /** How many receipts {@link #sendAll} holds for a subscriber that does not ask for them. */
  private static final int RECEIPTS_AHEAD = 1024;

  private final String topic;
  private final ProducerLane lane;
  private final int maxRecordBytes;
  private final Mono<Duration> retention;

  KafkaOutbound(KafkaOutboundSpec spec) {
    this(
        spec,
        () ->
            new KafkaProducer<>(
                spec.producerConfig(), new ByteArraySerializer(), new ByteArraySerializer()));
  }

  KafkaOutbound(KafkaOutboundSpec spec, Supplier<Producer<byte[], byte[]>> producers) {
    this.topic = spec.topic();
    this.lane = new ProducerLane(spec, producers);
    this.maxRecordBytes = spec.maxRecordBytes();
    this.retention = Mono.defer(() -> KafkaTopics.retention(spec.adminConfig(), spec.topic()));
  }

  /**
   * An outbound that connects with its first message.
   *
   * @param spec changes the default spec; must give the servers and the topic
   * @return the outbound
   * @throws IllegalArgumentException if the spec is not complete
   */
  public static KafkaOutbound create(UnaryOperator<KafkaOutboundSpec> spec) {
    return new KafkaOutbound(
        Objects.requireNonNull(spec, "spec").apply(KafkaOutboundSpec.DEFAULT).complete());
  }

  @Override
  public String name() {
    return topic;
  }

  /**
   * Sends one message. Messages of one group are appended in the order in which their sends were
   * subscribed to.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, with the position {@code topic-partition@offset}, once the broker has
   *       confirmed the record
   *   <dt>Backpressure
   *   <dd>not applicable to one message; while the bytes on their way are at their bound, the
   *       message waits
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link SendFailed}: permanently for a record that
   *       is too large or otherwise refused as it is, definitely for one that was not handed over,
   *       else with an unknown result, which is known at the latest when the delivery timeout is
   *       over
   *   <dt>Cancel
   *   <dd>a message that waits is not sent; one that was handed to the producer may still arrive
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the outbound, which must not be blocked
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    Objects.requireNonNull(message, "message");
    return handOver(message).flatMap(HandOver::receipt);
  }

  /**
   * What the producer's {@code max.request.size}, or what was given as {@link
   * KafkaOutboundSpec#maxMessageBytes}, leaves of a record beside its key and headers.
   */
  @Override
  public OptionalInt room(Message<?> message) {
    return OptionalInt.of(
        Math.max(0, maxRecordBytes - RecordFormat.sizeWithoutPayload(topic, message)));
  }

  /** The {@code retention.ms} of the topic, as {@link KafkaTopics#retention} tells it. */
  @Override
  public Mono<Duration> retention() {
    return retention;
  }

  /**
   * Sends all messages in their order, as many at once as the bound on bytes lets through.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a receipt for each message, in the order of the messages
   *   <dt>Backpressure
   *   <dd>takes the next message when the last one was handed to the producer, and at most 1024
   *       ahead of the receipts that are asked for
   *   <dt>Completes/Errors
   *   <dd>completes after the last receipt; the first failure, as in {@link #send}, cancels the
   *       rest
   *   <dt>Cancel
   *   <dd>cancels the source; messages handed to the producer may still arrive
   *   <dt>Discard
   *   <dd>receipts not yet emitted
   *   <dt>Threads
   *   <dd>on a thread of the outbound, which must not be blocked
   * </dl>
   */
  @Override
  public Flux<Receipt> sendAll(Publisher<? extends Message<byte[]>> messages) {
    return Flux.from(messages)
        .concatMap(this::handOver, 1)
        .takeUntil(HandOver::refused) // none may overtake it
        .concatMap(HandOver::receipt, RECEIPTS_AHEAD);
  }

  /**
   * Sends what waits, waits for the confirmations, and gives the producer back. Further sends fail.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when all is confirmed or has failed, at the latest about when the delivery
   *       timeout is over; never fails; also for each later subscriber
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the outbound, which must not be blocked
   * </dl>
   */
  public Mono<Void> close() {
    return lane.close();
  }

  /** Emits as soon as the producer has the message, or has refused it. */
  private Mono<HandOver> handOver(Message<byte[]> message) {
    return Mono.create(
        waiting ->
            lane.enqueue(
                new PendingSend(message.id(), RecordFormat.write(topic, message), waiting)));
  }
}
