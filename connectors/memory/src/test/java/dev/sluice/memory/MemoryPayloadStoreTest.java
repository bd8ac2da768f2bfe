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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.contract.PayloadStoreContract;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class MemoryPayloadStoreTest extends PayloadStoreContract {

  private static final int MIB = 1024 * 1024;

  private final MemoryPayloadStore store = MemoryPayloadStore.create("memory", 16 * MIB);

  @Override
  protected PayloadStore store() {
    return store;
  }

  @Override
  protected int partSize() {
    return 64 * 1024;
  }

  /** Whatever was stored, failed, cancelled or raced: it counts what it has, and nothing else. */
  @AfterEach
  void countsItsBytes() {
    long stored =
        store
            .expired(Instant.parse("9999-01-01T00:00:00Z"), Integer.MAX_VALUE)
            .concatMap(store::stat)
            .reduce(0L, (sum, payload) -> sum + payload.size())
            .blockOptional()
            .orElse(0L);
    assertThat(store.bytes()).isEqualTo(stored);
  }

  @Test
  void refusesMoreThanItTakesUntilThereIsRoom() {
    MemoryPayloadStore small = MemoryPayloadStore.create("small", 10);
    PayloadKey first = PayloadKey.next(Instant.now());
    StepVerifier.create(small.put(first, bytes(6), PutOptions.defaults()))
        .expectNextCount(1)
        .verifyComplete();
    PayloadKey second = PayloadKey.next(Instant.now());
    StepVerifier.create(small.put(second, bytes(5), PutOptions.defaults()))
        .verifyErrorSatisfies(
            error ->
                assertThat(error)
                    .hasMessage("small: full, it takes 10 bytes")
                    .isInstanceOfSatisfying(
                        StoreFailed.class, failed -> assertThat(failed.isTemporary()).isTrue()));
    assertThat(small.bytes()).isEqualTo(6);
    StepVerifier.create(small.delete(first)).verifyComplete();
    StepVerifier.create(small.put(second, bytes(5), PutOptions.defaults()))
        .expectNextCount(1)
        .verifyComplete();
    assertThat(small.size()).isEqualTo(1);
  }

  @Test
  void checksItsOptions() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryPayloadStore.create("memory", 0))
        .withMessage("capacity: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemoryPayloadStore.create("../memory", 1))
        .withMessage("name: \"../memory\" (expected: 1..64 of a-z, 0-9 and '-')");
  }

  private static Flux<ByteBuffer> bytes(int size) {
    return Flux.range(0, size).map(i -> ByteBuffer.allocate(1));
  }
}
