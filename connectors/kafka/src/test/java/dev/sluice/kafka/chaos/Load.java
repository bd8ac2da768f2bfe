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
package dev.sluice.kafka.chaos;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends work with a plain producer, always so much ahead of what is done that nobody runs out of
 * it. The works of a key are numbered and sent in this order; each takes 1 to 20 ms.
 */
final class Load {

  private static final int KEYS = 300;
  private static final int BATCH = 50;
  private static final int MAX_MILLIS = 20;

  private final KafkaProducer<byte[], byte[]> producer;
  private final String topic;
  private final long ahead;
  private final LongSupplier done;
  private final Random random;
  private final Thread thread;

  private final int[] sent = new int[KEYS];
  private final AtomicLong confirmed = new AtomicLong();
  private volatile long total;
  private volatile boolean enough;
  private volatile @Nullable Exception failure;

  /**
   * @param ahead how many works may be sent and not done
   * @param done how many works are done
   */
  Load(String servers, String topic, long ahead, LongSupplier done, long seed) {
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "linger.ms", 5),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    this.topic = topic;
    this.ahead = ahead;
    this.done = done;
    this.random = new Random(seed);
    this.thread = new Thread(this::run, "chaos-load");
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    while (!enough) {
      if (total - done.getAsLong() >= ahead) {
        LockSupport.parkNanos(1_000_000);
      } else {
        for (int i = 0; i < BATCH; i++) {
          send(random.nextInt(KEYS), 1 + random.nextInt(MAX_MILLIS));
        }
      }
    }
  }

  private void send(int key, int millis) {
    byte[] name = ("key-" + key).getBytes(StandardCharsets.UTF_8);
    producer.send(
        new ProducerRecord<>(topic, name, Work.value(key, sent[key]++, millis)),
        (metadata, error) -> {
          if (error == null) {
            confirmed.incrementAndGet();
          } else {
            failure = error;
          }
        });
    total++;
  }

  /** Ends it; everything sent is confirmed then. */
  int[] end() {
    enough = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    producer.close();
    if (failure != null || confirmed.get() != total) {
      throw new AssertionError("confirmed " + confirmed + " of " + total, failure);
    }
    return sent;
  }

  /** Ends it, whatever becomes of what is on its way. */
  void abandon() {
    enough = true;
    producer.close(Duration.ZERO);
  }

  long total() {
    return total;
  }
}
