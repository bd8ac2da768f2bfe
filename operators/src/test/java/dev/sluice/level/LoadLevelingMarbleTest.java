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
package dev.sluice.level;

import static dev.sluice.level.LoadLeveling.loadLevel;

import dev.sluice.test.marble.MarbleScript;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** What the diagrams show is what happens. */
class LoadLevelingMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/level/doc-files");

  /** The time of the replay. */
  private static final Clock CLOCK =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(Schedulers.parallel().now(TimeUnit.MILLISECONDS));
        }
      };

  @Test
  void whatComesAtOnceGoesOnEvenly() {
    MarbleScript.load(SCRIPTS.resolve("loadLevel.marble"))
        .verify(in -> in.get("orders").transform(loadLevel(c -> c.rate(1, Duration.ofMillis(5)))));
  }

  private static Mono<String> ship(String order, Instant mended) {
    return Mono.delay(Duration.ofMillis(2))
        .flatMap(
            t ->
                CLOCK.instant().isBefore(mended)
                    ? Mono.error(new TimeoutException(order))
                    : Mono.just(order));
  }

  @Test
  void whileTheBreakerIsOpenElementsWait() {
    MarbleScript.load(SCRIPTS.resolve("loadLevelBreaker.marble"))
        .verify(
            in -> {
              Instant mended = CLOCK.instant().plusMillis(8);
              CircuitBreaker breaker =
                  CircuitBreaker.of(
                      "shipping",
                      CircuitBreakerConfig.custom()
                          .clock(CLOCK)
                          .slidingWindowSize(2)
                          .minimumNumberOfCalls(2)
                          .failureRateThreshold(100)
                          .waitDurationInOpenState(Duration.ofMillis(10))
                          .permittedNumberOfCallsInHalfOpenState(1)
                          .build());
              return in.get("orders")
                  .transform(
                      loadLevel(
                          order -> ship(order, mended),
                          c ->
                              c.breaker(breaker)
                                  .concurrency(1)
                                  .onFailure(f -> f.retry(1, Duration.ofMillis(2)).jitter(0))));
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"loadLevel.marble", "loadLevelBreaker.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
