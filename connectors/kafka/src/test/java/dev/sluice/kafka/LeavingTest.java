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
import static dev.sluice.kafka.Broker.channel;
import static dev.sluice.kafka.Broker.committed;
import static dev.sluice.kafka.Broker.fill;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A member leaves its group at a bad time. */
@ExtendWith(LeakCheck.class)
class LeavingTest {

  private static final int FOREVER = 1_000_000;

  /** A plain member of the group, which polls when it is told to. */
  private static final class PlainMember implements AutoCloseable {

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Semaphore polls = new Semaphore(0);
    private final Thread thread;
    private volatile int partitions;
    private volatile boolean closed;

    PlainMember(String topic) {
      Map<String, Object> config = new HashMap<>();
      config.put("bootstrap.servers", Broker.servers());
      config.put("group.id", topic + "-group");
      config.put("auto.offset.reset", "latest");
      config.put("enable.auto.commit", false);
      config.put("heartbeat.interval.ms", 200);
      config.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
      consumer =
          new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
      consumer.subscribe(List.of(topic));
      thread = new Thread(this::run, "plain-member");
      thread.start();
    }

    private void run() {
      try (consumer) {
        while (!closed) {
          if (polls.tryAcquire(10, TimeUnit.MILLISECONDS)) {
            consumer.poll(Duration.ofMillis(50));
            partitions = consumer.assignment().size();
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void poll(int times) {
      polls.release(times);
    }

    void pause() {
      polls.drainPermits();
    }

    int partitions() {
      return partitions;
    }

    @Override
    public void close() {
      closed = true;
      await("closed", () -> !thread.isAlive());
    }
  }

  private static boolean isOver(Member member) {
    return member.deliveries().stream().anyMatch(delivery -> delivery.settlement().isLost());
  }

  /** Of twenty records in four partitions. */
  private static void ackAllButTheLast(Delivery<byte[]> delivery) {
    if (Integer.parseInt(Broker.text(delivery.message())) < 16) {
      delivery.settlement().settle(Outcome.ack());
    }
  }

  /**
   * While one member keeps the others waiting for the end of a rebalance, commits are refused to
   * all of them.
   */
  @Test
  void inTheMiddleOfARebalanceCommitsWhatWasSettled() throws Exception {
    String topic = newTopic(4);
    KafkaChannel channel =
        channel(
            topic,
            spec ->
                spec.commitInterval(Duration.ofHours(1))
                    .closeTimeout(Duration.ofSeconds(20))
                    .property("heartbeat.interval.ms", 100));
    try (PlainMember slow = new PlainMember(topic)) {
      slow.poll(FOREVER);
      await("alone", () -> slow.partitions() == 4);
      try (Member leaving = Member.handling(channel, LeavingTest::ackAllButTheLast)) {
        await("two", () -> slow.partitions() == 2);
        fill(topic, 4, 20);
        leaving.awaitCount(10);
        slow.pause();
        try (PlainMember third = new PlainMember(topic)) {
          third.poll(FOREVER);
          await("a rebalance", () -> Broker.state(topic) == GroupState.PREPARING_REBALANCE);
          // The grace for the undecided is long enough to hear of the rebalance.
          Thread stopping = new Thread(() -> leaving.stop(Duration.ofMillis(500)));
          stopping.start();
          await("nobody to wait for decisions", () -> isOver(leaving));
          stopping.join(500); // it tries to commit
          slow.poll(FOREVER);
          stopping.join();
        }
      }
    }
    assertThat(committed(topic)).isEqualTo(8);
  }
}
