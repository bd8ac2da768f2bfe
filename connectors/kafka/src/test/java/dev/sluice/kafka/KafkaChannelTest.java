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
import static dev.sluice.kafka.Broker.committed;
import static dev.sluice.kafka.Broker.committedByPartition;
import static dev.sluice.kafka.Broker.fill;
import static dev.sluice.kafka.Broker.message;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.Capability;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnreleasedInstanceIdException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

@ExtendWith(LeakCheck.class)
class KafkaChannelTest {

  final GroupProtocol protocol = protocol();

  GroupProtocol protocol() {
    return GroupProtocol.CLASSIC;
  }

  private KafkaChannel channel(String topic) {
    return channel(topic, s -> s);
  }

  private KafkaChannel channel(String topic, UnaryOperator<KafkaChannelSpec> spec) {
    return Broker.channel(topic, s -> spec.apply(s.groupProtocol(protocol)));
  }

  private static final Duration SOON = Duration.ofSeconds(30);

  private static void ack(Delivery<byte[]> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  @Nested
  class Deliveries {

    @Test
    void carryTheMessageThatWasSent() {
      String topic = newTopic(1);
      KafkaChannel channel = channel(topic);
      Message<byte[]> sent =
          Message.builder("bag".getBytes(StandardCharsets.UTF_8))
              .type("bag.checked-in")
              .contentType("text/plain")
              .group("UA 123")
              .priority(7)
              .header("note", "zerbrechlich – fragile")
              .build();
      Receipt receipt = channel.send(sent).block(SOON);
      try (Member member = Member.holding(channel).awaitCount(1)) {
        Delivery<byte[]> delivery = member.deliveries().get(0);
        assertThat(delivery.message()).isEqualTo(sent);
        Origin origin = delivery.origin();
        assertThat(origin.channel()).isEqualTo(topic);
        assertThat(origin.position()).isEqualTo(receipt.position()).isEqualTo(topic + "-0@0");
        assertThat(origin.attempt()).isEqualTo(1);
        assertThat(origin.epoch()).isPositive();
        assertThat(delivery.settlement()).hasToString(topic + "-0@0 (attempt 1)");
        assertThat(member.thread()).startsWith("sluice-kafka-" + topic);
      }
      channel.close().block(SOON);
    }

    @Test
    void comeFromStrangersToo() {
      String topic = newTopic(1);
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer()) {
        byte[] key = {(byte) 0xFF, 0};
        producer.send(new ProducerRecord<>(topic, null, "plain".getBytes(StandardCharsets.UTF_8)));
        producer.send(new ProducerRecord<>(topic, "k".getBytes(StandardCharsets.UTF_8), null));
        ProducerRecord<byte[], byte[]> poison = new ProducerRecord<>(topic, key, new byte[0]);
        poison.headers().add("ce_id", new byte[] {(byte) 0xC3});
        poison.headers().add("sl-priority", "many".getBytes(StandardCharsets.UTF_8));
        poison.headers().add("", new byte[100_000]);
        poison.headers().add("x", null);
        for (int i = 0; i < 1_000; i++) {
          poison.headers().add("h" + i, "\0".getBytes(StandardCharsets.UTF_8));
        }
        producer.send(poison);
      }
      KafkaChannel channel = channel(topic);
      List<Message<byte[]>> first;
      try (Member member = Member.holding(channel).awaitCount(3)) {
        first = member.deliveries().stream().map(Delivery::message).toList();
        assertThat(first.get(0).group()).isNull();
        assertThat(first.get(1).group()).isEqualTo("k");
        assertThat(first.get(1).payload()).isEmpty();
        assertThat(first.get(2).group()).isEqualTo("base64:/wA=");
        assertThat(first.get(2).headers().get("sl-malformed")).contains("ce_id", "x", "h0");
      }
      try (Member again = Member.holding(channel).awaitCount(3)) {
        // Ids that were made up are the same in the next life.
        assertThat(again.deliveries().stream().map(Delivery::message).toList()).isEqualTo(first);
      }
    }

    @Test
    void keepTheOrderOfAGroup() {
      String topic = newTopic(4);
      KafkaChannel channel = channel(topic);
      channel
          .sendAll(Flux.range(0, 3_000).map(i -> message("" + i).withGroup("g" + i % 31)))
          .then()
          .block(SOON);
      try (Member member = Member.acking(channel).awaitCount(3_000)) {
        Map<String, List<Integer>> byGroup =
            member.deliveries().stream()
                .map(Delivery::message)
                .collect(
                    Collectors.groupingBy(
                        m -> String.valueOf(m.group()),
                        Collectors.mapping(
                            m -> Integer.parseInt(Broker.text(m)), Collectors.toList())));
        assertThat(byGroup).hasSize(31);
        byGroup.values().forEach(numbers -> assertThat(numbers).isSorted());
      }
      channel.close().block(SOON);
    }

    @Test
    void ofALargeRecordAreWhole() {
      String topic = newTopic(1, Map.of("max.message.bytes", "5000000"));
      KafkaChannel channel = channel(topic, s -> s.property("max.request.size", 5_000_000));
      byte[] payload = new byte[3_000_000];
      new Random(1).nextBytes(payload);
      channel.send(Message.of(payload)).block(SOON);
      try (Member member = Member.holding(channel).awaitCount(1)) {
        assertThat(member.deliveries().get(0).message().payload()).isEqualTo(payload);
      }
      channel.close().block(SOON);
    }

    @Test
    void skipWhatIsMissingFromTheLog() {
      String topic = newTopic(1);
      Map<String, Object> config =
          Map.of("bootstrap.servers", Broker.servers(), "transactional.id", topic);
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer(config)) {
        producer.initTransactions();
        for (int i = 0; i < 6; i++) {
          producer.beginTransaction();
          producer.send(new ProducerRecord<>(topic, new byte[] {(byte) ('0' + i)}));
          if (i % 2 == 0) {
            producer.commitTransaction();
          } else {
            producer.abortTransaction();
          }
        }
      }
      KafkaChannel channel = channel(topic, s -> s.property("isolation.level", "read_committed"));
      try (Member member = Member.acking(channel).awaitCount(3)) {
        assertThat(member.texts()).containsExactly("0", "2", "4");
        // Six records and six markers: all of them are behind the group.
        await("lag 0", () -> channel.depth().block(SOON) == 0);
      }
      channel.close().block(SOON);
    }
  }

  @Nested
  class Settling {

    @Test
    void inAnyOrderCommitsWhatIsContiguous() {
      String topic = newTopic(1);
      fill(topic, 1, 10);
      try (Member member = Member.holding(channel(topic)).awaitCount(10)) {
        for (int i : new int[] {9, 4, 2, 1, 3}) {
          ack(member.deliveries().get(i));
        }
        assertThat(committed(topic)).isZero();
        ack(member.deliveries().get(0));
        await("0..4 committed", () -> committed(topic) == 5);
        member.stop(Duration.ZERO);
        assertThat(committed(topic)).isEqualTo(5);
      }
      fill(topic, 1, 1);
      // 9 was settled ahead, which the next member knows.
      try (Member next = Member.holding(channel(topic)).awaitCount(5)) {
        assertThat(next.texts()).containsExactly("5", "6", "7", "8", "0");
      }
    }

    @Test
    void byRetryDeliversAgainWithACountedAttempt() {
      String topic = newTopic(1);
      fill(topic, 1, 3);
      try (Member member =
          Member.handling(
              channel(topic),
              d -> {
                boolean retry = Broker.text(d.message()).equals("1") && d.origin().attempt() < 3;
                d.settlement().settle(retry ? Outcome.retry(Duration.ZERO, null) : Outcome.ack());
              })) {
        await("all committed", () -> committed(topic) == 3);
        assertThat(
                member.deliveries().stream()
                    .filter(d -> Broker.text(d.message()).equals("1"))
                    .map(d -> d.origin().attempt()))
            .containsExactly(1, 2, 3);
        assertThat(member.count()).isEqualTo(5);
      }
    }

    @Test
    void byReleaseDeliversAgainWithoutCounting() {
      String topic = newTopic(1);
      fill(topic, 1, 3);
      AtomicInteger releases = new AtomicInteger();
      try (Member member =
          Member.handling(
              channel(topic),
              d -> {
                boolean release =
                    Broker.text(d.message()).equals("0") && releases.incrementAndGet() < 3;
                d.settlement()
                    .settle(
                        release
                            ? new Outcome.Release(Outcome.Release.Why.BUSY, Duration.ofMillis(1))
                            : Outcome.ack());
              })) {
        await("all committed", () -> committed(topic) == 3);
        assertThat(member.count()).isEqualTo(5);
        assertThat(member.deliveries()).allMatch(d -> d.origin().attempt() == 1);
      }
    }

    @Test
    void givesBackInTheOrderOfTheOffsets() {
      String topic = newTopic(1);
      fill(topic, 1, 50);
      KafkaChannel channel = channel(topic);
      try (Member member =
          Member.join(channel, o -> o.maxUnsettled(20), Long.MAX_VALUE, d -> {}).awaitCount(20)) {
        List<Delivery<byte[]>> first = new ArrayList<>(member.deliveries());
        Collections.shuffle(first.subList(1, 20), new Random(7));
        // The first stays out, so that the records given back pile up behind it.
        first
            .subList(1, 20)
            .forEach(d -> d.settlement().settle(Outcome.release(Outcome.Release.Why.BUSY)));
        member.awaitCount(39);
        Set<String> again = new HashSet<>(member.texts().subList(20, 39));
        assertThat(again)
            .isEqualTo(
                IntStream.range(1, 20).mapToObj(String::valueOf).collect(Collectors.toSet()));
      }
    }

    @Test
    void countsOnceAndRefusesTheRest() {
      String topic = newTopic(1);
      fill(topic, 1, 1);
      try (Member member = Member.holding(channel(topic)).awaitCount(1)) {
        Settlement settlement = member.deliveries().get(0).settlement();
        assertThat(settlement.settle(Outcome.ack())).isTrue();
        assertThat(settlement.settle(Outcome.retry(Duration.ZERO, null))).isFalse();
        await("committed", () -> committed(topic) == 1);
        assertThat(member.count()).isEqualTo(1);
      }
    }

    @Test
    void isDurableWhenAnOffsetBeyondIsCommitted() {
      String topic = newTopic(1);
      fill(topic, 1, 2);
      try (Member member = Member.holding(channel(topic)).awaitCount(2)) {
        Settlement first = member.deliveries().get(0).settlement();
        Settlement second = member.deliveries().get(1).settlement();
        AtomicBoolean durable = new AtomicBoolean();
        second.durable().subscribe(v -> {}, e -> {}, () -> durable.set(true));
        second.settle(Outcome.ack());
        assertThat(durable).isFalse();
        first.settle(Outcome.ack());
        first.durable().block(SOON);
        second.durable().block(SOON);
        await("the one who waited first", durable::get);
        assertThat(committed(topic)).isEqualTo(2);
      }
    }

    @Test
    void isLostWhenTheMemberEndsFirst() {
      String topic = newTopic(1);
      fill(topic, 1, 2);
      try (Member member = Member.holding(channel(topic)).awaitCount(2)) {
        Settlement open = member.deliveries().get(0).settlement();
        Settlement ahead = member.deliveries().get(1).settlement();
        ahead.settle(Outcome.ack());
        Mono<Void> durable = ahead.durable().cache();
        durable.subscribe(v -> {}, e -> {});
        member.stop(Duration.ZERO);
        open.lost().block(SOON);
        assertThat(open.isLost()).isTrue();
        assertThat(durable.materialize().block(SOON).getThrowable())
            .isInstanceOf(StaleDelivery.class);
        assertThat(open.settle(Outcome.ack())).isTrue();
        assertThat(committed(topic)).isZero();
      }
    }
  }

  @Nested
  class DeadLetters {

    @Test
    void areConfirmedBeforeTheRecordIsConsumed() {
      String topic = newTopic(1);
      String letters = newTopic(1);
      KafkaOutbound target =
          KafkaOutbound.create(s -> s.bootstrapServers(Broker.servers()).topic(letters));
      fill(topic, 1, 3);
      try (Member member =
          Member.join(
              channel(topic),
              o -> o.deadLetters(target),
              Long.MAX_VALUE,
              d ->
                  d.settlement()
                      .settle(
                          Outcome.reject(
                              DeadLetterReason.POISON,
                              new IllegalStateException("no such bag"))))) {
        await("all committed", () -> committed(topic) == 3);
        assertThat(member.count()).isEqualTo(3);
      }
      KafkaChannel review = channel(letters);
      try (Member reader = Member.acking(review).awaitCount(3)) {
        assertThat(reader.texts()).containsExactly("0", "1", "2");
        Message<byte[]> letter = reader.deliveries().get(1).message();
        assertThat(letter.headers().get("sl-dl-reason")).isEqualTo("POISON");
        assertThat(letter.headers().get("sl-dl-position")).isEqualTo(topic + "-0@1");
        assertThat(letter.headers().get("sl-dl-error")).contains("no such bag");
      }
      target.close().block(SOON);
    }

    @Test
    void thatCannotBeSentHoldTheFrontierUntilTheyCan() {
      String topic = newTopic(1);
      fill(topic, 1, 2);
      AtomicBoolean up = new AtomicBoolean();
      AtomicInteger tries = new AtomicInteger();
      Outbound<byte[]> target =
          new Outbound<>() {
            @Override
            public String name() {
              return "letters";
            }

            @Override
            public Mono<Receipt> send(Message<byte[]> message) {
              tries.incrementAndGet();
              return up.get()
                  ? Mono.just(new Receipt(name(), message.id(), "0"))
                  : Mono.error(SendFailed.notSent(name(), "down", null));
            }
          };
      try (Member member =
          Member.join(
              channel(topic),
              o -> o.deadLetters(target),
              Long.MAX_VALUE,
              d ->
                  d.settlement()
                      .settle(
                          Broker.text(d.message()).equals("0")
                              ? Outcome.reject(DeadLetterReason.MANUAL, null)
                              : Outcome.ack()))) {
        await("tried again", () -> tries.get() >= 3);
        assertThat(committed(topic)).isZero();
        up.set(true);
        await("all committed", () -> committed(topic) == 2);
        assertThat(member.error()).isNull();
      }
    }

    @Test
    void withoutATargetEndTheReceiverAndConsumeNothing() {
      String topic = newTopic(1);
      fill(topic, 1, 2);
      try (Member member =
          Member.handling(
              channel(topic),
              d ->
                  d.settlement()
                      .settle(
                          Broker.text(d.message()).equals("1")
                              ? Outcome.reject(DeadLetterReason.MANUAL, null)
                              : Outcome.ack()))) {
        member.awaitEnd();
        assertThat(member.error())
            .isInstanceOf(NoDeadLetterTarget.class)
            .hasMessageContaining(topic + "-0@1");
        assertThat(committed(topic)).isEqualTo(1);
      }
    }

    @Test
    void onTheirWayWhenTheSubscriberCancelsStillArrive() {
      String topic = newTopic(1);
      fill(topic, 1, 1);
      ConcurrentLinkedQueue<Runnable> confirmations = new ConcurrentLinkedQueue<>();
      Outbound<byte[]> slow =
          new Outbound<>() {
            @Override
            public String name() {
              return "letters";
            }

            @Override
            public Mono<Receipt> send(Message<byte[]> message) {
              return Mono.create(
                  sink ->
                      confirmations.add(
                          () -> sink.success(new Receipt(name(), message.id(), "0"))));
            }
          };
      try (Member member =
          Member.join(
              channel(topic),
              o -> o.deadLetters(slow),
              Long.MAX_VALUE,
              d -> d.settlement().settle(Outcome.reject(DeadLetterReason.MANUAL, null)))) {
        await("sent", () -> !confirmations.isEmpty());
        member.cancel();
        confirmations.remove().run();
        await("committed", () -> committed(topic) == 1);
      }
    }
  }

  @Nested
  class Backpressure {

    @Test
    void neverMoreThanRequested() {
      String topic = newTopic(2);
      fill(topic, 2, 100);
      try (Member member = Member.join(channel(topic), o -> o, 0, KafkaChannelTest::ack)) {
        member.request(3);
        member.awaitCount(3);
        member.request(4);
        member.awaitCount(7);
        assertThat(member.count()).isEqualTo(7);
        member.request(Long.MAX_VALUE);
        member.awaitCount(100);
      }
    }

    @Test
    void neverMoreUnsettledThanAllowed() {
      String topic = newTopic(3);
      fill(topic, 3, 2_000);
      AtomicInteger out = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      try (Member member =
          Member.join(
              channel(topic),
              o -> o.maxUnsettled(10),
              Long.MAX_VALUE,
              d -> {
                most.accumulateAndGet(out.incrementAndGet(), Math::max);
                Schedulers.parallel()
                    .schedule(
                        () -> {
                          out.decrementAndGet();
                          ack(d);
                        });
              })) {
        member.awaitCount(2_000);
        await("all committed", () -> committed(topic) == 2_000);
        assertThat(most.get()).isBetween(2, 10);
        assertThat(new HashSet<>(member.texts())).hasSize(2_000);
      }
    }

    @Test
    void aPartitionWithTooManyBytesOutIsPausedUntilHalfOfThemAreSettled() {
      String topic = newTopic(1);
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer()) {
        for (int i = 0; i < 100; i++) {
          producer.send(new ProducerRecord<>(topic, new byte[10_000]));
        }
      }
      KafkaChannel channel = channel(topic, s -> s.highWatermarkBytes(100_000).maxPollRecords(1));
      try (Member member = Member.holding(channel).awaitCount(10)) {
        ack(member.deliveries().get(7)); // any of them frees its bytes
        await("committed nothing", () -> committed(topic) == 0);
        assertThat(member.count()).isEqualTo(10);
        List.of(1, 2, 4, 9).forEach(i -> ack(member.deliveries().get(i)));
        member.awaitCount(15);
        assertThat(member.count()).isEqualTo(15);
        await(
            "the rest",
            () -> {
              member.deliveries().forEach(KafkaChannelTest::ack);
              return committed(topic) == 100;
            });
      }
    }

    @Test
    void aStuckPartitionIsPausedAndTheOthersGoOn() {
      String topic = newTopic(3);
      fill(topic, 3, 9_000);
      List<Delivery<byte[]>> stuck = new CopyOnWriteArrayList<>();
      KafkaChannel channel = channel(topic, s -> s.highWatermark(100).maxPollRecords(50));
      try (Member member =
          Member.handling(
              channel,
              d -> {
                if (d.origin().position().startsWith(topic + "-1@")) {
                  stuck.add(d);
                } else {
                  ack(d);
                }
              })) {
        await(
            "the others, and what the stuck one may hold",
            () -> member.count() - stuck.size() == 6_000 && stuck.size() >= 100);
        assertThat(stuck).hasSizeLessThan(150);
        // Freed from behind: the records after the oldest unsettled one still count.
        List<Delivery<byte[]>> held = List.copyOf(stuck);
        held.subList(1, held.size()).forEach(KafkaChannelTest::ack);
        ack(held.get(0));
        await(
            "the rest",
            () -> {
              stuck.forEach(KafkaChannelTest::ack);
              return stuck.size() == 3_000;
            });
        stuck.forEach(KafkaChannelTest::ack); // those that came during the last look, too
        await("all committed", () -> committed(topic) == 9_000);
        assertThat(new HashSet<>(member.texts())).hasSize(9_000);
      }
    }
  }

  @Nested
  class Ending {

    @Test
    void byStopLeavesNoDuplicates() {
      String topic = newTopic(4);
      int n = 5_000;
      fill(topic, 4, n);
      List<String> settled = new ArrayList<>();
      KafkaChannel channel = channel(topic, s -> s.commitInterval(Duration.ofHours(1)));
      for (int life = 1; settled.size() < n; life++) {
        int enough = Math.min(n, life * 1_700);
        try (Member member =
            Member.handling(channel, d -> Schedulers.parallel().schedule(() -> ack(d)))) {
          await("some", () -> settled.size() + member.count() >= enough);
          member.stop(Duration.ofSeconds(10));
          assertThat(member.error()).isNull();
          settled.addAll(member.texts());
        }
        assertThat(committed(topic)).isEqualTo(settled.size());
      }
      assertThat(settled).hasSize(n).doesNotHaveDuplicates();
    }

    @Test
    void byStopGivesWhatIsOutItsTime() {
      String topic = newTopic(1);
      fill(topic, 1, 3);
      try (Member member = Member.holding(channel(topic)).awaitCount(3)) {
        Schedulers.parallel()
            .schedule(
                () -> member.deliveries().forEach(KafkaChannelTest::ack),
                200,
                TimeUnit.MILLISECONDS);
        member.stop(Duration.ofSeconds(20));
        assertThat(committed(topic)).isEqualTo(3);
      }
    }

    @Test
    void byStopWithoutTimeLosesWhatIsUndecided() {
      String topic = newTopic(1);
      fill(topic, 1, 3);
      try (Member member = Member.holding(channel(topic)).awaitCount(3)) {
        ack(member.deliveries().get(0));
        member.stop(Duration.ZERO);
        assertThat(member.error()).isNull();
        assertThat(committed(topic)).isEqualTo(1);
        assertThat(member.deliveries().get(1).settlement().isLost()).isTrue();
      }
    }

    @Test
    void byAFailedStopSignalIsAStopWithoutTime() {
      String topic = newTopic(1);
      try (Member member =
          Member.join(
              channel(topic),
              o -> o.stop(Mono.error(new IllegalStateException("signal"))),
              Long.MAX_VALUE,
              d -> {})) {
        member.awaitEnd();
        assertThat(member.error()).isNull();
      }
    }

    @Test
    void byCancelCommitsWhatWasDecided() {
      String topic = newTopic(1);
      fill(topic, 1, 10);
      KafkaChannel channel = channel(topic, s -> s.commitInterval(Duration.ofHours(1)));
      try (Member member = Member.holding(channel).awaitCount(10)) {
        member.deliveries().subList(0, 4).forEach(KafkaChannelTest::ack);
        member.cancel();
        await("committed", () -> committed(topic) == 4);
        await("lost", () -> member.deliveries().get(4).settlement().isLost());
      }
    }

    @Test
    void rightAfterTheBeginningIsAnEndToo() {
      String topic = newTopic(1);
      for (int i = 0; i < 20; i++) {
        Member.holding(channel(topic)).cancel();
        Member member = Member.holding(channel(topic));
        member.stop(Duration.ZERO);
        assertThat(member.error()).isNull();
      }
    }
  }

  @Nested
  class AtLeastOnce {

    /** Members come and go without a word; what they had decided may be lost, what not may not. */
    @Test
    void throughLivesThatEndInTheMiddle() {
      String topic = newTopic(3);
      int n = 3_000;
      fill(topic, 3, n);
      long seed = ThreadLocalRandom.current().nextLong();
      Random random = new Random(seed);
      Set<String> acked = ConcurrentHashMap.newKeySet();
      KafkaChannel channel = channel(topic);
      for (int life = 0; acked.size() < n; life++) {
        int deliveries = 50 + random.nextInt(600);
        int rest = n - acked.size();
        try (Member member =
            Member.join(
                channel,
                o -> o.maxUnsettled(200),
                Long.MAX_VALUE,
                d -> {
                  String text = Broker.text(d.message());
                  int delay = ThreadLocalRandom.current().nextInt(5);
                  Schedulers.parallel()
                      .schedule(() -> settleAtRandom(d, text, acked), delay, TimeUnit.MILLISECONDS);
                })) {
          await(
              "life " + life + ", seed " + seed,
              () -> member.count() >= Math.min(deliveries, rest) || acked.size() == n);
          member.cancel();
          committedByPartition(topic)
              .forEach(
                  (partition, committed) -> {
                    for (int offset = 0; offset < committed; offset++) {
                      assertThat(acked)
                          .as("seed %d, committed %s", seed, committed)
                          .contains(String.valueOf(offset * 3 + partition));
                    }
                  });
        }
      }
      try (Member last = Member.acking(channel)) {
        await("all committed", () -> committed(topic) == n);
        assertThat(last.error()).isNull();
      }
      assertThat(acked).as("seed %d", seed).hasSize(n);
    }

    private void settleAtRandom(Delivery<byte[]> d, String text, Set<String> acked) {
      int dice = ThreadLocalRandom.current().nextInt(10);
      if (dice == 0) {
        d.settlement().settle(Outcome.retry(Duration.ofMillis(1), null));
      } else if (dice == 1) {
        d.settlement().settle(Outcome.release(Outcome.Release.Why.BUSY));
      } else {
        acked.add(text);
        d.settlement().settle(Outcome.ack());
      }
    }
  }

  @Nested
  class Groups {

    @Test
    void shareThePartitionsAndLoseNothingWhenMembersComeAndGo() {
      String topic = newTopic(6);
      KafkaChannel channel = channel(topic);
      AtomicInteger sent = new AtomicInteger();
      Sinks.Empty<Void> enough = Sinks.empty();
      Mono<Void> supply =
          channel
              .sendAll(
                  Flux.range(0, Integer.MAX_VALUE)
                      .delayElements(Duration.ofMillis(1))
                      .takeUntilOther(enough.asMono())
                      .map(i -> message("" + i).withGroup("g" + i % 100)))
              .doOnNext(receipt -> sent.incrementAndGet())
              .then()
              .cache();
      supply.subscribe();
      Set<String> seen = ConcurrentHashMap.newKeySet();
      AtomicInteger total = new AtomicInteger();
      Consumer<Delivery<byte[]>> work =
          d -> {
            seen.add(Broker.text(d.message()));
            total.incrementAndGet();
            Schedulers.parallel()
                .schedule(
                    () -> ack(d), ThreadLocalRandom.current().nextInt(3), TimeUnit.MILLISECONDS);
          };
      try (Member first = Member.handling(channel, work).awaitCount(300);
          Member second = Member.handling(channel, work).awaitCount(300)) {
        Set<String> partitions =
            second.deliveries().stream()
                .map(d -> d.origin().position().replaceAll("@.*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(partitions).hasSizeBetween(1, 5);
        try (Member third = Member.handling(channel, work).awaitCount(300)) {
          first.stop(Duration.ofSeconds(10));
          int then = total.get();
          await("the other two go on", () -> total.get() > then + 300);
          enough.tryEmitEmpty();
          supply.block(SOON);
          await("all of them", () -> seen.size() == sent.get());
          await("all committed", () -> committed(topic) == sent.get());
          assertThat(third.error()).isNull();
        }
      }
      // The drain gave everything its time, so that nobody had to do anything twice.
      assertThat(total.get()).isEqualTo(sent.get());
      channel.close().block(SOON);
    }

    @Test
    void takeOverWhatALeavingMemberDidNotSettleInTime() {
      String topic = newTopic(2);
      fill(topic, 2, 20);
      KafkaChannel channel = channel(topic, s -> s.revokeDrain(Duration.ofMillis(50)));
      try (Member first = Member.holding(channel).awaitCount(20);
          Member second = Member.holding(channel).awaitCount(10)) {
        List<Delivery<byte[]>> lost =
            first.deliveries().stream().filter(d -> d.settlement().isLost()).toList();
        assertThat(lost).hasSize(10);
        assertThat(second.texts())
            .containsExactlyElementsOf(lost.stream().map(d -> Broker.text(d.message())).toList());
        assertThat(second.deliveries().get(0).origin().epoch())
            .isGreaterThan(lost.get(0).origin().epoch());
        // A late decision of the old owner changes nothing for the new one.
        lost.forEach(KafkaChannelTest::ack);
        first.deliveries().forEach(KafkaChannelTest::ack);
        await("the other half", () -> committed(topic) == 10);
      }
    }

    @Test
    void thatThrowAMemberOutTakeItsRecordsAway() {
      String topic = newTopic(2);
      fill(topic, 2, 20);
      try (Member member = Member.holding(channel(topic)).awaitCount(20)) {
        List<Delivery<byte[]>> before = member.deliveries();
        Broker.expelMembers(topic);
        await("lost", () -> before.stream().allMatch(d -> d.settlement().isLost()));
        // It comes back as another member and gets everything once more; what it did not know to be
        // lost when it decided does not count for the records it has now.
        member.awaitCount(40);
        before.forEach(KafkaChannelTest::ack);
        List<Delivery<byte[]>> after = member.deliveries().subList(20, 40);
        after.subList(1, 20).forEach(KafkaChannelTest::ack);
        int stuck = after.get(0).origin().position().contains("-0@") ? 0 : 1;
        await(
            "the other partition",
            () -> committedByPartition(topic).getOrDefault(1 - stuck, 0L) == 10);
        assertThat(committedByPartition(topic).getOrDefault(stuck, 0L)).isZero();
        assertThat(after.get(0).origin().epoch()).isGreaterThan(before.get(0).origin().epoch());
        ack(after.get(0));
        await("all", () -> committed(topic) == 20);
      }
    }

    @Test
    void keepAMemberThatWorksForLongerThanThePollInterval() {
      String topic = newTopic(2);
      KafkaChannel channel =
          channel(topic, s -> s.highWatermark(1).property("max.poll.interval.ms", 2_000));
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer();
          Member member =
              Member.handling(
                  channel,
                  d -> {
                    if (d.origin().position().contains("-1@")) {
                      ack(d);
                    }
                  })) {
        producer.send(new ProducerRecord<>(topic, 0, null, new byte[0]));
        member.awaitCount(1);
        Flux.interval(Duration.ofMillis(10))
            .take(300)
            .doOnNext(i -> producer.send(new ProducerRecord<>(topic, 1, null, new byte[0])))
            .blockLast(SOON);
        member.awaitCount(301);
        assertThat(member.deliveries().get(0).settlement().isLost()).isFalse();
        long epoch = member.deliveries().get(0).origin().epoch();
        assertThat(member.deliveries()).extracting(d -> d.origin().epoch()).containsOnly(epoch);
      }
    }

    @Test
    void keepAStaticMembersPlaceWhileItIsAway() {
      String topic = newTopic(2);
      fill(topic, 2, 4);
      KafkaChannel channel = channel(topic, s -> s.instanceId(topic + "-one"));
      try (Member member = Member.acking(channel).awaitCount(4)) {
        member.stop(Duration.ofSeconds(5));
      }
      fill(topic, 2, 4);
      try (Member member = Member.acking(channel).awaitCount(4)) {
        assertThat(member.count()).isEqualTo(4);
      }
    }

    @Test
    void giveAStaticMembersIdToOneReceiverAtATime() {
      String topic = newTopic(2);
      fill(topic, 2, 4);
      KafkaChannel channel = channel(topic, s -> s.instanceId(topic + "-one"));
      try (Member older = Member.acking(channel).awaitCount(4);
          Member newer = Member.acking(channel)) {
        if (protocol == GroupProtocol.CLASSIC) {
          older.awaitEnd();
          assertThat(older.error()).isInstanceOf(FencedInstanceIdException.class);
          assertThat(newer.error()).isNull();
        } else {
          newer.awaitEnd();
          assertThat(newer.error()).isInstanceOf(UnreleasedInstanceIdException.class);
          assertThat(older.error()).isNull();
        }
      }
    }
  }

  @Nested
  class Beginning {

    @Test
    void isTheOldestRecordByDefault() {
      String topic = newTopic(1);
      fill(topic, 1, 2);
      try (Member member = Member.acking(channel(topic)).awaitCount(2)) {
        assertThat(member.texts()).containsExactly("0", "1");
      }
    }

    @Test
    void canBeTheNewestAndIsThenRemembered() {
      String topic = newTopic(1);
      fill(topic, 1, 5);
      KafkaChannel channel = channel(topic, s -> s.startAt(StartAt.LATEST));
      try (Member member = Member.acking(channel)) {
        await("committed without a record", () -> committed(topic) == 5);
        assertThat(member.count()).isZero();
      }
      fill(topic, 1, 1); // while nobody is there
      try (Member member = Member.acking(channel).awaitCount(1)) {
        assertThat(member.texts()).containsExactly("0");
      }
    }

    @Test
    void isRememberedOfAnEmptyPartitionToo() {
      String topic = newTopic(1);
      KafkaChannel channel = channel(topic, s -> s.startAt(StartAt.LATEST));
      try (Member member = Member.acking(channel)) {
        await("committed", () -> committedByPartition(topic).equals(Map.of(0, 0L)));
        assertThat(member.count()).isZero();
      }
      fill(topic, 1, 2); // while nobody is there
      try (Member member = Member.acking(channel).awaitCount(2)) {
        assertThat(member.texts()).containsExactly("0", "1");
      }
    }

    @Test
    void canBeRefused() {
      String topic = newTopic(1);
      try (Member member = Member.acking(channel(topic, s -> s.startAt(StartAt.FAIL)))) {
        member.awaitEnd();
        assertThat(member.error())
            .isInstanceOf(IllegalStateException.class)
            .hasMessage(
                "group %s-group has no offset for [%s-0] (expected: a committed one)",
                topic, topic);
      }
    }

    @Test
    void refusesWhatIsOutOfRange() {
      KafkaChannelSpec spec = KafkaChannelSpec.DEFAULT;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.highWatermark(0))
          .withMessage("highWatermark: 0 (expected: 1..1000000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.maxPollRecords(-1))
          .withMessage("maxPollRecords: -1 (expected: 1..100000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.commitInterval(Duration.ZERO))
          .withMessage("commitInterval: PT0S (expected: PT0.001S..PT1H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.revokeDrain(Duration.ofHours(1)))
          .withMessage("revokeDrain: PT1H (expected: PT0S..PT1M)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> spec.property("enable.auto.commit", true))
          .withMessage(
              "client property: enable.auto.commit (expected: one that the connector does not set"
                  + " itself)");
      assertThat(spec.property("fetch.max.wait.ms", 7).consumerConfig())
          .containsEntry("fetch.max.wait.ms", 7)
          .containsEntry("auto.offset.reset", "none");
    }

    @Test
    void leavesSessionsToTheBrokerWithTheConsumerProtocol() {
      UnaryOperator<KafkaChannelSpec> newer =
          s ->
              s.bootstrapServers("b:1").topic("t").group("g").groupProtocol(GroupProtocol.CONSUMER);
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> KafkaChannel.create(s -> newer.apply(s).sessionTimeout(Duration.ofSeconds(9))))
          .withMessage(
              "sessionTimeout: PT9S (expected: not given, since with the group protocol CONSUMER"
                  + " the broker says)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> KafkaChannel.create(s -> newer.apply(s).property("heartbeat.interval.ms", 100)))
          .withMessage(
              "client property: heartbeat.interval.ms (expected: only with the group protocol"
                  + " CLASSIC)");
      assertThat(newer.apply(KafkaChannelSpec.DEFAULT).consumerConfig())
          .containsEntry("group.protocol", "consumer")
          .doesNotContainKeys(
              "session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy");
    }

    @Test
    void needsServersTopicAndGroup() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> KafkaChannel.create(s -> s.topic("t").group("g")))
          .withMessage("bootstrapServers: not given (expected: given)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> KafkaChannel.create(s -> s.bootstrapServers("b:1").group("g")))
          .withMessage("topic: not given (expected: given)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> KafkaChannel.create(s -> s.bootstrapServers("b:1").topic("t")))
          .withMessage("group: not given (expected: given)");
    }
  }

  @Nested
  class Depth {

    @Test
    void isWhatTheGroupHasNotCommitted() {
      String topic = newTopic(2);
      KafkaChannel channel = channel(topic);
      assertThat(channel.depth().block(SOON)).isZero();
      fill(topic, 2, 10);
      assertThat(channel.depth().block(SOON)).isEqualTo(10);
      try (Member member = Member.acking(channel).awaitCount(10)) {
        await("lag 0", () -> channel.depth().block(SOON) == 0);
        assertThat(member.error()).isNull();
      }
      channel.close().block(SOON);
    }

    @Test
    void doesNotBlockItsCaller() {
      String topic = newTopic(1);
      KafkaChannel channel = channel(topic);
      Mono<Long> depth = Mono.defer(channel::depth).subscribeOn(Schedulers.parallel());
      assertThat(depth.block(SOON)).as("with a client that is made for it").isZero();
      assertThat(depth.block(SOON)).as("with the same client").isZero();
      assertThat(channel.info().can(Capability.DEPTH)).isTrue();
      assertThat(channel.info().can(Capability.ORDERED_GROUPS)).isTrue();
      assertThat(channel.info().capabilities()).hasSize(2);
      channel.close().subscribeOn(Schedulers.parallel()).block(SOON);
    }

    @Test
    void isWhatTheGroupWouldReceiveWhereItHasNoOffset() {
      String topic = newTopic(2);
      fill(topic, 2, 10);
      Broker.commit(topic, 0, new OffsetAndMetadata(2));
      assertThat(depth(topic, s -> s.startAt(StartAt.EARLIEST))).isEqualTo(3 + 5);
      assertThat(depth(topic, s -> s.startAt(StartAt.LATEST))).isEqualTo(3);
      assertThat(depth(topic, s -> s.startAt(StartAt.FAIL))).isEqualTo(3 + 5);
    }

    @Test
    void isWhatTheGroupWouldReceiveWhereItsOffsetIsNotInTheLog() {
      String topic = newTopic(2);
      fill(topic, 2, 20);
      Broker.commit(topic, 0, new OffsetAndMetadata(3));
      Broker.deleteBefore(topic, 0, 6);
      Broker.commit(topic, 1, new OffsetAndMetadata(100));
      assertThat(depth(topic, s -> s)).isEqualTo(4 + 10);
      assertThat(depth(topic, s -> s.outOfRange(StartAt.EARLIEST))).isEqualTo(4 + 10);
      assertThat(depth(topic, s -> s.outOfRange(StartAt.LATEST))).isZero();
    }

    @Test
    void isAnErrorIfThereIsNoSuchTopic() {
      KafkaChannel channel = channel("nowhere");
      StepVerifier.create(channel.depth())
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOf(IllegalStateException.class)
                      .hasCauseInstanceOf(UnknownTopicOrPartitionException.class)
                      .hasMessageStartingWith(
                          "depth of topic nowhere for group nowhere-group is not known: "))
          .verify(SOON);
      channel.close().block(SOON);
    }

    @Test
    void isAnErrorIfTheBrokerDoesNotAnswer() {
      KafkaChannel channel =
          channel(
              "bags",
              s ->
                  s.bootstrapServers("127.0.0.1:1")
                      .property("default.api.timeout.ms", 300)
                      .property("request.timeout.ms", 100));
      StepVerifier.create(Mono.defer(channel::depth).subscribeOn(Schedulers.parallel()))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOf(IllegalStateException.class)
                      .hasMessageContaining("bags")
                      .hasMessageContaining("imed out"))
          .verify(SOON);
      channel.close().block(SOON);
    }

    private Long depth(String topic, UnaryOperator<KafkaChannelSpec> spec) {
      KafkaChannel channel = channel(topic, spec);
      try {
        return channel.depth().block(SOON);
      } finally {
        channel.close().block(SOON);
      }
    }
  }

  @Nested
  class Gauges {

    private static KafkaGauges.OfPartition only(KafkaChannel channel) {
      List<KafkaGauges.OfPartition> partitions = channel.gauges().partitions();
      return partitions.isEmpty() ? NOTHING : partitions.get(0);
    }

    private static final KafkaGauges.OfPartition NOTHING =
        new KafkaGauges.OfPartition(
            "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Duration.ZERO, false, Duration.ZERO, null);

    @Test
    void showWhatIsHeldBesideItsBounds() {
      String topic = newTopic(1);
      fill(topic, 1, 30);
      KafkaChannel channel = channel(topic, s -> s.highWatermark(10).maxPollRecords(5));
      assertThat(channel.gauges().partitions()).isEmpty();
      try (Member member = Member.holding(channel).awaitCount(10)) {
        await("paused", () -> only(channel).paused());
        KafkaGauges.OfPartition full = only(channel);
        assertThat(full.topic()).isEqualTo(topic);
        assertThat(full.partition()).isZero();
        assertThat(full.epoch()).isEqualTo(member.deliveries().get(0).origin().epoch());
        assertThat(full.frontier()).isZero();
        assertThat(full.position()).isEqualTo(full.window()).isEqualTo(full.unsettled());
        assertThat(full.window()).isBetween(10, 14);
        assertThat(full.highWatermark()).isEqualTo(10);
        assertThat(full.bytes()).isEqualTo(10 + 2 * (full.window() - 10));
        assertThat(full.highWatermarkBytes()).isEqualTo(16 * 1024 * 1024);
        assertThat(full.commitError()).isNull();
        for (int i : new int[] {5, 0, 1}) { // what is committed last tells that all are settled
          ack(member.deliveries().get(i));
        }
        await("committed", () -> only(channel).committed() == 2);
        KafkaGauges.OfPartition after = only(channel);
        assertThat(after.frontier()).isEqualTo(2);
        assertThat(after.window()).isEqualTo(full.window() - 2);
        assertThat(after.unsettled()).isEqualTo(full.unsettled() - 3);
        assertThat(after.stalledFor()).isPositive();
      }
      await("nothing", () -> channel.gauges().partitions().isEmpty());
    }

    @Test
    void showARecordThatWaitsForALongRetry() {
      String topic = newTopic(1);
      fill(topic, 1, 3);
      KafkaChannel channel = channel(topic, spec -> spec.stallWarning(Duration.ofSeconds(1)));
      try (Member member =
          Member.handling(
              channel,
              d ->
                  d.settlement()
                      .settle(
                          Broker.text(d.message()).equals("0")
                              ? Outcome.retry(Duration.ofHours(1), null)
                              : Outcome.ack()))) {
        member.awaitCount(3);
        await(
            "stalled",
            () -> only(channel).stalledFor().toMillis() > 300 && only(channel).unsettled() == 1);
        assertThat(only(channel).window()).isEqualTo(3);
        assertThat(only(channel).frontier()).isZero();
        await("warned", () -> channel.warning() != null);
        assertThat(channel.warning())
            .startsWith("the record of " + topic + "-0 at 0 has been unsettled for PT");
      }
    }

    @Test
    void countWhatCameToNothing() {
      String topic = newTopic(1);
      fill(topic, 1, 4);
      KafkaChannel channel = channel(topic);
      try (Member member = Member.holding(channel).awaitCount(4)) {
        ack(member.deliveries().get(1));
        ack(member.deliveries().get(1));
        member.stop(Duration.ZERO);
        ack(member.deliveries().get(0));
        assertThat(channel.gauges().redundant()).isEqualTo(1);
        assertThat(channel.gauges().stale()).isEqualTo(1);
        assertThat(channel.gauges().skipped()).isZero();
      }
      assertThat(channel.gauges().stale()).isEqualTo(3);
      try (Member member = Member.acking(channel).awaitCount(3)) {
        await("all committed", () -> committed(topic) == 4);
        assertThat(member.count()).isEqualTo(3);
        assertThat(channel.gauges().skipped()).isEqualTo(1);
        assertThat(channel.gauges().failedCommits()).isZero();
      }
    }
  }
}
