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
package dev.sluice.docs;

import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.memory.MemorySagaLog;
import dev.sluice.saga.SagaCodecs;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaRecovery;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.Sagas;
import dev.sluice.saga.StepContext;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** The code of the page on sagas that is about journals. */
class DurableSagaPageTest {

  private static final SagaCodecs codecs =
      new SagaCodecs() {
        @Override
        @SuppressWarnings("unchecked")
        public <T> PayloadCodec<T> of(Class<T> type) {
          return (PayloadCodec<T>) StringCodec.utf8();
        }
      };

  private final SagaLog log = MemorySagaLog.create(100);
  private final List<String> undone = new ArrayList<>();
  private boolean refundable = true;

  private Mono<String> hold(String order) {
    return Mono.just("12A");
  }

  private Mono<Void> release(String order, @Nullable String seat) {
    return Mono.fromRunnable(() -> undone.add("hold"));
  }

  private Mono<String> charge(String seat, String idempotencyKey) {
    return Mono.just(idempotencyKey);
  }

  private Mono<Void> refund(String seat, @Nullable String charge) {
    return refundable
        ? Mono.fromRunnable(() -> undone.add("charge"))
        : Mono.error(new IllegalStateException("the bank is closed"));
  }

  // #region definition
  SagaDefinition<String, String> rebook =
      SagaDefinition.of(
          "rebook",
          1,
          String.class,
          String.class,
          order ->
              Mono.just(order)
                  .transform(
                      sagaStep(
                          "hold-seat",
                          this::hold,
                          s -> s.gives(String.class).compensate(this::release)))
                  .transform(
                      sagaStep(
                          "charge",
                          seat ->
                              StepContext.current()
                                  .flatMap(step -> charge(seat, step.idempotencyKey())),
                          s -> s.gives(String.class).compensate(this::refund)))
                  .flatMap(this::confirm));

  // #endregion

  private Mono<String> confirm(String charge) {
    return refundable
        ? Mono.just("ticket for " + charge)
        : Mono.error(new IllegalStateException("sold out"));
  }

  @Test
  void runs() {
    // #region run
    Sagas sagas = Sagas.over(log, codecs, d -> d.definition(rebook).lease(Duration.ofSeconds(30)));
    SagaRecovery recovery = sagas.recover(r -> r.pollInterval(Duration.ofSeconds(10)));

    Mono<SagaResult<String>> rebooked = sagas.run(rebook, "order-7", "order 7");
    // #endregion
    assertThat(rebooked.block())
        .isEqualTo(new SagaResult.Completed<>("ticket for rebook/order-7/charge"));
    recovery.stop().block(Duration.ofSeconds(30));
  }

  @Test
  void isRepairedByHand() {
    refundable = false;
    rebook =
        rebook.with(
            s ->
                s.compensationRetry(
                    r -> r.retries(1).backoff(Duration.ofMillis(1), Duration.ofMillis(1))));
    Sagas sagas = Sagas.over(log, codecs, d -> d.definition(rebook));
    assertThat(sagas.run(rebook, "order-7", "order 7").block())
        .isInstanceOf(SagaResult.Parked.class);
    // #region admin
    SagaKey stuck =
        Objects.requireNonNull(
            sagas
                .admin()
                .list(Query.all().saga("rebook").state(SagaState.PARKED))
                .map(SagaLog.Summary::key)
                .blockFirst());
    sagas.admin().timeline(stuck).subscribe(entry -> System.out.println(entry.event()));
    sagas.admin().skipCompensation(stuck, "charge", "refunded in cash").block();
    // #endregion
    assertThat(sagas.run(rebook, "order-7", "order 7").block())
        .isInstanceOf(SagaResult.Compensated.class);
    assertThat(undone).containsExactly("hold");
  }
}
