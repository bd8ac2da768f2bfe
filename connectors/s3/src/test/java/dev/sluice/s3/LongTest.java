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
package dev.sluice.s3;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import io.netty.util.ResourceLeakDetector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * What takes its time: {@code -Psoak -Dgroups=soak}; how much with {@code -Ds3.bytes=2147483648}
 * and {@code -Ds3.cancels=500}.
 */
@Tag("soak")
class LongTest {

  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int CANCELS = Integer.getInteger("s3.cancels", 500);
  private static final long BYTES = Long.getLong("s3.bytes", 2L << 30);

  /** In a heap of 64 MiB, with 64 MiB of direct memory, the server elsewhere. */
  @Test
  void aLargePayloadFitsThroughLittleMemory() throws Exception {
    fitsThroughLittleMemory(BYTES, 0);
  }

  /** Half a minute long nothing piles up, and nobody takes the reader for a silent server. */
  @Test
  void aSlowReaderGetsItAll() throws Exception {
    fitsThroughLittleMemory(32L << 20, 1L << 20);
  }

  private static void fitsThroughLittleMemory(long size, long bytesPerSecond) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:MaxDirectMemorySize=64m",
                "-Dio.netty.leakDetection.level=paranoid",
                "-cp",
                System.getProperty("java.class.path"),
                LargePayload.class.getName(),
                Bench.server().endpoint().toString(),
                Long.toString(size),
                Long.toString(bytesPerSecond))
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    assertThat(output).contains("read " + size).doesNotContain("LEAK");
    assertThat(process.exitValue()).isZero();
  }

  /** At random bytes, up and down: nothing is left, and no connection and no memory is lost. */
  @Test
  void cancelsAtRandomBytesLeaveNothing() {
    ListAppender<ILoggingEvent> leaks = leaks();
    S3PayloadStore store = Bench.store(Bench.client(), s -> s);
    long seed = ThreadLocalRandom.current().nextLong();
    Random random = new Random(seed);
    byte[] content = new byte[2 * S3Spec.MIN_PART_SIZE + 11];
    random.nextBytes(content);
    PayloadKey whole = key();
    store.put(whole, chunks(content), PutOptions.defaults()).block(PATIENCE);
    for (int i = 0; i < CANCELS; i++) {
      cancelPut(store, content, random.nextInt(content.length), seed);
      AtomicLong got = new AtomicLong();
      int at = random.nextInt(content.length);
      store
          .get(whole, ByteRange.all())
          .takeUntil(buffer -> got.addAndGet(buffer.remaining()) > at)
          .blockLast(PATIENCE);
    }
    Boolean clean =
        Mono.fromCallable(
                () ->
                    store.budget().free() == store.spec().memory()
                        && Bench.client()
                            .listMultipartUploads(list -> list.bucket(Bench.BUCKET))
                            .join()
                            .uploads()
                            .isEmpty())
            .subscribeOn(Schedulers.boundedElastic())
            .filter(done -> done)
            .repeatWhenEmpty(again -> again.delayElements(Duration.ofMillis(100)))
            .block(PATIENCE);
    assertThat(clean).as("seed %d", seed).isTrue();
    System.gc();
    store.get(whole, ByteRange.all()).blockLast(PATIENCE); // Netty says what it missed
    assertThat(leaks.list).as("seed %d", seed).isEmpty();
  }

  /** What Netty says about buffers that were never released; from now on it looks at all. */
  private static ListAppender<ILoggingEvent> leaks() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    ListAppender<ILoggingEvent> leaks = new ListAppender<>();
    leaks.start();
    ((Logger) LoggerFactory.getLogger(ResourceLeakDetector.class)).addAppender(leaks);
    return leaks;
  }

  private static void cancelPut(S3PayloadStore store, byte[] content, int at, long seed) {
    PayloadKey key = key();
    Sinks.Empty<Void> stop = Sinks.empty();
    AtomicLong given = new AtomicLong();
    store
        .put(
            key,
            chunks(content)
                .doOnNext(
                    chunk -> {
                      if (given.addAndGet(chunk.remaining()) > at) {
                        Schedulers.parallel().schedule(stop::tryEmitEmpty);
                      }
                    }),
            PutOptions.defaults())
        .takeUntilOther(stop.asMono())
        .block(PATIENCE);
    StoredPayload stored = store.stat(key).block(PATIENCE);
    if (stored != null) {
      assertThat(stored.size()).as("seed %d", seed).isEqualTo(content.length);
      store.delete(key).block(PATIENCE);
    }
  }

  private static Flux<ByteBuffer> chunks(byte[] content) {
    int each = 50_000;
    return Flux.range(0, (content.length + each - 1) / each)
        .map(i -> ByteBuffer.wrap(content, i * each, Math.min(each, content.length - i * each)));
  }

  private static PayloadKey key() {
    return PayloadKey.next(Instant.now().plusSeconds(3600));
  }
}
