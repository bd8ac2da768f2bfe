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
package dev.sluice.demo;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.HttpMethod;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A process that is killed in mid-stream, and its successor on the same data directory. */
class RestartTest {

  @TempDir Path data;

  private int kafkaPort;
  private AirportClient airport;
  private AirportProcess process;

  @BeforeEach
  void choosePort() throws IOException {
    kafkaPort = AirportProcess.freePort();
  }

  @AfterEach
  void stop() throws InterruptedException {
    if (process != null) {
      process.stop();
    }
  }

  private void start() throws IOException {
    process =
        AirportProcess.start(data, RunningAirport.arguments(data.resolve("data"), kafkaPort, 0, 0));
    airport = process.client();
  }

  private static String tag(int number) {
    return String.format("97%08d", number);
  }

  private JsonNode counters() {
    return airport.frame().path("counters");
  }

  @Test
  void losesNothingKeepsTheOrderAndAbsorbsDuplicates() throws Exception {
    start();
    // A load inside the process, and bags from outside, of which we know what was confirmed.
    airport.send(HttpMethod.POST, "/api/load?rate=500&bags=20000&unreadableShare=0.01");
    List<String> flights =
        airport
            .get("/api/flights")
            .path("flights")
            .valueStream()
            .map(flight -> flight.path("flight").asString())
            .distinct()
            .limit(200)
            .toList();
    ConcurrentLinkedQueue<String> confirmed = new ConcurrentLinkedQueue<>();
    Disposable passengers =
        Flux.range(0, 100_000)
            .flatMap(
                i ->
                    airport
                        .checkIn(tag(i), flights.get(i % flights.size()))
                        .filter(answer -> answer.status() == 201)
                        .doOnNext(answer -> confirmed.add(tag(i)))
                        .onErrorResume(killed -> Mono.never()),
                4)
            .subscribe();
    eventually(
        this::counters, now -> now.path("loaded").asLong() > 1_000 && confirmed.size() > 100);

    process.kill();
    passengers.dispose();
    List<String> promised = List.copyOf(confirmed);
    start();

    JsonNode after = eventually(this::counters, now -> now.path("inFlight").asLong() == 0);
    assertThat(after.path("checkedIn").asLong())
        .isEqualTo(after.path("loaded").asLong() + after.path("deadLettered").asLong())
        .isGreaterThan(1_000L + promised.size());
    assertThat(after.path("outOfOrder").asLong()).isZero();
    JsonNode invariant = airport.frame().path("invariant");
    assertThat(invariant.path("violations").asLong()).isZero();

    for (String tag : promised) {
      assertThat(airport.get("/api/bags/" + tag).path("stage").asString())
          .as("bag %s, confirmed before the kill", tag)
          .isEqualTo("LOADED");
    }
    assertThat(airport.checkIn(tag(0), flights.get(0)).block().status()).isEqualTo(200);
    assertThat(counters().path("checkedIn").asLong()).isEqualTo(after.path("checkedIn").asLong());

    verifyTopics(after);
  }

  /** The same, counted by somebody who does not know the ledger. */
  private void verifyTopics(JsonNode counters) {
    Map<String, List<String>> checkedIn = new HashMap<>();
    long unreadable = 0;
    for (ConsumerRecord<byte[], byte[]> record : read(Topics.CHECKED_IN)) {
      JsonNode bag = jsonOrMissing(record.value());
      if (bag.path("tag").asString("").matches("[0-9]{10}") && bag.path("sequence").isInt()) {
        checkedIn
            .computeIfAbsent(flightOf(bag), f -> new ArrayList<>())
            .add(bag.path("tag").asString());
      } else {
        unreadable++;
      }
    }
    Map<String, Map<String, Integer>> loaded = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : read(Topics.LOADED)) {
      JsonNode bag = jsonOrMissing(record.value());
      loaded
          .computeIfAbsent(flightOf(bag), f -> new LinkedHashMap<>())
          .merge(bag.path("tag").asString(), 1, Integer::sum);
    }

    assertThat(loaded.keySet()).isEqualTo(checkedIn.keySet());
    checkedIn.forEach(
        (flight, tags) ->
            assertThat(loaded.get(flight).keySet()).as(flight).containsExactlyElementsOf(tags));
    assertThat(loaded.values().stream().mapToLong(Map::size).sum())
        .isEqualTo(counters.path("loaded").asLong());
    assertThat(unreadable).isPositive().isEqualTo(counters.path("deadLettered").asLong());
    assertThat(
            read(Topics.DEAD_LETTERS).stream()
                .map(record -> header(record, "sl-dl-position"))
                .distinct())
        .hasSize((int) unreadable);
  }

  private List<ConsumerRecord<byte[], byte[]>> read(String topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, "127.0.0.1:" + kafkaPort),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream()
          .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }

  private static String flightOf(JsonNode bag) {
    return bag.path("flight").asString() + ' ' + bag.path("date").asString();
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  private static JsonNode jsonOrMissing(byte[] value) {
    try {
      return JsonMapper.shared().readTree(value);
    } catch (JacksonException e) {
      return JsonMapper.shared().missingNode();
    }
  }
}
