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
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.jspecify.annotations.Nullable;

/**
 * Which topic a {@link KafkaChannel} receives from and sends to, and how.
 *
 * <p>Immutable: each method returns a changed copy. {@link #bootstrapServers}, {@link #topic} and
 * {@link #group} must be given.
 */
public final class KafkaChannelSpec {

  static final KafkaChannelSpec DEFAULT = new KafkaChannelSpec(new Draft());

  private static final Duration SESSION = Duration.ofSeconds(6);

  private static final Set<String> CLASSIC_ONLY =
      Set.of(
          ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
          ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG);

  private final Draft values;

  private KafkaChannelSpec(Draft values) {
    this.values = values;
  }

  /**
   * The brokers to begin with, {@code host:port,host:port}.
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaChannelSpec bootstrapServers(String bootstrapServers) {
    return with(d -> d.outbound = d.outbound.bootstrapServers(bootstrapServers));
  }

  /**
   * The topic, which must exist (see {@link KafkaTopics#ensure}).
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaChannelSpec topic(String topic) {
    return with(d -> d.outbound = d.outbound.topic(topic));
  }

  /**
   * The consumer group: each of its members receives a share of the partitions, and together they
   * remember how far they have come.
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaChannelSpec group(String group) {
    return with(d -> d.group = Require.notBlank("group", group));
  }

  /**
   * Makes the receiver a static member of its group: after a crash it takes its partitions over at
   * once, without waiting for the session of its former life to end. No two receivers of a group
   * may use the same id at the same time: the older one fails. With {@link GroupProtocol#CONSUMER}
   * the newer one fails instead, also with the id of a receiver that crashed, until that one's
   * session has ended. Defaults to none.
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaChannelSpec instanceId(String instanceId) {
    return with(d -> d.instanceId = Require.notBlank("instanceId", instanceId));
  }

  /**
   * How the members of the group share the partitions. All members should use the same one; a group
   * that is empty can change it. Defaults to {@link GroupProtocol#CLASSIC}.
   */
  @Experimental
  public KafkaChannelSpec groupProtocol(GroupProtocol protocol) {
    return with(d -> d.groupProtocol = Objects.requireNonNull(protocol, "protocol"));
  }

  /**
   * Where a group begins in a partition without a committed offset. Defaults to {@link
   * StartAt#EARLIEST}.
   */
  public KafkaChannelSpec startAt(StartAt startAt) {
    return with(d -> d.startAt = Objects.requireNonNull(startAt, "startAt"));
  }

  /**
   * Where a partition goes on if the log does not hold the offset that is to be read next: its
   * retention has deleted records before they were read, or it was cut off and is read anew. Either
   * way records may have been lost, so that by default the receiver fails and names the offsets.
   * Defaults to {@link StartAt#FAIL}.
   */
  public KafkaChannelSpec outOfRange(StartAt goOnAt) {
    return with(d -> d.outOfRange = Objects.requireNonNull(goOnAt, "goOnAt"));
  }

