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
package dev.sluice.memory;

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.StoredPayload;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Payloads inside one process, for tests and for what does not outlive it.
 *
 * <p>Memory: at most as many bytes as it was made for, those included that are being stored at the
 * moment; more is refused with a {@link StoreFailed} that is temporary, because room comes when
 * payloads are deleted. Bytes are emitted in buffers of {@value #BUFFER} bytes.
 */
public final class MemoryPayloadStore implements PayloadStore {

  private static final int BUFFER = 16 * 1024;

  private record Kept(StoredPayload about, List<byte[]> bytes) {}

  private final String name;
  private final long capacity;
  private final AtomicLong used = new AtomicLong();
  private final ConcurrentNavigableMap<PayloadKey, Kept> payloads = new ConcurrentSkipListMap<>();

  private MemoryPayloadStore(String name, long capacity) {
    this.name = PayloadStore.requireName(name);
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 1)");
    }
    this.capacity = capacity;
  }

  /**
   * An empty store.
   *
   * @param name what it is called in claims
   * @param capacity how many bytes it takes in all, 1 or more
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static MemoryPayloadStore create(String name, long capacity) {
    return new MemoryPayloadStore(name, capacity);
  }

  @Override
  public String name() {
    return name;
  }

  /** How many payloads are stored. */
  public int size() {
    return payloads.size();
  }

  /** How many bytes are stored, or are being stored. */
  public long bytes() {
    return used.get();
  }

  @Override
  public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(body, "body");
    Objects.requireNonNull(options, "options");
    return Mono.using(
        Writing::new,
        writing ->
            Flux.from(body)
                .doOnNext(buffer -> writing.take(buffer, options))
                .then(Mono.fromSupplier(() -> writing.finish(key, options))),
        Writing::end);
  }

  /**
   * What is being stored. Bytes are taken and the end is reached one signal at a time; {@link #end}
   * may come at any moment, on a cancel. Whoever takes {@code reserved} away decides: the payload
   * keeps its bytes, or gives them back.
   */
  private final class Writing {

    private static final long ENDED = -1;

    private final List<byte[]> bytes = new ArrayList<>();
    private final AtomicLong reserved = new AtomicLong();
    private long size;

    void take(ByteBuffer buffer, PutOptions options) {
      int length = buffer.remaining();
      if (length == 0) {
        return;
      }
      size += length;
      if (options.length().isPresent() && size > options.length().getAsLong()) {
        throw wrongLength("more", options);
      }
      if (used.addAndGet(length) > capacity) {
        used.addAndGet(-length);
        throw StoreFailed.temporary(name, "full, it takes " + capacity + " bytes", null);
      }
      if (reserved.getAndUpdate(r -> r == ENDED ? ENDED : r + length) == ENDED) {
        used.addAndGet(-length);
        return; // cancelled
      }
      byte[] copy = new byte[length];
      buffer.get(copy);
      bytes.add(copy);
    }

    @Nullable StoredPayload finish(PayloadKey key, PutOptions options) {
      if (options.length().isPresent() && size < options.length().getAsLong()) {
        throw wrongLength(Long.toString(size), options);
      }
      if (reserved.getAndSet(ENDED) == ENDED) {
        return null; // cancelled
      }
      StoredPayload about = new StoredPayload(key, size, options.contentType());
      if (payloads.putIfAbsent(key, new Kept(about, bytes)) != null) {
        used.addAndGet(-size);
        throw StoreFailed.permanent(name, "the key " + key + " is taken", null);
      }
      return about;
    }

    void end() {
      long unused = reserved.getAndSet(ENDED);
      if (unused != ENDED) {
        used.addAndGet(-unused);
      }
    }

    private static IllegalArgumentException wrongLength(String actual, PutOptions options) {
      return new IllegalArgumentException(
          "body: " + actual + " bytes (expected: " + options.length().getAsLong() + ")");
    }
  }

  @Override
  public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(range, "range");
    return Flux.defer(
        () -> {
          Kept kept = payloads.get(key);
          return kept == null
              ? Flux.error(new PayloadMissing(name, key))
              : Flux.generate(
                  () -> new Reading(kept, range),
                  (reading, sink) -> {
                    ByteBuffer next = reading.next();
                    if (next == null) {
                      sink.complete();
                    } else {
                      sink.next(next);
                    }
                    return reading;
                  });
        });
  }

  @Override
  public Mono<StoredPayload> stat(PayloadKey key) {
    Objects.requireNonNull(key, "key");
    return Mono.fromSupplier(
        () -> {
          Kept kept = payloads.get(key);
          return kept == null ? null : kept.about();
        });
  }

  @Override
  public Mono<Void> delete(PayloadKey key) {
    Objects.requireNonNull(key, "key");
    return Mono.fromRunnable(
        () -> {
          Kept kept = payloads.remove(key);
          if (kept != null) {
            used.addAndGet(-kept.about().size());
          }
        });
  }

  @Override
  public Flux<PayloadKey> expired(Instant before, int limit) {
    Objects.requireNonNull(before, "before");
    if (limit < 1) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
    }
    return Flux.defer(() -> Flux.fromIterable(payloads.keySet()))
        .takeWhile(key -> key.expiresAt().isBefore(before))
        .take(limit);
  }

  /** Where a reader is in the bytes of a payload. */
  private static final class Reading {

    private final List<byte[]> bytes;
    private long left;
    private int chunk;
    private int at;

    Reading(Kept kept, ByteRange range) {
      bytes = kept.bytes();
      left = Math.min(range.length(), Math.max(0, kept.about().size() - range.offset()));
      long skip = range.offset();
      while (left > 0 && skip >= bytes.get(chunk).length) {
        skip -= bytes.get(chunk++).length;
      }
      at = (int) skip;
    }

    /** A copy of the next bytes, or null. */
    @Nullable ByteBuffer next() {
      if (left == 0) {
        return null;
      }
      byte[] from = bytes.get(chunk);
      int length = (int) Math.min(Math.min(left, BUFFER), from.length - at);
      byte[] copy = new byte[length];
      System.arraycopy(from, at, copy, 0, length);
      left -= length;
      at += length;
      if (at == from.length) {
        chunk++;
        at = 0;
      }
      return ByteBuffer.wrap(copy);
    }
  }
}
