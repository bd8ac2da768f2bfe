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

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.Flux;

/** An upload as it comes in: a PNG image of a bounded size, or a {@link Problem}. */
final class PngStream {

  /** The largest image, in bytes. */
  static final long MAX = 20L << 20;

  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  private PngStream() {}

  /** The bytes of a body, copied out of the server's buffers one by one. */
  static Flux<ByteBuffer> of(Flux<DataBuffer> body) {
    return Flux.defer(
        () -> {
          Check check = new Check();
          return body.map(PngStream::copy)
              .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
              .map(check)
              .concatWith(Flux.defer(check::end));
        });
  }

  private static ByteBuffer copy(DataBuffer buffer) {
    byte[] bytes = new byte[buffer.readableByteCount()];
    buffer.read(bytes);
    DataBufferUtils.release(buffer);
    return ByteBuffer.wrap(bytes);
  }

  /** For one subscription. */
  private static final class Check implements Function<ByteBuffer, ByteBuffer> {

    private long size;

    @Override
    public ByteBuffer apply(ByteBuffer bytes) {
      for (int i = 0; i < bytes.remaining() && size + i < SIGNATURE.length; i++) {
        if (bytes.get(bytes.position() + i) != SIGNATURE[(int) size + i]) {
          throw noImage();
        }
      }
      size += bytes.remaining();
      if (size > MAX) {
        throw tooLarge();
      }
      return bytes;
    }

    Flux<ByteBuffer> end() {
      return size < SIGNATURE.length ? Flux.error(noImage()) : Flux.empty();
    }
  }

  static Problem tooLarge() {
    return Problem.tooLarge(FieldError.of("body", "too large", "at most " + (MAX >> 20) + " MiB"));
  }

  private static Problem noImage() {
    return Problem.unprocessable(
        List.of(FieldError.of("body", "no PNG image", "one that begins with its signature")));
  }
}
