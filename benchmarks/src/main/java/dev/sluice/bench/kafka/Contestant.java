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
package dev.sluice.bench.kafka;

import dev.sluice.channel.FlowHandle;
import dev.sluice.flow.Flow;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.kafka.receiver.KafkaReceiver;
import reactor.kafka.receiver.ReceiverOptions;

/** One way to work on everything in a topic, once. */
enum Contestant {
  RECEIVER("a", "KafkaReceiver.receive(), counted") {
    @Override
    void run(String servers, String group, Workload workload, Tally tally) throws Exception {
      ReceiverOptions<byte[], byte[]> options =
          ReceiverOptions.<byte[], byte[]>create(config(servers, group))
              .withKeyDeserializer(new ByteArrayDeserializer())
              .withValueDeserializer(new ByteArrayDeserializer())
              .subscription(List.of(workload.topic()));
      Disposable running =
          KafkaReceiver.create(options)
              .receive()
              .subscribe(record -> tally.inOrder(record.value()), tally::fail);
      tally.await();
      running.dispose();
    }
  },

  RAW("b", "KafkaConsumer.poll(), counted") {
    @Override
    void run(String servers, String group, Workload workload, Tally tally) {
      poll(servers, group, workload, tally, record -> tally.inOrder(record.value()));
    }
  },

  CONVOY("c", "Flow and convoy, immediate worker") {
    @Override
    void run(String servers, String group, Workload workload, Tally tally) throws Exception {
      flow(
          servers,
          group,
          workload,
          tally,
          value -> {
            tally.inOrder(value);
            return Mono.just(value);
          });
    }
  },

  RAW_DELAYED("d", "poll() into flatMap(64), 1 ms each, no order") {
    @Override
    void run(String servers, String group, Workload workload, Tally tally) {
      Sinks.Many<byte[]> values = Sinks.many().unicast().onBackpressureBuffer();
      Semaphore room = new Semaphore(LOOK_AHEAD);
      Disposable running =
          values
              .asFlux()
              .flatMap(value -> Mono.delay(WORK).map(tick -> value), CONCURRENCY)
              .subscribe(
                  value -> {
                    tally.inAnyOrder(value);
                    room.release();
                  },
                  tally::fail);
      poll(
          servers,
          group,
          workload,
          tally,
          record -> {
            room.acquireUninterruptibly();
            values.emitNext(record.value(), Sinks.EmitFailureHandler.FAIL_FAST);
          });
      running.dispose();
    }
  },

  CONVOY_DELAYED("e", "Flow and convoy, 64 x 1 ms, in order") {
    @Override
    void run(String servers, String group, Workload workload, Tally tally) throws Exception {
      flow(
          servers,
          group,
          workload,
          tally,
          value ->
              Mono.delay(WORK)
                  .map(
                      tick -> {
                        tally.inOrder(value);
                        return value;
                      }));
    }
  };

  private static final int CONCURRENCY = 64;
  private static final Function<Message<byte[]>, @Nullable String> GROUP = Message::group;
  private static final int LOOK_AHEAD = 1_024;
  private static final Duration WORK = Duration.ofMillis(1);
  private static final Duration BOUND = Duration.ofSeconds(30);

  private final String letter;
  private final String title;

  Contestant(String letter, String title) {
    this.letter = letter;
    this.title = title;
  }

  String letter() {
    return letter;
  }

  String title() {
    return title;
  }

  /** Returns when the tally is complete. */
  abstract void run(String servers, String group, Workload workload, Tally tally) throws Exception;

  /** The connector's own settings, so that nobody is ahead by tuning. */
  private static Map<String, Object> config(String servers, String group) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", servers);
    config.put("group.id", group);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", false);
    config.put("max.poll.records", 500);
    config.put("fetch.max.wait.ms", 20);
    return config;
  }

  private static void poll(
      String servers,
      String group,
      Workload workload,
      Tally tally,
      java.util.function.Consumer<ConsumerRecord<byte[], byte[]>> next) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            config(servers, group), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(workload.topic()));
      while (!tally.isComplete()) {
        consumer.poll(Duration.ofMillis(100)).forEach(next);
      }
    }
  }

  private static void flow(
      String servers,
      String group,
      Workload workload,
      Tally tally,
      Function<byte[], Publisher<byte[]>> worker)
      throws InterruptedException {
    KafkaChannel channel =
        KafkaChannel.create(s -> s.bootstrapServers(servers).topic(workload.topic()).group(group));
    FlowHandle flow =
        Flow.from(channel)
            .groupedConvoy(
                GROUP, worker, convoy -> convoy.concurrency(CONCURRENCY).lookAhead(LOOK_AHEAD))
            .start();
    flow.terminated().subscribe(none -> {}, tally::fail);
    tally.await();
    flow.stop(BOUND).block(BOUND);
    Long left = channel.depth().block(BOUND);
    channel.close().block(BOUND);
    if (left == null || left != 0) {
      throw new IllegalStateException("not committed: " + left + " records (expected: 0)");
    }
  }
}
