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

import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the diagrams show is what happens. */
class SagaMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/saga/doc-files");

  /** Three steps of three units each, as their actions and compensations end. */
  private static Flux<String> effects(Map<String, Flux<String>> in, boolean result) {
    Sinks.Many<String> effects = Sinks.many().unicast().onBackpressureBuffer();
    Mono<String> body = in.getOrDefault("order", Flux.never()).next();
    for (String step : new String[] {"a", "b", "c"}) {
      body =
          body.transform(
              Sagas.<String, String>sagaStep(
                  step,
                  input ->
                      Mono.delay(Duration.ofMillis(3))
                          .flatMap(
                              tick -> {
                                if (step.equals("c")) {
                                  return Mono.<String>error(new IllegalStateException("c"));
                                }
                                effects.emitNext(step + "1", Sinks.EmitFailureHandler.FAIL_FAST);
                                return Mono.just(input);
                              }),
                  s ->
                      s.compensate(
                          (input, output) ->
                              Mono.delay(Duration.ofMillis(3))
                                  .doOnNext(
                                      tick ->
                                          effects.emitNext(
                                              step + "0", Sinks.EmitFailureHandler.FAIL_FAST)))));
    }
    Mono<String> drawn =
        body.as(Sagas.<String>saga("saga", s -> s))
            .map(how -> how instanceof SagaResult.Compensated ? "x" : "?");
    return result
        ? drawn.flux()
        : drawn
            .doOnTerminate(() -> effects.emitComplete(Sinks.EmitFailureHandler.FAIL_FAST))
            .flatMapMany(how -> Flux.<String>empty())
            .mergeWith(effects.asFlux());
  }

  @Test
  void undoesTheLastStepFirst() {
    MarbleScript.load(SCRIPTS.resolve("sagaStep.marble")).verify(in -> effects(in, false));
  }

  @Test
  void saysSoWhenAllIsUndone() {
    MarbleScript.load(SCRIPTS.resolve("saga.marble")).verify(in -> effects(in, true));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sagaStep.marble", "saga.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