  /**
   * How many records of one partition may follow the oldest unsettled one before that partition is
   * paused; it goes on at half of it. The others are not affected. Defaults to 4096.
   *
   * @param records 1 to 1 000 000
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec highWatermark(int records) {
    return with(d -> d.highWatermark = Require.between("highWatermark", records, 1, 1_000_000));
  }

  /**
   * How many bytes the unsettled records of one partition may take before it is paused; it goes on
   * at half of it. A partition can pass it by what a poll brings. Defaults to 16 MiB.
   *
   * @param bytes 1 to 1 GiB
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec highWatermarkBytes(int bytes) {
    return with(
        d ->
            d.highWatermarkBytes =
                Require.between("highWatermarkBytes", bytes, 1, 1024 * 1024 * 1024));
  }

  /**
   * How many records a poll takes at most, from all partitions together. A partition can pass its
   * high watermark by so many. Defaults to 500.
   *
   * @param records 1 to 100 000
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec maxPollRecords(int records) {
    return with(d -> d.maxPollRecords = Require.between("maxPollRecords", records, 1, 100_000));
  }

  /**
   * How often offsets are committed. A crash repeats what was settled since. Defaults to 1 s.
   *
   * @param interval 1 ms to 1 h
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec commitInterval(Duration interval) {
    return with(
        d ->
            d.commitInterval =
                Times.between(
                    "commitInterval", interval, Duration.ofMillis(1), Duration.ofHours(1)));
  }

  /**
   * After how many offsets they are committed before the interval is over. Defaults to 500.
   *
   * @param offsets 1 or more
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec commitEvery(int offsets) {
    return with(d -> d.commitEvery = Require.between("commitEvery", offsets, 1, Integer.MAX_VALUE));
  }

  /**
   * How many bytes a commit may take to say which records are settled although an older one is not.
   * The next owner of the partition does not deliver those again: a single record that is stuck for
   * long does not make a crash repeat thousands. What does not fit is repeated. Defaults to 3000.
   *
   * @param bytes 0 to 32 767; 0 saves nothing and believes nothing. More than the broker takes
   *     ({@code offset.metadata.max.bytes}, 4096 unless configured) is as good as 0
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec ackAheadMap(int bytes) {
    return with(d -> d.ackAheadMap = Require.between("ackAheadMap", bytes, 0, Short.MAX_VALUE));
  }

  /**
   * How often the offset of a partition in which nothing happens is committed once more, so that
   * the broker does not forget it. Must be less than what the broker keeps it for ({@code
   * offsets.retention.minutes}, a week unless configured). Defaults to 1 day.
   *
   * @param interval 1 s to 30 days
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec refreshOffsets(Duration interval) {
    return with(
        d ->
            d.refreshOffsets =
                Times.between(
                    "refreshOffsets", interval, Duration.ofSeconds(1), Duration.ofDays(30)));
  }

  /**
   * How long a partition that goes to another member waits for its deliveries that are out. What is
   * settled in this time is not delivered twice; the rest is lost to the new owner. Defaults to 3
   * s.
   *
   * @param drain zero to 1 min
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec revokeDrain(Duration drain) {
    return with(
        d ->
            d.revokeDrain =
                Times.between("revokeDrain", drain, Duration.ZERO, Duration.ofMinutes(1)));
  }

  /**
   * After how long without a sign of life a member loses its partitions. Defaults to 6 s, so that
   * another one takes over quickly. Only for {@link GroupProtocol#CLASSIC}; otherwise the broker
   * says ({@code group.consumer.session.timeout.ms}, or that of the group).
   *
   * @param timeout 1 s to 30 min; the broker has bounds of its own
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec sessionTimeout(Duration timeout) {
    return with(
        d ->
            d.sessionTimeout =
                Times.between(
                    "sessionTimeout", timeout, Duration.ofSeconds(1), Duration.ofMinutes(30)));
  }

  /**
   * How long the end of a receiver may take once its deliveries are settled: dead letters that are
   * on their way, the last commit, leaving the group. Defaults to 5 s.
   *
   * @param timeout 100 ms to 1 min
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec closeTimeout(Duration timeout) {
    return with(
        d ->
            d.closeTimeout =
                Times.between(
                    "closeTimeout", timeout, Duration.ofMillis(100), Duration.ofMinutes(1)));
  }

  /**
   * For how long a record may stay unsettled, keeping the commits of its partition behind it, until
   * {@link KafkaChannel#warning()} says so. Longer than the longest work and its retries take.
   * Defaults to 5 min.
   *
   * @param age 1 s to 30 days
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaChannelSpec stallWarning(Duration age) {
    return with(
        d ->
            d.stallWarning =
                Times.between("stallWarning", age, Duration.ofSeconds(1), Duration.ofDays(30)));
  }

  /**
   * How many bytes may be on the way to the broker.
   *
   * @see KafkaOutboundSpec#maxInFlightBytes
   */
  public KafkaChannelSpec maxInFlightBytes(int bytes) {
    return with(d -> d.outbound = d.outbound.maxInFlightBytes(bytes));
  }

  /**
   * After what time without a confirmation a send fails.
   *
   * @see KafkaOutboundSpec#deliveryTimeout
   */
  public KafkaChannelSpec deliveryTimeout(Duration timeout) {
    return with(d -> d.outbound = d.outbound.deliveryTimeout(timeout));
  }

  /**
   * A property of Kafka's consumer, producer or admin client, for example for encryption and
   * authentication; each client gets those it knows.
   *
   * @throws IllegalArgumentException if none of them knows it, or if the connector sets it itself,
   *     such as {@code enable.auto.commit}
   */
  public KafkaChannelSpec property(String name, Object value) {
    return with(d -> d.outbound = d.outbound.property(name, value));
  }

