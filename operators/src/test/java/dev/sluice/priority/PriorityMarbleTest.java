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
package dev.sluice.priority;

import static dev.sluice.priority.PriorityMerge.prioritize;
import static dev.sluice.priority.PriorityMerge.priorityMerge;

import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the diagrams show is what happens. */
class PriorityMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/priority/doc-files");

  private static Function<Flux<String>, Flux<String>> oneAtATime(int units) {
    return elements ->
        elements.concatMap(e -> Mono.just(e).delayElement(Duration.ofMillis(units)), 0);
  }

  @Test
  void mergesByPriority() {
    MarbleScript.load(SCRIPTS.resolve("priorityMerge.marble"))
        .verify(
            in ->
                priorityMerge(List.of(in.get("urgent"), in.get("normal"), in.get("low")))
                    .transform(oneAtATime(4)));
  }

  @Test
  void reordersByPriority() {
    MarbleScript.load(SCRIPTS.resolve("prioritize.marble"))
        .verify(
            in ->
                in.get("orders")
                    .transform(
                        prioritize(Comparator.<String, Character>comparing(e -> e.charAt(0))))
                    .transform(oneAtATime(6)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"priorityMerge.marble", "prioritize.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
