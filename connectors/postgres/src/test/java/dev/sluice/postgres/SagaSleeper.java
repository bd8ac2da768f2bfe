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

import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.Sagas;
import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The process of {@link SagaPausedTest}: says when it is in the middle of a step, goes on when it
 * is told to, and says what came of that.
 */
final class SagaSleeper {

  private SagaSleeper() {}

  public static void main(String[] arguments) {
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    arguments[0],
                    p -> p.schema(arguments[1]).acquireTimeout(Duration.ofSeconds(60)))
                .block());
    SagaServices services = new SagaServices(database);
    Mono<Integer> told =
        Mono.fromCallable(
                () -> {
                  System.out.println("in the middle");
                  return System.in.read();
                })
            .subscribeOn(Schedulers.boundedElastic());
    SagaDefinition<String, String> trip =
        SagaPausedTest.trip(
            services, sagaStep("wait", in -> told.thenReturn(in), s -> s.gives(String.class)));
    Sagas sagas =
        Sagas.over(
            PostgresSagaLog.create(database),
            SagaServices.TEXTS,
            d -> d.definition(trip).lease(Duration.ofSeconds(2)));
    System.out.println(
        sagas
            .run(trip, "7", "in")
            .map(Object::toString)
            .onErrorResume(error -> Mono.just(error.getClass().getSimpleName()))
            .block());
    Runtime.getRuntime().halt(0);
  }
}
