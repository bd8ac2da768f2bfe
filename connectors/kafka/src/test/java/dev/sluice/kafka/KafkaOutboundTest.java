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

import static dev.sluice.kafka.Broker.await;
import static dev.sluice.kafka.Broker.message;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class KafkaOutboundTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private static KafkaOutbound outbound(String topic) {
    return outbound(topic, spec -> spec);
  }

  private static KafkaOutbound outbound(String topic, UnaryOperator<KafkaOutboundSpec> spec) {
    return KafkaOutbound.create(s -> spec.apply(s.bootstrapServers(Broker.servers()).topic(topic)));
  }

  private static Receipt sent(KafkaOutbound outbound, Message<byte[]> message) {
    return Objects.requireNonNull(outbound.send(message).block(SOON));
  }

  private static SendFailed failure(Mono<Receipt> send) {
    return (SendFailed) Objects.requireNonNull(send.materialize().block(SOON)).getThrowable();
  }

  @Nested
  class Records {

    @Test
    void areReadableForStrangers() {
      String topic = newTopic(1);
      KafkaOutbound outbound = outbound(topic);
      Message<byte[]> message =
          Message.builder("bag".getBytes(StandardCharsets.UTF_8))
              .type("bag.loaded")
              .group("UA 1")
              .header("note", "é")
              .build();
      Receipt receipt = sent(outbound, message);
      assertThat(receipt).isEqualTo(new Receipt(topic, message.id(), topic + "-0@0"));
      assertThat(outbound.name()).isEqualTo(topic);

      ConsumerRecord<byte[], byte[]> record = Broker.read(topic, 1, 1).get(0);
      assertThat(record.value()).isEqualTo(message.payload());
      assertThat(record.key()).isEqualTo("UA 1".getBytes(StandardCharsets.UTF_8));
      assertThat(record.headers().lastHeader("ce_id").value())
          .isEqualTo(message.id().getBytes(StandardCharsets.UTF_8));
      assertThat(record.headers().lastHeader("ce_type").value())
          .isEqualTo("bag.loaded".getBytes(StandardCharsets.UTF_8));
      assertThat(record.headers().lastHeader("note").value())
          .isEqualTo("é".getBytes(StandardCharsets.UTF_8));
      outbound.close().block(SOON);
    }

    /**
     * The limits are those of the client and of the broker: a batch of one record, all included.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofTheSizeThatThereIsRoomForAreTaken(boolean brokerLimits) {
      int limit = 100_000;
      String topic =
          brokerLimits ? Broker.newTopic(1, Map.of("max.message.bytes", "" + limit)) : newTopic(1);
      KafkaOutbound outbound =
          outbound(
              topic,
              spec ->
                  brokerLimits
                      ? spec.maxMessageBytes(limit)
                      : spec.property("max.request.size", limit));
      Message.Builder<byte[]> builder = Message.builder(new byte[0]).group("g".repeat(1000));
      for (int i = 0; i < 50; i++) {
        builder.header("header-" + i, "é".repeat(i));
      }
      Message<byte[]> message = builder.build();
      int room = outbound.room(message).orElseThrow();
      assertThat(room).isBetween(limit - 15_000, limit - 1000);
      sent(outbound, message.withPayload(new byte[room]));
      assertThat(failure(outbound.send(message.withPayload(new byte[room + 1000]))).certainty())
          .isEqualTo(SendFailed.Certainty.PERMANENT);
      outbound.close().block(SOON);
    }

    @Test
    void withoutAGroupHaveNoKey() {
      String topic = newTopic(1);
      KafkaOutbound outbound = outbound(topic);
      sent(outbound, message("x"));
      assertThat(Broker.read(topic, 1, 1).get(0).key()).isNull();
      outbound.close().block(SOON);
    }
  }

  @Nested
  class Order {

    @Test
    void ofSendAllIsThatOfTheMessages() {
      String topic = newTopic(1);
      KafkaOutbound outbound = outbound(topic, s -> s.maxInFlightBytes(10_000));
      List<Receipt> receipts =
          outbound
              .sendAll(Flux.range(0, 2_000).map(i -> message("" + i)))
              .collectList()
              .block(SOON);
      assertThat(receipts)
          .extracting(Receipt::position)
          .containsExactlyElementsOf(
              IntStream.range(0, 2_000).mapToObj(i -> topic + "-0@" + i).toList());
      assertThat(Broker.read(topic, 1, 2_000))
          .extracting(r -> new String(r.value(), StandardCharsets.UTF_8))
          .containsExactlyElementsOf(IntStream.range(0, 2_000).mapToObj(i -> "" + i).toList());
      outbound.close().block(SOON);
    }

    @Test
    void ofSendsIsThatOfTheirSubscriptions() {
      String topic = newTopic(1);
      KafkaOutbound outbound = outbound(topic);
      AtomicInteger confirmed = new AtomicInteger();
      for (int i = 0; i < 500; i++) {
        outbound.send(message("" + i)).subscribe(r -> confirmed.incrementAndGet());
      }
      await("confirmed", () -> confirmed.get() == 500);
      assertThat(Broker.read(topic, 1, 500))
          .extracting(r -> new String(r.value(), StandardCharsets.UTF_8))
          .containsExactlyElementsOf(IntStream.range(0, 500).mapToObj(i -> "" + i).toList());
      outbound.close().block(SOON);
    }
  }

  /** A producer that answers when the test says so. */
  @Nested
  class Window {

    private final MockProducer<byte[], byte[]> producer =
        new MockProducer<>(false, null, new ByteArraySerializer(), new ByteArraySerializer());

    private KafkaOutbound outbound(int bytes) {
      return new KafkaOutbound(
          KafkaOutboundSpec.DEFAULT.topic("t").maxInFlightBytes(bytes), () -> producer);
    }

    private int size(Message<byte[]> message) {
      return RecordFormat.size(RecordFormat.write("t", message));
    }

    @Test
    void boundsTheBytesOnTheirWay() {
      int size = size(message("0"));
      KafkaOutbound outbound = outbound(3 * size + size / 2);
      AtomicInteger confirmed = new AtomicInteger();
      for (int i = 0; i < 8; i++) {
        outbound.send(message("" + i)).subscribe(r -> confirmed.incrementAndGet());
      }
      for (int answered = 0; answered < 8; answered++) {
        int handedOver = Math.min(8, answered + 3);
        await(handedOver + " handed over", () -> producer.history().size() == handedOver);
        assertThat(producer.completeNext()).isTrue();
      }
      await("all confirmed", () -> confirmed.get() == 8);
      assertThat(producer.history().stream().map(ProducerRecord::value).map(String::new))
          .containsExactly("0", "1", "2", "3", "4", "5", "6", "7");
    }

    @Test
    void letsALargerRecordPassAlone() {
      KafkaOutbound outbound = outbound(1);
      AtomicInteger confirmed = new AtomicInteger();
      outbound.send(message("a")).subscribe(r -> confirmed.incrementAndGet());
      outbound.send(message("b")).subscribe(r -> confirmed.incrementAndGet());
      await("the first", () -> producer.history().size() == 1);
      producer.completeNext();
      await("the second", () -> producer.history().size() == 2);
      producer.completeNext();
      await("both", () -> confirmed.get() == 2);
    }

    @Test
    void holdsBackTheSourceOfSendAll() {
      int size = size(message("0"));
      KafkaOutbound outbound = outbound(4 * size);
      AtomicLong taken = new AtomicLong();
      AtomicInteger confirmed = new AtomicInteger();
      Disposable all =
          outbound
              .sendAll(
                  Flux.range(0, 100)
                      .doOnRequest(n -> taken.addAndGet(n))
                      .map(i -> message("" + i % 10)))
              .subscribe(r -> confirmed.incrementAndGet());
      await("a full window", () -> producer.history().size() == 4);
      assertThat(taken).hasValueLessThanOrEqualTo(7); // 4, one that waits, and a prefetch of 1 + 1
      while (confirmed.get() < 100) {
        producer.completeNext();
      }
      await("the end", all::isDisposed);
    }

    @Test
    void forgetsACancelledMessageThatWaits() {
      KafkaOutbound outbound = outbound(1);
      outbound.send(message("a")).subscribe();
      Disposable waiting = outbound.send(message("b")).subscribe();
      AtomicInteger confirmed = new AtomicInteger();
      outbound.send(message("c")).subscribe(r -> confirmed.incrementAndGet());
      await("the first", () -> producer.history().size() == 1);
      waiting.dispose();
      producer.completeNext();
      await("the third", () -> producer.history().size() == 2);
      producer.completeNext();
      await("confirmed", () -> confirmed.get() == 1);
      assertThat(producer.history().stream().map(ProducerRecord::value).map(String::new))
          .containsExactly("a", "c");
    }

    @Test
    void isFlushedByClose() {
      KafkaOutbound outbound = outbound(1);
      List<String> ends = new CopyOnWriteArrayList<>();
      outbound.send(message("a")).subscribe(r -> ends.add("a"));
      outbound.send(message("b")).subscribe(r -> ends.add("b"));
      Mono<Void> close = outbound.close().cache();
      close.subscribe();
      SendFailed late = failure(outbound.send(message("c")));
      assertThat(late.certainty()).isEqualTo(SendFailed.Certainty.NOT_SENT);
      assertThat(late).hasMessage("t: outbound closed (expected: open)");
      await("the first", () -> producer.history().size() == 1);
      producer.completeNext();
      await("the second", () -> producer.history().size() == 2);
      assertThat(producer.closed()).isFalse();
      producer.completeNext();
      close.block(SOON);
      outbound.close().block(SOON);
      assertThat(producer.closed()).isTrue();
      assertThat(ends).containsExactly("a", "b");
    }

    @Test
    void afterAnUnknownResultSaysSo() {
      KafkaOutbound outbound = outbound(1_000_000);
      Mono<Receipt> send = outbound.send(message("a")).cache();
      send.subscribe(r -> {}, e -> {});
      await("handed over", () -> producer.history().size() == 1);
      producer.errorNext(new TimeoutException("expired"));
      SendFailed failed = failure(send);
      assertThat(failed.certainty()).isEqualTo(SendFailed.Certainty.UNKNOWN);
      assertThat(failed.isDefinite()).isFalse();
      assertThat(failed).hasMessage("t: record not confirmed: expired");
    }

    @Test
    void afterARefusalByTheBrokerSaysSo() {
      KafkaOutbound outbound = outbound(1_000_000);
      Map.of(
              new TopicAuthorizationException("not allowed"), SendFailed.Certainty.NOT_SENT,
              new InvalidTopicException("no topic"), SendFailed.Certainty.PERMANENT,
              new OutOfOrderSequenceException("gap"), SendFailed.Certainty.UNKNOWN)
          .forEach(
              (error, certainty) -> {
                int before = producer.history().size();
                Mono<Receipt> send = outbound.send(message("a")).cache();
                send.subscribe(r -> {}, e -> {});
                await("handed over", () -> producer.history().size() > before);
                producer.errorNext((RuntimeException) error);
                assertThat(failure(send).certainty()).isEqualTo(certainty);
              });
    }

    @Test
    void survivesAProducerThatFailsForGood() {
      AtomicInteger made = new AtomicInteger();
      MockProducer<byte[], byte[]> broken =
          new MockProducer<>(true, null, new ByteArraySerializer(), new ByteArraySerializer());
      broken.sendException = new KafkaException("fatal");
      MockProducer<byte[], byte[]> good =
          new MockProducer<>(true, null, new ByteArraySerializer(), new ByteArraySerializer());
      KafkaOutbound outbound =
          new KafkaOutbound(
              KafkaOutboundSpec.DEFAULT.topic("t"),
              () ->
                  switch (made.incrementAndGet()) {
                    case 1 -> throw new KafkaException("no such host");
                    case 2 -> broken;
                    default -> good;
                  });
      assertThat(failure(outbound.send(message("a"))))
          .hasMessage("t: record not taken: no such host");
      SendFailed failed = failure(outbound.send(message("a")));
      assertThat(failed).hasMessage("t: record not taken: fatal");
      assertThat(failed.certainty()).isEqualTo(SendFailed.Certainty.NOT_SENT);
      assertThat(broken.closed()).isTrue();
      assertThat(sent(outbound, message("a")).position()).isEqualTo("t-0@0");
      outbound.close().block(SOON);
      assertThat(good.closed()).isTrue();
    }
  }

  @Nested
  class Failures {

    @Test
    void ofATooLargeRecordNameItsSizeAndTheLimit() {
      String topic = newTopic(1, Map.of("max.message.bytes", "2000"));
      KafkaOutbound outbound = outbound(topic);
      for (int size : new int[] {2_000_000, 3_000}) {
        SendFailed failed = failure(outbound.send(Message.of(new byte[size])));
        assertThat(failed.certainty()).isEqualTo(SendFailed.Certainty.PERMANENT);
        assertThat(failed)
            .hasMessageContaining("record of about " + size / 1000)
            .hasMessageContaining("max.request.size of the producer")
            .hasMessageContaining("max.message.bytes of the topic");
      }
      assertThat(failure(outbound.send(Message.of(new byte[2_000_000]))))
          .hasMessageContaining("larger than 1048576");
      // One that fits goes through afterwards.
      assertThat(sent(outbound, message("x")).position()).isEqualTo(topic + "-0@0");
      outbound.close().block(SOON);
    }

    @Test
    void cancelTheRestOfSendAll() {
      String topic = newTopic(1);
      KafkaOutbound outbound = outbound(topic, s -> s.maxInFlightBytes(1));
      AtomicInteger taken = new AtomicInteger();
      StepVerifier.create(
              outbound.sendAll(
                  Flux.range(0, 100)
                      .doOnNext(i -> taken.incrementAndGet())
                      .map(i -> Message.of(new byte[i == 3 ? 2_000_000 : 10]))))
          .expectNextCount(3)
          .expectErrorSatisfies(
              e ->
                  assertThat(((SendFailed) e).certainty())
                      .isEqualTo(SendFailed.Certainty.PERMANENT))
          .verify(SOON);
      assertThat(taken).hasValueLessThan(10);
      outbound.close().block(SOON);
    }

    @Test
    void ofAnUnreachableBrokerAreDefiniteAndBlockNobody() {
      KafkaOutbound outbound =
          KafkaOutbound.create(
              s ->
                  s.bootstrapServers("127.0.0.1:1")
                      .topic("t")
                      .deliveryTimeout(Duration.ofSeconds(1)));
      SendFailed failed =
          failure(Mono.defer(() -> outbound.send(message("a"))).subscribeOn(Schedulers.parallel()));
      assertThat(failed.certainty()).isEqualTo(SendFailed.Certainty.NOT_SENT);
      assertThat(failed).hasMessageContaining("t: record not taken: ");
      outbound.close().subscribeOn(Schedulers.parallel()).block(SOON);
    }
  }

  @Nested
  class Spec {

    @Test
    void refusesWhatItCannotUse() {
      KafkaOutboundSpec spec = KafkaOutboundSpec.DEFAULT;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.maxInFlightBytes(0))
          .withMessage("maxInFlightBytes: 0 (expected: 1..1073741824)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.deliveryTimeout(Duration.ofMillis(10)))
          .withMessage("deliveryTimeout: PT0.01S (expected: PT1S..PT10M)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.topic(" "))
          .withMessage("topic: \" \" (expected: not blank)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> KafkaOutbound.create(s -> s.topic("t")))
          .withMessage("bootstrapServers: not given (expected: given)");
    }

    @Test
    void passesPropertiesOnButNotThoseOfTheConnector() {
      KafkaOutboundSpec spec = KafkaOutboundSpec.DEFAULT;
      assertThat(spec.property("linger.ms", 50).producerConfig()).containsEntry("linger.ms", 50);
      assertThat(spec.property("fetch.min.bytes", 2).producerConfig())
          .doesNotContainKey("fetch.min.bytes");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.property("acks", "0"))
          .withMessage(
              "client property: acks (expected: one that the connector does not set itself)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.property("sasl.jaas.confg", "secret"))
          .withMessage(
              "client property: sasl.jaas.confg (expected: one of Kafka's consumer, producer or"
                  + " admin)");
    }
  }
}
