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
package dev.sluice.saga;

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.saga.SagaResult.Compensated;
import dev.sluice.saga.SagaResult.Completed;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Two sagas and one record. */
class SemanticLockTest {

  private final AtomicReference<SemanticLock> record = new AtomicReference<>(SemanticLock.FREE);

  /** Changes the record, and then waits to be told how to go on. */
  private Mono<SagaResult<String>> change(String name, Mono<String> then) {
    return Mono.just("in")
        .transform(
            sagaStep(
                "change",
                in ->
                    StepContext.current()
                        .map(step -> record.updateAndGet(lock -> lock.takenBy(step)).holder()),
                s ->
                    s.compensate(
                        (in, out) ->
                            StepContext.current()
                                .doOnNext(
                                    step -> record.updateAndGet(lock -> lock.releasedBy(step))))))
        .flatMap(held -> then)
        .transform(
            Sagas.<String, String>sagaStep(
                "settle",
                in ->
                    StepContext.current()
                        .doOnNext(step -> record.updateAndGet(lock -> lock.releasedBy(step)))
                        .thenReturn(in)))
        .as(saga(name, s -> s));
  }

  @Test
  void keepsTheOtherSagaOut() {
    Sinks.One<String> goOn = Sinks.one();
    AtomicReference<SagaResult<String>> first = new AtomicReference<>();
    change("first", goOn.asMono()).subscribe(first::set);
    assertThat(record.get().holder()).startsWith("first/");

    SagaResult<String> second = change("second", Mono.just("x")).block(Duration.ofSeconds(30));
    assertThat(second)
        .isInstanceOfSatisfying(
            Compensated.class,
            compensated ->
                assertThat(compensated.cause())
                    .isInstanceOfSatisfying(
                        SemanticallyLocked.class,
                        e -> assertThat(e.holder()).isEqualTo(record.get().holder())));
    assertThat(record.get().holder()).as("nobody else gives it back").startsWith("first/");

    goOn.tryEmitValue("done");
    assertThat(first.get()).isEqualTo(new Completed<>("done"));
    assertThat(record.get()).isEqualTo(SemanticLock.FREE);
    assertThat(change("second", Mono.just("x")).block(Duration.ofSeconds(30)))
        .isEqualTo(new Completed<>("x"));
  }

  @Test
  void isGivenBackByTheCompensation() {
    assertThat(
            change("first", Mono.error(new IllegalStateException("no")))
                .block(Duration.ofSeconds(30)))
        .isInstanceOf(Compensated.class);
    assertThat(record.get().isFree()).isTrue();
  }

  @Test
  void isTakenAgainByWhoHasIt() {
    Mono<String> again =
        Mono.just("in")
            .transform(
                sagaStep(
                    "change",
                    in ->
                        StepContext.current()
                            .map(step -> SemanticLock.FREE.takenBy(step).takenBy(step).holder())));
    SagaResult<String> result = again.as(saga("first", s -> s)).block(Duration.ofSeconds(30));
    assertThat(Objects.requireNonNull(result)).isInstanceOf(Completed.class);
  }

  @Test
  void isBounded() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SemanticLock("x".repeat(513)))
        .withMessage("holder: 513 characters (expected: <= 512)");
  }
}
