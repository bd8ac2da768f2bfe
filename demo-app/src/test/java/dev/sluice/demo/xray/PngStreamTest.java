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
package dev.sluice.demo.xray;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.problem.Problem;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** What is an image, byte by byte, and that no buffer of the server is kept. */
class PngStreamTest {

  private static final byte[] IMAGE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 1, 2, 3};

  private final NettyDataBufferFactory buffers =
      new NettyDataBufferFactory(ByteBufAllocator.DEFAULT);
  private final List<NettyDataBuffer> given = new ArrayList<>();

  private DataBuffer buffer(byte... bytes) {
    NettyDataBuffer buffer = buffers.allocateBuffer(Math.max(1, bytes.length));
    buffer.write(bytes);
    given.add(buffer);
    return buffer;
  }

  private void assertReleased() {
    assertThat(given).isNotEmpty().allMatch(b -> b.getNativeBuffer().refCnt() == 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 11})
  void isTakenHoweverItIsCut(int size) {
    List<DataBuffer> body = new ArrayList<>();
    for (int i = 0; i < IMAGE.length; i += size) {
      body.add(buffer(Arrays.copyOfRange(IMAGE, i, Math.min(IMAGE.length, i + size))));
    }
    ByteBuffer whole = ByteBuffer.allocate(IMAGE.length);

    StepVerifier.create(
            PngStream.of(Flux.fromIterable(body)).reduce(whole, ByteBuffer::put).map(b -> b))
        .expectNextCount(1)
        .verifyComplete();

    assertThat(whole.array()).isEqualTo(IMAGE);
    assertReleased();
  }

  @Test
  void isRefusedWithoutItsSignature() {
    StepVerifier.create(
            PngStream.of(Flux.just(buffer((byte) 0x89, (byte) 'P'), buffer((byte) 'X'))))
        .expectNextCount(1)
        .verifyErrorSatisfies(
            e -> assertThat(((Problem) e).getStatusCode().value()).isEqualTo(422));
    StepVerifier.create(PngStream.of(Flux.just(buffer((byte) 0x89, (byte) 'P'))))
        .expectNextCount(1)
        .verifyErrorSatisfies(
            e -> assertThat(((Problem) e).getStatusCode().value()).isEqualTo(422));
    StepVerifier.create(PngStream.of(Flux.empty()))
        .verifyErrorSatisfies(
            e -> assertThat(((Problem) e).getStatusCode().value()).isEqualTo(422));
    assertReleased();
  }

  @Test
  void isRefusedWhenItIsTooLarge() {
    Flux<DataBuffer> endless =
        Flux.concat(
            Flux.defer(() -> Flux.just(buffer(IMAGE))),
            Flux.range(0, 1_000).map(i -> buffer(new byte[1 << 16])));

    StepVerifier.create(PngStream.of(endless).then())
        .verifyErrorSatisfies(
            e -> assertThat(((Problem) e).getStatusCode().value()).isEqualTo(413));
    assertThat(given.size()).isLessThan(400);
    assertReleased();
  }
}
