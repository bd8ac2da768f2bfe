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
package dev.sluice.claim;

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A store that does what a test says, and counts what it is asked for. */
final class Shelf implements PayloadStore {

  private static final int BUFFER = 100;

  final String name;
  final Map<PayloadKey, byte[]> payloads = new ConcurrentSkipListMap<>();
  final List<Instant> unfinished = new CopyOnWriteArrayList<>();
  final AtomicInteger puts = new AtomicInteger();
  final AtomicInteger gets = new AtomicInteger();
  final AtomicInteger asked = new AtomicInteger();
  final AtomicInteger running = new AtomicInteger();
  final AtomicInteger mostRunning = new AtomicInteger();
  UnaryOperator<Mono<StoredPayload>> onPut = put -> put;
  UnaryOperator<Flux<ByteBuffer>> onGet = get -> get;
  UnaryOperator<Mono<Void>> onDelete = delete -> delete;

  Shelf(String name) {
    this.name = name;
  }

  Shelf putsTake(Duration time) {
    onPut = put -> Mono.delay(time).then(put);
    return this;
  }

  Shelf getsTake(Duration time) {
    onGet = get -> Mono.delay(time).thenMany(get);
    return this;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    asked.incrementAndGet();
    Mono<StoredPayload> put =
        Flux.from(body)
            .collect(ByteArrayOutputStream::new, Shelf::append)
            .map(
                bytes -> {
                  payloads.put(key, bytes.toByteArray());
                  return new StoredPayload(key, bytes.size(), options.contentType());
                });
    return Mono.defer(
            () -> {
              puts.incrementAndGet();
              mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
              return onPut.apply(put);
            })
        .doOnTerminate(running::decrementAndGet)
        .doOnCancel(running::decrementAndGet);
  }

  private static void append(ByteArrayOutputStream out, ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    out.writeBytes(bytes);
  }

  @Override
  public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
    asked.incrementAndGet();
    return Flux.defer(
        () -> {
          gets.incrementAndGet();
          byte[] bytes = payloads.get(key);
          return onGet.apply(
              bytes == null
                  ? Flux.error(new PayloadMissing(name, key))
                  : Flux.range(0, (bytes.length + BUFFER - 1) / BUFFER)
                      .map(
                          i ->
                              ByteBuffer.wrap(
                                  bytes, i * BUFFER, Math.min(BUFFER, bytes.length - i * BUFFER))));
        });
  }

  @Override
  public Mono<StoredPayload> stat(PayloadKey key) {
    asked.incrementAndGet();
    return Mono.justOrEmpty(payloads.get(key))
        .map(bytes -> new StoredPayload(key, bytes.length, PutOptions.DEFAULT_CONTENT_TYPE));
  }

  @Override
  public Mono<Void> delete(PayloadKey key) {
    asked.incrementAndGet();
    return Mono.defer(() -> onDelete.apply(Mono.fromRunnable(() -> payloads.remove(key))));
  }

  @Override
  public Flux<PayloadKey> expired(Instant before, int limit) {
    asked.incrementAndGet();
    return Flux.fromIterable(payloads.keySet())
        .takeWhile(key -> key.expiresAt().isBefore(before))
        .take(limit);
  }

  @Override
  public Mono<Long> abandonUnfinished(Instant before) {
    asked.incrementAndGet();
    return Mono.fromSupplier(
        () -> {
          long were = unfinished.size();
          unfinished.removeIf(begun -> begun.isBefore(before));
          return were - unfinished.size();
        });
  }
}
