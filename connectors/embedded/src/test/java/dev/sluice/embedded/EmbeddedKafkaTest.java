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
package dev.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {

  @Nested
  class Records {

    @Test
    void areConsumedAsTheyWereProduced() throws Exception {
      try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
        kafka.createTopic("bags", 3);
        produce(kafka, "bags", 0, 10);
        assertThat(consume(kafka, "bags", 3, 10)).containsExactlyInAnyOrderElementsOf(bags(10));
      }
    }

    @Test
    void surviveStopAndStartOnTheSameAddress() throws Exception {
      try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
        String address = kafka.bootstrapServers();
        kafka.createTopic("bags", 1);
        produce(kafka, "bags", 0, 5);

        kafka.stop();
        kafka.start();

        assertThat(kafka.bootstrapServers()).isEqualTo(address);
        produce(kafka, "bags", 5, 10);
        assertThat(consume(kafka, "bags", 1, 10)).containsExactlyElementsOf(bags(10));
      }
    }

    @Test
    void surviveANewBrokerOnAPersistentDirectory(@TempDir Path directory) throws Exception {
      Path data = directory.resolve("kafka");
      try (EmbeddedKafka kafka = EmbeddedKafka.create(s -> s.dataDirectory(data)).start()) {
        kafka.createTopic("bags", 1);
        produce(kafka, "bags", 0, 5);
      }
      assertThat(data).isDirectory();
      try (EmbeddedKafka kafka = EmbeddedKafka.create(s -> s.dataDirectory(data)).start()) {
        assertThat(consume(kafka, "bags", 1, 5)).containsExactlyElementsOf(bags(5));
      }
    }
  }

  /** Another process that runs a broker, as a demo does which is then killed. */
  public static final class OtherProcess {
    public static void main(String[] args) throws Exception {
      EmbeddedKafka kafka =
          EmbeddedKafka.create(
                  s -> s.dataDirectory(Path.of(args[0])).port(Integer.parseInt(args[1])))
              .start();
      kafka.createTopic("bags", 1);
      produce(kafka, "bags", 0, 100);
      Files.createFile(Path.of(args[2]));
      Thread.currentThread().join();
    }
  }

  @Nested
  class AfterAKill {

    @Test
    void theSamePortAndDirectoryServeTheSameRecords(@TempDir Path temp) throws Exception {
      Path data = temp.resolve("kafka");
      Path ready = temp.resolve("ready");
      int port = LoopbackPort.free();
      Process other =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  OtherProcess.class.getName(),
                  data.toString(),
                  String.valueOf(port),
                  ready.toString())
              .inheritIO()
              .start();
      try (EmbeddedKafka kafka = EmbeddedKafka.create(s -> s.dataDirectory(data).port(port))) {
        awaitFile(other, ready);
        assertThatIllegalStateException()
            .isThrownBy(kafka::start)
            .withMessageContaining("is in use by another server");

        other.destroyForcibly().waitFor();
        kafka.start();

        assertThat(consume(kafka, "bags", 1, 100)).containsExactlyElementsOf(bags(100));
      } finally {
        other.destroyForcibly();
      }
    }

    private void awaitFile(Process process, Path file) throws Exception {
      Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
      while (!Files.exists(file)) {
        assertThat(process.waitFor(50, TimeUnit.MILLISECONDS))
            .as("the other process ended")
            .isFalse();
        assertThat(Instant.now()).isBefore(deadline);
      }
    }
  }

  @Nested
  class Directory {

    @Test
    void isDeletedByCloseWhenTemporary() {
      EmbeddedKafka kafka = EmbeddedKafka.create().start();
      Path data = kafka.dataDirectory();
      assertThat(data).isNotEmptyDirectory();
      kafka.close();
      assertThat(Files.exists(data)).isFalse();
    }

    @Test
    void isUsedByOneBrokerAtATime(@TempDir Path directory) {
      try (EmbeddedKafka first = EmbeddedKafka.create(s -> s.dataDirectory(directory)).start();
          EmbeddedKafka second = EmbeddedKafka.create(s -> s.dataDirectory(directory))) {
        assertThatIllegalStateException()
            .isThrownBy(second::start)
            .withMessage(
                "data directory: %s is in use by another server (expected: used by one)",
                first.dataDirectory());
        first.stop();
        second.start();
        assertThat(second.bootstrapServers()).isNotEmpty();
      }
    }
  }

  @Nested
  class Address {

    @Test
    void isTheLoopbackAddressAndTheGivenPort() throws Exception {
      int port = LoopbackPort.free();
      try (EmbeddedKafka kafka = EmbeddedKafka.create(s -> s.port(port))) {
        assertThat(kafka.bootstrapServers()).isEqualTo("127.0.0.1:" + port);
      }
    }

    @Test
    void isUnknownBeforeTheFirstStartOnAFreePort() {
      try (EmbeddedKafka kafka = EmbeddedKafka.create()) {
        assertThatIllegalStateException()
            .isThrownBy(kafka::bootstrapServers)
            .withMessage("embedded broker: never started (expected: started once)");
      }
    }

    @Test
    void inUseIsNamedAndTheBrokerStartsOnceItIsFree() throws Exception {
      int port = LoopbackPort.free();
      ServerSocket other = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"));
      try (EmbeddedKafka kafka = EmbeddedKafka.create(s -> s.port(port))) {
        try (other) {
          assertThatIllegalStateException()
              .isThrownBy(kafka::start)
              .withMessage("port: %d is in use on 127.0.0.1 (expected: a free one)", port);
        }
        kafka.start();
        kafka.createTopic("bags", 1);
      }
    }

    @Test
    void isRefusedWhenOutOfRange() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> EmbeddedKafka.create(s -> s.port(65_536)))
          .withMessage("port: 65536 (expected: 0..65535)");
    }
  }

  @Nested
  class Topics {

    @Test
    void areCreatedOnce() {
      try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
        kafka.createTopic("bags", 2);
        kafka.createTopic("bags", 2, Map.of("cleanup.policy", "compact"));
        assertThatIllegalStateException()
            .isThrownBy(() -> kafka.createTopic("bags", 3))
            .withMessage("topic bags: 2 partitions (expected: 3)");
        assertThatIllegalArgumentException()
            .isThrownBy(() -> kafka.createTopic("tags", 0))
            .withMessage("partitions: 0 (expected: >= 1)");
      }
    }
  }

  @Nested
  class Lifecycle {

    @Test
    void repeatsAreHarmlessAndCloseIsFinal() {
      EmbeddedKafka kafka = EmbeddedKafka.create();
      kafka.stop();
      kafka.start().start();
      kafka.stop();
      kafka.stop();
      kafka.close();
      kafka.close();
      assertThatIllegalStateException()
          .isThrownBy(kafka::start)
          .withMessage("embedded broker: closed (expected: not closed yet)");
    }
  }

  private static List<String> bags(int n) {
    return IntStream.range(0, n).mapToObj(i -> "bag-" + i).toList();
  }

  private static void produce(EmbeddedKafka kafka, String topic, int from, int to)
      throws Exception {
    Map<String, Object> config = Map.of("bootstrap.servers", kafka.bootstrapServers());
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int i = from; i < to; i++) {
        producer.send(new ProducerRecord<>(topic, "flight-" + i % 4, "bag-" + i)).get();
      }
    }
  }

  private static List<String> consume(EmbeddedKafka kafka, String topic, int partitions, int n) {
    Map<String, Object> config = Map.of("bootstrap.servers", kafka.bootstrapServers());
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> all =
          IntStream.range(0, partitions).mapToObj(p -> new TopicPartition(topic, p)).toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      List<String> values = new ArrayList<>();
      Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
      while (values.size() < n && Instant.now().isBefore(deadline)) {
        consumer.poll(Duration.ofMillis(100)).forEach(r -> values.add(r.value()));
      }
      return values;
    }
  }
}