  /** This spec, if it is complete. */
  KafkaChannelSpec complete() {
    values.outbound.complete();
    Require.given("group", values.group);
    if (values.groupProtocol == GroupProtocol.CONSUMER) {
      if (values.sessionTimeout != null) {
        throw new IllegalArgumentException(
            "sessionTimeout: "
                + values.sessionTimeout
                + " (expected: not given, since with the group protocol CONSUMER the broker says)");
      }
      values.outbound.properties().requireNone(CLASSIC_ONLY, "the group protocol CLASSIC");
    }
    return this;
  }

  GroupProtocol groupProtocol() {
    return values.groupProtocol;
  }

  KafkaOutboundSpec outbound() {
    return values.outbound;
  }

  String topic() {
    return values.outbound.topic();
  }

  String group() {
    return values.group;
  }

  StartAt startAt() {
    return values.startAt;
  }

  StartAt outOfRange() {
    return values.outOfRange;
  }

  int highWatermark() {
    return values.highWatermark;
  }

  int highWatermarkBytes() {
    return values.highWatermarkBytes;
  }

  int maxPollRecords() {
    return values.maxPollRecords;
  }

  Duration commitInterval() {
    return values.commitInterval;
  }

  int commitEvery() {
    return values.commitEvery;
  }

  int ackAheadMap() {
    return values.ackAheadMap;
  }

  Duration refreshOffsets() {
    return values.refreshOffsets;
  }

  Duration revokeDrain() {
    return values.revokeDrain;
  }

  Duration closeTimeout() {
    return values.closeTimeout;
  }

  Duration stallWarning() {
    return values.stallWarning;
  }

  Map<String, Object> consumerConfig() {
    Map<String, Object> config = new HashMap<>();
    boolean classic = values.groupProtocol == GroupProtocol.CLASSIC;
    int session = (int) Objects.requireNonNullElse(values.sessionTimeout, SESSION).toMillis();
    if (classic) {
      config.put(
          ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
          CooperativeStickyAssignor.class.getName());
      config.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, Math.min(1_000, session / 3));
    }
    // Kafka's 500 ms stall a fetch for all partitions when only some of them have records.
    config.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20);
    values.outbound.properties().addToConsumer(config);
    config.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, values.outbound.bootstrapServers());
    config.put(ConsumerConfig.GROUP_ID_CONFIG, values.group);
    if (values.instanceId != null) {
      config.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, values.instanceId);
    }
    if (classic) {
      config.put(CommonClientConfigs.SESSION_TIMEOUT_MS_CONFIG, session);
    } else {
      config.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, "consumer");
    }
    config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    config.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, values.maxPollRecords);
    return config;
  }

  Map<String, Object> adminConfig() {
    Map<String, Object> config = new HashMap<>();
    values.outbound.properties().addToAdmin(config);
    config.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, values.outbound.bootstrapServers());
    return config;
  }

  private KafkaChannelSpec with(Consumer<Draft> change) {
    Draft draft = new Draft(values);
    change.accept(draft);
    return new KafkaChannelSpec(draft);
  }

  /** Written while a spec is made from another one, and never again. */
  private static final class Draft {
    KafkaOutboundSpec outbound = KafkaOutboundSpec.DEFAULT;
    String group = "";
    @Nullable String instanceId;
    GroupProtocol groupProtocol = GroupProtocol.CLASSIC;
    StartAt startAt = StartAt.EARLIEST;
    StartAt outOfRange = StartAt.FAIL;
    int highWatermark = 4096;
    int highWatermarkBytes = 16 * 1024 * 1024;
    int maxPollRecords = 500;
    Duration commitInterval = Duration.ofSeconds(1);
    int commitEvery = 500;
    int ackAheadMap = 3000;
    Duration refreshOffsets = Duration.ofDays(1);
    Duration revokeDrain = Duration.ofSeconds(3);
    @Nullable Duration sessionTimeout;
    Duration closeTimeout = Duration.ofSeconds(5);
    Duration stallWarning = Duration.ofMinutes(5);

    Draft() {}

    Draft(Draft other) {
      outbound = other.outbound;
      group = other.group;
      instanceId = other.instanceId;
      groupProtocol = other.groupProtocol;
      startAt = other.startAt;
      outOfRange = other.outOfRange;
      highWatermark = other.highWatermark;
      highWatermarkBytes = other.highWatermarkBytes;
      maxPollRecords = other.maxPollRecords;
      commitInterval = other.commitInterval;
      commitEvery = other.commitEvery;
      ackAheadMap = other.ackAheadMap;
      refreshOffsets = other.refreshOffsets;
      revokeDrain = other.revokeDrain;
      sessionTimeout = other.sessionTimeout;
      closeTimeout = other.closeTimeout;
      stallWarning = other.stallWarning;
    }
  }
}
