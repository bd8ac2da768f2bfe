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
package dev.sluice.demo.live;

import dev.sluice.codec.JacksonCodec;
import dev.sluice.codec.UnreadablePayload;
import dev.sluice.demo.Topics;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.bag.LoadedBag;
import dev.sluice.demo.deadletters.DeadLetterTarget;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Reads all three topics from their beginning and keeps the {@link Ledger}: at start up to where
 * they end, so that nothing is forgotten over a crash, then whatever comes. It reads beside the
 * flow, belongs to no group and commits nothing.
 *
 * <p>Threads: the consumer belongs to the starting thread until the topics are rebuilt, then to the
 * audit's own thread. It waits in {@code poll}, which is why it is no Reactor thread.
 */
public final class Audit implements SmartLifecycle {

  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration JOIN = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(Audit.class);

  private final Ledger ledger;
  private final Departures departures;
  private final Consumer<byte[], byte[]> consumer;
  private final JacksonCodec<Bag> bags = JacksonCodec.json(Bag.class);
  private final JacksonCodec<LoadedBag> loadedBags = JacksonCodec.json(LoadedBag.class);
  private final AtomicLong records = new AtomicLong();

  private @Nullable Thread thread;
  private volatile boolean stopping;
  private volatile @Nullable Throwable failure;

  /**
   * @param consumer without a group; the audit closes it
   */
  public Audit(Ledger ledger, Departures departures, Consumer<byte[], byte[]> consumer) {
    this.ledger = ledger;
    this.departures = departures;
    this.consumer = consumer;
  }

  /**
   * How many records the ledger has heard of: as many as there are on the topics, or some fewer.
   */
  public long records() {
    return records.get();
  }

  /** What ended it before it was stopped, or {@code null}. */
  public @Nullable Throwable failure() {
    return failure;
  }

  /** Rebuilds the ledger, then goes on in the background. Returns when the ledger is complete. */
  @Override
  public void start() {
    try {
      rebuild();
    } catch (RuntimeException e) {
      consumer.close();
      throw e;
    }
    Thread follower = new Thread(this::follow, "bag-audit");
    follower.setDaemon(true);
    thread = follower;
    follower.start();
  }

  @Override
  public void stop() {
    Thread follower = thread;
    if (follower == null) {
      return;
    }
    stopping = true;
    consumer.wakeup();
    try {
      follower.join(JOIN.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    thread = null;
  }

  @Override
  public boolean isRunning() {
    return thread != null;
  }

  /** Before the flow, which asks the ledger what is loaded already. */
  @Override
  public int getPhase() {
    return 100;
  }

  private void rebuild() {
    long began = System.nanoTime();
    // Check-ins first: so the end of a bag always finds its beginning.
    readToTheEnd(List.of(Topics.CHECKED_IN));
    readToTheEnd(List.of(Topics.CHECKED_IN, Topics.LOADED, Topics.DEAD_LETTERS));
    log.info(
        "rebuilt from {} records in {} ms: {}",
        records(),
        Duration.ofNanos(System.nanoTime() - began).toMillis(),
        ledger.counters());
  }

  /** Adds what is not assigned yet and reads up to where that ends now. */
  private void readToTheEnd(List<String> topics) {
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : topics) {
      consumer
          .partitionsFor(topic)
          .forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
    }
    List<TopicPartition> added = new ArrayList<>(partitions);
    added.removeAll(consumer.assignment());
    consumer.assign(partitions);
    consumer.seekToBeginning(added);
    Map<TopicPartition, Long> open = new HashMap<>(consumer.endOffsets(added));
    while (true) {
      open.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
      if (open.isEmpty()) {
        return;
      }
      readSome();
    }
  }

  private void follow() {
    try (consumer) {
      while (!stopping) {
        readSome();
      }
    } catch (WakeupException e) {
      if (!stopping) {
        failure = e;
      }
    } catch (RuntimeException e) {
      failure = e;
      log.error("the audit has failed: what it shows stands still", e);
    }
  }

  private void readSome() {
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
      take(record);
      records.incrementAndGet();
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    switch (record.topic()) {
      case Topics.CHECKED_IN -> takeCheckedIn(record);
      case Topics.LOADED -> takeLoaded(record);
      default -> takeDeadLetter(record);
    }
  }

  private void takeCheckedIn(ConsumerRecord<byte[], byte[]> record) {
    long position = RecordPosition.of(record.partition(), record.offset());
    Long sentBack = RecordPosition.parse(header(record, DeadLetterTarget.SENT_BACK));
    if (sentBack != null) {
      ledger.sentBack(sentBack);
    }
    Bag bag;
    try {
      bag = bags.decode(message(record));
    } catch (UnreadablePayload e) {
      ledger.unreadable(position, Instant.ofEpochMilli(Math.max(0, record.timestamp())));
      return;
    }
    Departure departure = departures.find(bag.flight(), bag.date());
    if (departure == null) {
      // Readable, but of no flight: the loading flow rejects it.
      ledger.unreadable(position, bag.checkedInAt());
      return;
    }
    ledger.checkedIn(position, bag.tag(), departure, bag.sequence(), bag.checkedInAt());
  }

  private void takeLoaded(ConsumerRecord<byte[], byte[]> record) {
    try {
      ledger.loaded(loadedBags.decode(message(record)).tag());
    } catch (UnreadablePayload e) {
      log.warn("{}-{}@{} is no loaded bag", record.topic(), record.partition(), record.offset());
    }
  }

  private void takeDeadLetter(ConsumerRecord<byte[], byte[]> record) {
    String named = header(record, "sl-dl-position");
    Long position = RecordPosition.parse(named);
    if (position == null) {
      log.warn("{}-{}@{} is no dead letter", record.topic(), record.partition(), record.offset());
      return;
    }
    ledger.deadLettered(position);
  }

  private static Message<byte[]> message(ConsumerRecord<byte[], byte[]> record) {
    return Message.of(value(record));
  }

  private static byte[] value(ConsumerRecord<byte[], byte[]> record) {
    byte[] value = record.value();
    return value == null ? new byte[0] : value;
  }

  private static @Nullable String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    byte[] value = header == null ? null : header.value();
    return value == null ? null : new String(value, StandardCharsets.UTF_8);
  }
}
