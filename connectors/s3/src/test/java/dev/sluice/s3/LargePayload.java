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

import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.Keyring;
import dev.sluice.message.Message;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * Checks a payload in and redeems it, in a process of its own with little memory: {@code endpoint
 * size bytesPerSecond}, the last 0 for as fast as it goes. The digest is verified by the
 * redemption; the size is printed.
 */
final class LargePayload {

  private static final int CHUNK = 64 * 1024;
  private static final long MIB = 1024 * 1024;

  private LargePayload() {}

  public static void main(String[] args) {
    long size = Long.parseLong(args[1]);
    try (S3AsyncClient client = Bench.client(URI.create(args[0]))) {
      S3PayloadStore store = Bench.store(client, s -> s.memory(20 * MIB).partsAtOnce(2));
      Keyring keys = Keyring.of("k1", new byte[32]);
      Publisher<ByteBuffer> content = content(size);
      Message<byte[]> checked =
          Objects.requireNonNull(
              ClaimCheck.checker(store, keys, c -> c).check(Message.of(content)).block());
      Long read =
          ClaimCheck.redeemer(store, keys, r -> r)
              .open(checked)
              .payload()
              .content()
              .transform(all -> throttled(all, Long.parseLong(args[2])))
              .reduce(0L, (sum, buffer) -> sum + buffer.remaining())
              .block();
      System.out.println("read " + read);
    }
  }

  /** A reader that takes no buffer before its time. */
  private static Flux<ByteBuffer> throttled(Flux<ByteBuffer> content, long bytesPerSecond) {
    if (bytesPerSecond == 0) {
      return content;
    }
    return content
        .limitRate(1)
        .concatMap(
            buffer ->
                Mono.just(buffer)
                    .delayElement(
                        Duration.ofNanos(buffer.remaining() * 1_000_000_000L / bytesPerSecond)),
            0);
  }

  /** Bytes that differ from place to place. */
  private static Flux<ByteBuffer> content(long size) {
    return Flux.generate(
        () -> 0L,
        (at, sink) -> {
          int length = (int) Math.min(CHUNK, size - at);
          if (length == 0) {
            sink.complete();
            return at;
          }
          byte[] chunk = new byte[length];
          long seed = at * 31;
          for (int i = 0; i < length; i++) {
            chunk[i] = (byte) (seed + i * 7L + (i >> 8));
          }
          sink.next(ByteBuffer.wrap(chunk));
          return at + length;
        });
  }
}
