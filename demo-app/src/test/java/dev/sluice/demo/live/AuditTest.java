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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.Topics;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Stage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AuditTest {

  private static final Node[] NODES = {};

  private final Departures departures = Departures.ofTheWeek();
  private final Ledger ledger = new Ledger(departures, 1_000, new TestClock());
  private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
  private final Audit audit = new Audit(ledger, departures, consumer);
  private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> topics = new HashMap<>();

  @AfterEach
  void stop() {
    audit.stop();
  }

  private void write(String topic, String value, String... headers) {
    List<ConsumerRecord<byte[], byte[]>> records =
        topics.computeIfAbsent(new TopicPartition(topic, 0), t -> new ArrayList<>());
    RecordHeaders all = new RecordHeaders();
    for (int i = 0; i < headers.length; i += 2) {
      all.add(headers[i], headers[i + 1].getBytes(StandardCharsets.UTF_8));
    }
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>(
            topic, 0, records.size(), null, value.getBytes(StandardCharsets.UTF_8));
    all.forEach(record.headers()::add);
    records.add(record);
  }

  private void writeBag(String tag, int sequence) {
    write(
        Topics.CHECKED_IN,
        "{\"tag\":\""
            + tag
            + "\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":"
            + sequence
            + ",\"checkedInAt\":\"2026-01-01T12:00:00Z\"}");
  }

  private void writeLoaded(String tag) {
    write(
        Topics.LOADED,
        "{\"tag\":\"" + tag + "\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":1}");
  }

  /** Each poll of the rebuild finds the next records, one by one. */
  private void start() {
    for (String topic : List.of(Topics.CHECKED_IN, Topics.LOADED, Topics.DEAD_LETTERS)) {
      TopicPartition partition = new TopicPartition(topic, 0);
      List<ConsumerRecord<byte[], byte[]>> records = topics.getOrDefault(partition, List.of());
      consumer.updatePartitions(topic, List.of(new PartitionInfo(topic, 0, null, NODES, NODES)));
      consumer.updateBeginningOffsets(Map.of(partition, 0L));
      consumer.updateEndOffsets(Map.of(partition, (long) records.size()));
      records.forEach(record -> consumer.schedulePollTask(() -> consumer.addRecord(record)));
    }
    audit.start();
  }

  @Test
  void isCompleteWhenItHasStarted() {
    writeBag("0001000001", 1);
    writeBag("0001000002", 2);
    write(Topics.CHECKED_IN, "{\"tag\":\"00010");
    writeLoaded("0001000001");
    write(
        Topics.DEAD_LETTERS,
        "{\"tag\":\"00010",
        "sl-dl-position",
        "bags.checked-in-0@2",
        "sl-dl-reason",
        "UNREADABLE",
        "sl-dl-error",
        "dev.sluice.codec.UnreadablePayload: application/json: line 1",
        "sl-dl-at",
        "2026-01-01T12:00:05Z");

    start();

    assertThat(ledger.counters()).isEqualTo(new Counters(3, 1, 0, 1, 1, 0, 0));
    assertThat(ledger.find("0001000001")).extracting(Ledger.BagView::stage).isEqualTo(Stage.LOADED);
  }

  @Test
  void startsWithEmptyTopics() {
    start();

    assertThat(ledger.counters()).isEqualTo(new Counters(0, 0, 0, 0, 0, 0, 0));
    assertThat(audit.failure()).isNull();
    assertThat(audit.isRunning()).isTrue();
  }

  @Test
  void takesAReadableRecordOfNoFlightForUnreadable() {
    write(
        Topics.CHECKED_IN,
        "{\"tag\":\"0001000001\",\"flight\":\"XX 1\",\"date\":\"2013-07-07\",\"sequence\":1,"
            + "\"checkedInAt\":\"2026-01-01T12:00:00Z\"}");

    start();

    assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));
    assertThat(ledger.find("0001000001")).isNull();
  }

  @Test
  void leavesOutWhatIsNoLoadedBagAndNoDeadLetter() {
    write(Topics.LOADED, "nonsense");
    write(Topics.DEAD_LETTERS, "nonsense");

    start();

    assertThat(ledger.counters()).isEqualTo(new Counters(0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void knowsADeadLetterThatWasSentBack() {
    write(Topics.CHECKED_IN, "{\"tag\":\"00010");
    write(
        Topics.CHECKED_IN,
        "{\"tag\":\"0001000001\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":1,"
            + "\"checkedInAt\":\"2026-01-01T12:00:00Z\"}",
        "sent-back",
        "bags.checked-in-0@0");
    write(Topics.DEAD_LETTERS, "{\"tag\":\"00010", "sl-dl-position", "bags.checked-in-0@0");

    start();

    assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));
  }
}
