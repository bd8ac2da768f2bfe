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

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.saga.SagaCodecs;
import dev.sluice.saga.Sagas;
import dev.sluice.saga.StepContext;
import dev.sluice.saga.StepSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * What the steps of a saga call: services that honour the idempotency key, and outlive the
 * processes that call them.
 */
final class SagaBank {

  /** Everything here is text. */
  static final SagaCodecs TEXTS =
      new SagaCodecs() {
        @Override
        @SuppressWarnings("unchecked")
        public <T> PayloadCodec<T> of(Class<T> type) {
          return (PayloadCodec<T>) StringCodec.utf8();
        }
      };

  /** How often each key was asked for. */
  final Map<String, Integer> calls = new ConcurrentHashMap<>();

  /** How often each key has had its effect. */
  final Map<String, Integer> effects = new ConcurrentHashMap<>();

  /** In the order in which they came. */
  final List<String> log = Collections.synchronizedList(new ArrayList<>());

  private final Set<String> standing = Collections.synchronizedSet(new LinkedHashSet<>());
  private final Set<String> refused = ConcurrentHashMap.newKeySet();

  /** What stands: effects that are not undone. */
  Set<String> standing() {
    return Set.copyOf(standing);
  }

  /** A step that is undone when it must be. */
  Function<Mono<String>, Mono<String>> step(SagaProcess in, String name) {
    return step(in, name, s -> s);
  }

  Function<Mono<String>, Mono<String>> step(
      SagaProcess in, String name, UnaryOperator<StepSpec<String, String>> spec) {
    return Sagas.sagaStep(
        name,
        input -> StepContext.current().flatMap(step -> in.through(call(step, input))),
        s ->
            spec.apply(
                s.gives(String.class)
                    .compensate(
                        (input, output) ->
                            StepContext.current().flatMap(step -> in.through(undo(step))))));
  }

  Mono<String> call(StepContext step, String input) {
    return Mono.fromSupplier(
        () -> {
          String key = step.idempotencyKey();
          calls.merge(key, 1, Integer::sum);
          log.add("+" + key);
          if (refused.contains(key)) {
            throw new IllegalStateException("too late: " + key);
          }
          if (standing.add(key)) {
            effects.merge(key, 1, Integer::sum);
          }
          return input + ">" + step.step();
        });
  }

  Mono<String> undo(StepContext step) {
    return Mono.fromSupplier(
        () -> {
          String key = step.idempotencyKey().replace("/compensate", "");
          log.add("-" + key);
          refused.add(key);
          standing.remove(key);
          return "undone";
        });
  }
}
