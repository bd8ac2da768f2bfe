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

import dev.sluice.Experimental;
import reactor.core.publisher.Mono;

/** Who is asking: what an action and a compensation can know of the step that they run for. */
@Experimental
public final class StepContext {

  private final SagaRun<?> run;
  private final String step;
  private final String key;
  private final boolean compensating;
  private final int attempt;

  StepContext(SagaRun<?> run, String step, String key, boolean compensating, int attempt) {
    this.run = run;
    this.step = step;
    this.key = key;
    this.compensating = compensating;
    this.attempt = attempt;
  }

  /**
   * The step that an action or a compensation is running for.
   *
   * <pre>{@code
   * sagaStep(
   *     "charge",
   *     order -> StepContext.current().flatMap(s -> payments.charge(order, s.idempotencyKey())))
   * }</pre>
   *
   * @return emits it; an {@link IllegalStateException} outside the actions and compensations of
   *     steps
   */
  public static Mono<StepContext> current() {
    return Mono.deferContextual(
        context -> {
          Object scope = context.getOrDefault(Sagas.SCOPE, "none");
          return scope instanceof StepContext step
              ? Mono.just(step)
              : Mono.error(
                  new IllegalStateException(
                      "step: none (expected: within the action or the compensation of a step)"));
        });
  }

  /** The name of the saga. */
  public String saga() {
    return run.name;
  }

  /** The id of the saga: that of a durable one; in memory a fresh one for each subscription. */
  public String sagaId() {
    return run.id();
  }

  /** The name of the step. */
  public String step() {
    return step;
  }

  /** The key of the step, {@link StepSpec#key}; empty if it has none. */
  public String key() {
    return key;
  }

  /** Whether it is the compensation that runs. */
  public boolean compensating() {
    return compensating;
  }

  /** The attempt, from 1. */
  public int attempt() {
    return attempt;
  }

  /**
   * What a callee recognises repetitions by: the same for every attempt of this step in this saga,
   * in whatever process, and another one for its compensation.
   */
  public String idempotencyKey() {
    String id = (run.durable() == null ? "" : run.name + "/") + run.id() + "/" + step;
    if (!key.isEmpty()) {
      id += "/" + key;
    }
    return compensating ? id + "/compensate" : id;
  }

  @Override
  public String toString() {
    return (compensating ? "compensation of step " : "step ") + step + " of saga " + run.name;
  }
}
