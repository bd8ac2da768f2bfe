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
package dev.sluice.postgres;

import dev.sluice.store.PayloadKey;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** One payload on its way into its table: at once if it fits into a chunk, else chunk by chunk. */
final class PayloadWriting {

  /*
   * Threads: the body and the answers of the database come one at a time; end() at any moment.
   *
   * running  the statement that was begun last. It is not cancelled when we are, so end() waits for
   *          it: it is set before closed is looked at, and read after closed was set, so that none
   *          begins that end() does not wait for
   * begun    there may be a row that is not stored, and chunks
   * stored   it is there to stay
   */

  private static final Logger log = LoggerFactory.getLogger(PostgresPayloadStore.class);

  private static final int SMALLEST = 4 * 1024;

  private final PostgresPayloadStore store;
  private final PayloadKey key;
  private final PutOptions options;
  private final UUID put = UUID.randomUUID();

  private byte[] filling = {};
  private int filled;
  private int count;
  private long size;

  private volatile boolean closed;
  private volatile boolean begun;
  private volatile boolean stored;
  private volatile CompletableFuture<?> running = CompletableFuture.completedFuture(null);

  private PayloadWriting(PostgresPayloadStore store, PayloadKey key, PutOptions options) {
    this.store = store;
    this.key = key;
    this.options = options;
  }

  static Mono<StoredPayload> put(
      PostgresPayloadStore store, PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    return Mono.usingWhen(
        Mono.fromSupplier(() -> new PayloadWriting(store, key, options)),
        writing -> writing.store(body),
        PayloadWriting::end,
        (writing, error) -> writing.end(),
        PayloadWriting::end);
  }

  private Mono<StoredPayload> store(Publisher<ByteBuffer> body) {
    return Flux.from(body)
        .concatMapIterable(this::take, 1)
        .concatWith(Mono.fromSupplier(this::rest))
        .concatMap(this::write, 1)
        .then(Mono.fromSupplier(() -> new StoredPayload(key, size, options.contentType())));
  }

  // == the body ==

  private record Chunk(int n, ByteBuffer bytes, boolean isLast) {}

  /** The chunks that are full, when it is known that something follows. */
  private Iterable<Chunk> take(ByteBuffer buffer) {
    size += buffer.remaining();
    if (options.length().isPresent() && size > options.length().getAsLong()) {
      throw wrongLength("more");
    }
    ByteBuffer from = buffer.duplicate();
    return () ->
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            fill(from);
            return from.hasRemaining();
          }

          @Override
          public Chunk next() {
            if (!hasNext()) {
              throw new NoSuchElementException();
            }
            return chunk(false);
          }
        };
  }

  private void fill(ByteBuffer from) {
    int length = Math.min(from.remaining(), PostgresPayloadStore.CHUNK - filled);
    if (filled + length > filling.length) {
      int larger = Math.max(SMALLEST, Math.max(2 * filling.length, filled + length));
      filling = Arrays.copyOf(filling, Math.min(PostgresPayloadStore.CHUNK, larger));
    }
    from.get(filling, filled, length);
    filled += length;
  }

  private Chunk rest() {
    if (options.length().isPresent() && size < options.length().getAsLong()) {
      throw wrongLength(Long.toString(size));
    }
    return chunk(true);
  }

  private Chunk chunk(boolean isLast) {
    Chunk chunk = new Chunk(count++, ByteBuffer.wrap(filling, 0, filled), isLast);
    filling = new byte[0];
    filled = 0;
    return chunk;
  }

  private IllegalArgumentException wrongLength(String actual) {
    return new IllegalArgumentException(
        "body: " + actual + " bytes (expected: " + options.length().orElse(-1) + ")");
  }

  // == the table ==

  private Mono<Void> write(Chunk chunk) {
    byte[] all = chunk.bytes().array();
    int length = chunk.bytes().remaining();
    byte[] bytes = length == all.length ? all : Arrays.copyOf(all, length);
    if (chunk.isLast() && chunk.n() == 0) {
      return statement(store.putAtOnce(put, key, bytes, options.contentType()));
    }
    Mono<Void> written = statement(store.write(put, key, chunk.n(), bytes));
    if (chunk.n() == 0) {
      return begin().then(written);
    }
    return chunk.isLast() ? written.then(finish()) : written;
  }

  private Mono<Void> begin() {
    return Mono.defer(
        () -> {
          begun = true;
          return statement(store.begin(put, key));
        });
  }

  private Mono<Void> finish() {
    return statement(store.finish(put, key, size, options.contentType()))
        .doOnSuccess(nothing -> stored = true);
  }

  /** Runs a statement of which the end knows. */
  private Mono<Void> statement(Mono<Void> statement) {
    return Mono.defer(
        () -> {
          CompletableFuture<Void> ended = new CompletableFuture<>();
          running = ended;
          if (closed) {
            ended.complete(null);
            return Mono.empty();
          }
          var unused =
              statement
                  .toFuture()
                  .whenComplete(
                      (nothing, error) -> {
                        if (error == null) {
                          ended.complete(null);
                        } else {
                          ended.completeExceptionally(error);
                        }
                      });
          return Mono.fromFuture(ended, /* suppressCancel= */ true);
        });
  }

  /** Gives up what is not stored. What fails here is left to the sweeper. */
  private Mono<Void> end() {
    closed = true;
    if (!begun || stored) {
      return Mono.empty();
    }
    return Mono.fromFuture(running, /* suppressCancel= */ true)
        .onErrorComplete()
        .then(store.giveUp(put))
        .onErrorResume(
            error -> {
              log.warn("{}: {} is left to the sweeper", store.name(), key, error);
              return Mono.empty();
            });
  }
}
