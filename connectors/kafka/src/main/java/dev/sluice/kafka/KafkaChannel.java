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

import dev.sluice.Experimental;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A Kafka topic as a channel: received from as a member of a consumer group, sent to with an
 * idempotent producer.
 *
 * <p>Deliveries may be settled in any order. An offset is committed only when every record before
 * it is settled, so a crash repeats some records and loses none. Retry and Release do not go back
 * to the broker: the record is delivered again by this receiver, without giving up its place. A
 * record that is stuck holds up the commits of its partition, and in the end its partition, but no
 * other one.
 *
 * <p>Messages of one group share a partition, hence one consumer, and are delivered in their order;
 * how many of a group are worked on at a time is for the flow to say. Attempts are counted in
 * memory: a crash forgets them.
 *
 * <p>A channel owns a producer and connections. Create one per topic and group, share it, and close
 * it when its subscriptions have ended.
 */
public final class KafkaChannel implements Channel, Metered, Watched {

  private final KafkaChannelSpec spec;
  private final ChannelInfo info;
  private final KafkaOutbound outbound;
  private final KafkaAdmin admin;
  private final KafkaLag lag;
  private final Statistics meters = new Statistics();

  private KafkaChannel(KafkaChannelSpec spec) {
    this.spec = spec;
    this.info = new ChannelInfo(spec.topic(), Set.of(Capability.ORDERED_GROUPS, Capability.DEPTH));
    this.outbound = new KafkaOutbound(spec.outbound());
    this.admin = new KafkaAdmin(spec.adminConfig());
    this.lag = new KafkaLag(admin, spec);
  }

  /**
   * A channel that connects with its first use.
   *
   * @param spec changes the default spec; must give the servers, the topic and the group
   * @return the channel
   * @throws IllegalArgumentException if the spec is not complete
   */
  public static KafkaChannel create(UnaryOperator<KafkaChannelSpec> spec) {
    return new KafkaChannel(
        Objects.requireNonNull(spec, "spec").apply(KafkaChannelSpec.DEFAULT).complete());
  }

  /**
   * Deliveries from the partitions that the group gives to this member.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each record, those of a partition in the order of their offsets, and again
   *       for each that was given back or retried; every one of them must be settled
   *   <dt>Backpressure
   *   <dd>never more than requested; at most {@link ReceiveOptions#maxUnsettled()} deliveries are
   *       out and not yet done; of each partition at most {@link KafkaChannelSpec#highWatermark}
   *       and a poll's records are held
   *   <dt>Completes/Errors
   *   <dd>completes only after {@link ReceiveOptions#stop()} has fired and everything is settled or
   *       the time is over, committed and closed; errors when the group's offset is not there or
   *       not in the log, when the broker refuses, and with {@link
   *       dev.sluice.channel.NoDeadLetterTarget}
   *   <dt>Cancel
   *   <dd>like a stop that allows no time, run detached: what is undecided comes again to the next
   *       member, what was decided still takes effect, within the close timeout
   *   <dt>Discard
   *   <dd>nothing to discard: records become deliveries when they are emitted
   *   <dt>Threads
   *   <dd>on a thread of the subscription that must not be blocked
   * </dl>
   */
  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    return FluxReceive.create(spec, Objects.requireNonNull(options, "options"), meters);
  }

  /**
   * How the subscriptions to this channel stand at the moment: the bounds of each partition and how
   * far they are used, how long the oldest unsettled record has been there, commits, and what was
   * too late. Never blocks; any thread may ask.
   */
  @Experimental
  public KafkaGauges gauges() {
    return meters.read();
  }

  /**
   * The numbers of {@link #gauges()}, over all partitions, tagged with the topic as {@code
   * channel}: {@code sluice.kafka.partitions}, {@code .frontier.lag}, {@code .frontier.stalled},
   * {@code .window.used}, {@code .unsettled}, {@code .unsettled.bytes}, {@code .skipped.ahead} and
   * {@code .commit.failed}, and {@code sluice.settle.redundant} and {@code .stale}.
   */
  @Override
  @Experimental
  public void meters(Meters to) {
    new KafkaMeters(to.with("channel", info.name()), this::gauges).name();
  }

  /**
   * A warning once a record has been unsettled for longer than {@link
   * KafkaChannelSpec#stallWarning}: what follows it in its partition cannot be committed, except
   * ahead of it.
   */
  @Override
  @Experimental
  public @Nullable String warning() {
    return gauges().partitions().stream()
        .max(Comparator.comparing(KafkaGauges.OfPartition::stalledFor))
        .filter(oldest -> oldest.stalledFor().compareTo(spec.stallWarning()) > 0)
        .map(
            oldest ->
                "the record of "
                    + oldest.topic()
                    + "-"
                    + oldest.partition()
                    + " at "
                    + oldest.frontier()
                    + " has been unsettled for "
                    + Duration.ofSeconds(oldest.stalledFor().toSeconds()))
        .orElse(null);
  }

  /**
   * The records between what the group has committed and the end of the topic, over all partitions.
   * Records that are out count, as do those settled since the last commit; markers of transactions
   * count too. Where the group has no offset, or one that is not in the log, the number is what it
   * would receive by {@link KafkaChannelSpec#startAt} and {@link KafkaChannelSpec#outOfRange}; with
   * {@link StartAt#FAIL} all that the log has.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the number
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes with the number, never without; fails with {@link IllegalStateException} when
   *       the topic does not exist, and when the broker refuses or does not answer within 10 s
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   */
  @Override
  public Mono<Long> depth() {
    return lag.lag();
  }

  @Override
  public ChannelInfo info() {
    return info;
  }

  /**
   * Sends one message to the topic.
   *
   * @see KafkaOutbound#send
   */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return outbound.send(message);
  }

  /**
   * Sends all messages to the topic, in their order.
   *
   * @see KafkaOutbound#sendAll
   */
  @Override
  public Flux<Receipt> sendAll(Publisher<? extends Message<byte[]>> messages) {
    return outbound.sendAll(messages);
  }

  /**
   * {@link KafkaOutbound#room}, with the limit that brokers have by default.
   *
   * @see KafkaOutboundSpec#maxMessageBytes
   */
  @Override
  public OptionalInt room(Message<?> message) {
    return outbound.room(message);
  }

  /** {@inheritDoc} As {@link KafkaTopics#retention} tells it. */
  @Override
  public Mono<Duration> retention() {
    return outbound.retention();
  }

  /**
   * Flushes and closes what sends, and the connection that asks for the depth. Subscriptions to
   * {@link #receive} end by themselves, not by this.
   *
   * @return completes when all is closed; never fails
   * @see KafkaOutbound#close
   */
  public Mono<Void> close() {
    return Mono.when(outbound.close(), admin.close());
  }
}
