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

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PutOptions;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/** Connections that break in the middle, or fall silent. */
@Timeout(120)
class BrokenWireTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int PART = S3Spec.MIN_PART_SIZE;

  private final Wire wire = new Wire(Bench.server().endpoint());
  private final S3AsyncClient client = Bench.client(wire.endpoint());
  private final byte[] content = new byte[3 * PART + 7];

  BrokenWireTest() {
    new Random(7).nextBytes(content);
  }

  @AfterEach
  void close() throws Exception {
    client.close();
    wire.close();
  }

  private S3PayloadStore store(Duration idleTimeout) {
    return Bench.store(client, s -> s.idleTimeout(idleTimeout).partsAtOnce(1));
  }

  private PayloadKey stored() {
    PayloadKey key = PayloadKey.next(Instant.now().plusSeconds(3600));
    Bench.store(Bench.client(), s -> s)
        .put(key, Flux.just(ByteBuffer.wrap(content)), PutOptions.defaults())
        .block(PATIENCE);
    return key;
  }

  @Test
  void anUploadSurvivesAResetInTheMiddleOfItsSecondPart() {
    wire.breakUpAfter(PART + PART / 2);
    AtomicInteger subscriptions = new AtomicInteger();
    Flux<ByteBuffer> body =
        Flux.range(0, content.length / 1000 + 1)
            .map(i -> ByteBuffer.wrap(content, i * 1000, Math.min(1000, content.length - i * 1000)))
            .doOnSubscribe(s -> subscriptions.incrementAndGet());
    PayloadKey key = PayloadKey.next(Instant.now().plusSeconds(3600));
    S3PayloadStore store = store(Duration.ofSeconds(30));
    store.put(key, body, PutOptions.defaults()).block(PATIENCE);
    assertThat(wire.breaks).hasValue(1);
    assertThat(subscriptions).hasValue(1);
    assertThat(read(store, key, ByteRange.all())).isEqualTo(content);
    assertThat(Bench.isBeingUploaded(key)).isFalse();
  }

  @Test
  void aDownloadResumesAfterAReset() {
    PayloadKey key = stored();
    wire.breakDownAfter(content.length / 2, Wire.Break.RESET);
    assertThat(read(store(Duration.ofSeconds(30)), key, ByteRange.all())).isEqualTo(content);
    assertThat(wire.breaks).hasValue(1);
  }

  @Test
  void aDownloadResumesWhenNothingComesAnyMore() {
    PayloadKey key = stored();
    wire.breakDownAfter(content.length / 2, Wire.Break.SILENCE);
    assertThat(read(store(Duration.ofSeconds(1)), key, ByteRange.all())).isEqualTo(content);
    assertThat(wire.breaks).hasValue(1);
  }

  @Test
  void aRangeResumesInside() {
    PayloadKey key = stored();
    wire.breakDownAfter(PART, Wire.Break.RESET);
    byte[] range = read(store(Duration.ofSeconds(30)), key, new ByteRange(1000, 2 * PART));
    assertThat(wire.breaks).hasValue(1);
    assertThat(range).isEqualTo(Arrays.copyOfRange(content, 1000, 1000 + 2 * PART));
  }

  /** Who asks for nothing is not kept waiting. */
  @Test
  void aSlowReaderIsNotTakenForASilentServer() {
    PayloadKey key = stored();
    VirtualTimeScheduler time = VirtualTimeScheduler.create();
    S3PayloadStore store = Bench.store(client, s -> s.resumes(0).timer(time));
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    StepVerifier.create(store.get(key, ByteRange.all()), 1)
        .consumeNextWith(buffer -> append(read, buffer))
        .then(() -> time.advanceTimeBy(Duration.ofHours(1)))
        .thenRequest(Long.MAX_VALUE)
        .thenConsumeWhile(buffer -> true, buffer -> append(read, buffer))
        .expectComplete()
        .verify(PATIENCE);
    assertThat(read.toByteArray()).isEqualTo(content);
  }

  private static byte[] read(S3PayloadStore store, PayloadKey key, ByteRange range) {
    return join(store.get(key, range));
  }

  private static byte[] join(Flux<ByteBuffer> buffers) {
    return Objects.requireNonNull(
            buffers.collect(ByteArrayOutputStream::new, BrokenWireTest::append).block(PATIENCE))
        .toByteArray();
  }

  private static void append(ByteArrayOutputStream out, ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    out.writeBytes(bytes);
  }
}
