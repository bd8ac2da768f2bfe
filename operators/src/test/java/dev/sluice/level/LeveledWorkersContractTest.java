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

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.List;
import reactor.core.publisher.Flux;

/** The contract of operators, for load leveling of workers. */
class LeveledWorkersContractTest extends OperatorContract<String, String> {

  @Override
  protected String element(int n) {
    return "abc".charAt(n % 3) + "-" + n;
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    return sources
        .get(0)
        .transform(
            loadLevel(
                e -> user.publish("worker", e, values(e)),
                c ->
                    c.rate(1, Duration.ofMillis(1), 3)
                        .breaker(CircuitBreaker.of("service", CircuitBreakerConfig.ofDefaults()))
                        .concurrency(2)
                        .capacity(2)
                        .timer(user.timer())));
  }

  /** One, none or two: with less than two the worker may be a scalar. */
  private static String[] values(String element) {
    return switch (element.charAt(element.length() - 1) % 3) {
      case 0 -> new String[] {element + ", only"};
      case 1 -> new String[] {};
      default -> new String[] {element + ", first", element + ", second"};
    };
  }
}
