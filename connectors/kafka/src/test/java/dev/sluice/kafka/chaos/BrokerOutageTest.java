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

import static dev.sluice.kafka.chaos.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.kafka.GroupProtocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The broker is away for a while and comes back with what it had. */
class BrokerOutageTest {

  private static final Logger log = LoggerFactory.getLogger(BrokerOutageTest.class);
  private static final Duration RESUME = Duration.ofSeconds(10);

  /** In the soak; {@code -Dchaos.outages} makes it shorter or longer. */
  private static final int TIMES = Integer.getInteger("chaos.outages", 3);

  @TempDir Path directory;

  @Test
  void afterFiveSecondsTheFlowGoesOnByItself() {
    outage(Duration.ofSeconds(5), 1, GroupProtocol.CLASSIC);
  }

  @Test
  @Tag("soak")
  void norDoesItNeedHelpWithTheConsumerProtocol() {
    outage(Duration.ofSeconds(5), 1, GroupProtocol.CONSUMER);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("soak")
  void afterTwentySecondsTheFlowGoesOnByItself(GroupProtocol protocol) {
    outage(Duration.ofSeconds(20), TIMES, protocol);
  }

  private void outage(Duration length, int times, GroupProtocol protocol) {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start();
        Arena arena = Arena.open(kafka, directory, protocol)) {
      LocalMember local = arena.join(spec -> spec);
      MemberProcess process = arena.launch(spec -> spec);
      for (int i = 0; i < times; i++) {
        arena.awaitProgress(1_000);
        outage(kafka, arena, length);
      }
      arena.awaitProgress(1_000);
      Arena.Judgement judgement = arena.finish();
      local.stop(Duration.ofSeconds(2));
      process.stop();

      Verdict verdict = judgement.verdict();
      log.warn("{} away {} times, {}: {}", length, times, protocol, verdict);
      assertThat(verdict.faults()).as("%s", verdict).isEmpty();
    }
  }

  private static void outage(EmbeddedKafka kafka, Arena arena, Duration length) {
    long end = System.nanoTime() + length.toNanos();
    kafka.stop();
    awaitDry(arena);
    await(Await.LONG, () -> "the end of the outage", () -> System.nanoTime() - end > 0);

    CompletableFuture<Long> accepted = CompletableFuture.supplyAsync(() -> accepting(kafka));
    kafka.start();
    Duration since = Duration.ofNanos(System.nanoTime() - accepted.join());
    arena.awaitNext(RESUME.minus(since));
  }

  /** Members go on for as long as they have something; what is done from then on is new to them. */
  private static void awaitDry(Arena arena) {
    AtomicLong done = new AtomicLong(-1);
    AtomicLong since = new AtomicLong();
    await(
        Await.LONG,
        () -> "nothing left to do in " + arena,
        () -> {
          long now = arena.done();
          if (done.getAndSet(now) != now) {
            since.set(System.nanoTime());
          }
          return System.nanoTime() - since.get() > Duration.ofSeconds(1).toNanos();
        });
  }

  /** When the broker accepts connections, as {@link System#nanoTime}. */
  private static long accepting(EmbeddedKafka kafka) {
    String[] address = kafka.bootstrapServers().split(":");
    for (; ; ) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(address[0], Integer.parseInt(address[1])), 1_000);
        return System.nanoTime();
      } catch (IOException e) {
        LockSupport.parkNanos(5_000_000);
      }
    }
  }
}
