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

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/** Steps whose effects are written down. */
final class Desk {

  /** What has happened, in order: {@code +a} an effect, {@code -a(out)} its compensation. */
  final List<String> log = Collections.synchronizedList(new ArrayList<>());

  /** What stands: effects without their compensations. */
  List<String> standing() {
    List<String> standing = new ArrayList<>();
    for (String entry : List.copyOf(log)) {
      if (entry.startsWith("+")) {
        standing.add(entry.substring(1));
      } else if (entry.startsWith("-")) {
        standing.remove(entry.substring(1, entry.indexOf('(')));
      }
    }
    return standing;
  }

  /** A step that works at once. */
  Function<Mono<String>, Mono<String>> step(String name) {
    return step(name, s -> s);
  }

  Function<Mono<String>, Mono<String>> step(
      String name, UnaryOperator<StepSpec<String, String>> spec) {
    return Sagas.sagaStep(name, in -> work(name, in), s -> spec.apply(s.compensate(undo(name))));
  }

  /** A step that takes a while. */
  Function<Mono<String>, Mono<String>> slow(
      String name, Duration time, UnaryOperator<StepSpec<String, String>> spec) {
    return Sagas.sagaStep(
        name,
        in -> Mono.delay(time).flatMap(tick -> work(name, in)),
        s -> spec.apply(s.compensate(undo(name))));
  }

  /** A step that fails with this. */
  Function<Mono<String>, Mono<String>> failing(
      String name, Throwable error, UnaryOperator<StepSpec<String, String>> spec) {
    return Sagas.sagaStep(
        name,
        in -> {
          log.add("!" + name);
          return Mono.<String>error(error);
        },
        s -> spec.apply(s.compensate(undo(name))));
  }

  Mono<String> work(String name, String in) {
    return Mono.fromCallable(
        () -> {
          log.add("+" + name);
          return in + ">" + name;
        });
  }

  Compensation<String, String> undo(String name) {
    return (in, out) -> Mono.fromRunnable(() -> log.add("-" + name + "(" + out + ")"));
  }
}
