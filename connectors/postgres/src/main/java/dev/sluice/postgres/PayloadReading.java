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

import dev.sluice.postgres.PostgresPayloadStore.Found;
import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import java.nio.ByteBuffer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** One payload on its way out of its table, a chunk at a time, one ahead of the reader. */
final class PayloadReading {

  private final PostgresPayloadStore store;
  private final PayloadKey key;
  private final Found found;
  private final long from;
  private final long to;

  private PayloadReading(PostgresPayloadStore store, PayloadKey key, Found found, ByteRange range) {
    this.store = store;
    this.key = key;
    this.found = found;
    this.from = range.offset();
    this.to = Math.min(found.size(), from + Math.min(range.length(), found.size()));
  }

  static Flux<ByteBuffer> get(PostgresPayloadStore store, PayloadKey key, ByteRange range) {
    return store
        .find(key)
        .switchIfEmpty(Mono.error(() -> new PayloadMissing(store.name(), key)))
        .flatMapMany(found -> new PayloadReading(store, key, found, range).read());
  }

  private Flux<ByteBuffer> read() {
    if (from >= to) {
      return Flux.empty();
    }
    int first = Math.toIntExact(from / found.chunkSize());
    int last = Math.toIntExact((to - 1) / found.chunkSize());
    return Flux.range(first, last - first + 1).concatMap(this::chunk, 1);
  }

  /** One that is missing was deleted with its payload while it was read. */
  private Mono<ByteBuffer> chunk(int n) {
    return store
        .read(found.put(), n)
        .switchIfEmpty(Mono.error(() -> new PayloadMissing(store.name(), key)))
        .map(
            bytes -> {
              long begins = (long) n * found.chunkSize();
              int begin = (int) Math.max(0, from - begins);
              int end = (int) Math.min(bytes.length, to - begins);
              return ByteBuffer.wrap(bytes, begin, end - begin).slice();
            });
  }
}
