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
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A {@link Shelf} for tests of other packages. */
public final class TestShelf implements PayloadStore {

  private final Shelf shelf;

  public TestShelf(String name) {
    shelf = new Shelf(name);
  }

  public Map<PayloadKey, byte[]> payloads() {
    return shelf.payloads;
  }

  public int gets() {
    return shelf.gets.get();
  }

  public void hangPuts() {
    shelf.onPut = put -> Mono.never();
  }

  public void failPuts(int times, Throwable error) {
    AtomicInteger left = new AtomicInteger(times);
    shelf.onPut = put -> left.getAndDecrement() > 0 ? Mono.error(error) : put;
  }

  public void failGets(int times, Throwable error) {
    AtomicInteger left = new AtomicInteger(times);
    shelf.onGet = get -> left.getAndDecrement() > 0 ? Flux.error(error) : get;
  }

  @Override
  public String name() {
    return shelf.name();
  }

  @Override
  public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    return shelf.put(key, body, options);
  }

  @Override
  public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
    return shelf.get(key, range);
  }

  @Override
  public Mono<StoredPayload> stat(PayloadKey key) {
    return shelf.stat(key);
  }

  @Override
  public Mono<Void> delete(PayloadKey key) {
    return shelf.delete(key);
  }

  @Override
  public Flux<PayloadKey> expired(Instant before, int limit) {
    return shelf.expired(before, limit);
  }
}
