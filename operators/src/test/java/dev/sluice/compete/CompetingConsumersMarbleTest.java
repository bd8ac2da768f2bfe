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
package dev.sluice.compete;

import static dev.sluice.compete.CompetingConsumers.compete;

import dev.sluice.dispatch.Concurrency;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** What the diagrams show is what happens. */
class CompetingConsumersMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/compete/doc-files");

  private static Mono<String> work(String element, int units) {
    return Mono.just(element).delayElement(Duration.ofMillis(units));
  }

  @Test
  void whoIsFreeTakesTheNext() {
    Set<String> failed = new HashSet<>();
    MarbleScript.load(SCRIPTS.resolve("compete.marble"))
        .verify(
            in ->
                in.get("bags")
                    .transform(
                        compete(
                            bag ->
                                work(bag, 5)
                                    .flatMap(
                                        b ->
                                            b.equals("a1") && failed.add(b)
                                                ? Mono.error(new TimeoutException(b))
                                                : Mono.just(b)),
                            c ->
                                c.concurrency(2)
                                    .onFailure(f -> f.retry(1, Duration.ofMillis(6)).jitter(0)))));
  }

  @Test
  void aBurstIsMetAtOnceAndNobodyIsInterrupted() {
    AtomicLong depth = new AtomicLong();
    MarbleScript.load(SCRIPTS.resolve("competeByDepth.marble"))
        .verify(
            in ->
                in.get("depth")
                    .<String>handle((d, sink) -> depth.set(Long.parseLong(d.substring(1))))
                    .mergeWith(
                        in.get("bags")
                            .transform(
                                compete(
                                    bag -> work(bag, 8),
                                    c ->
                                        c.concurrency(
                                            Concurrency.byDepth(
                                                    () -> Mono.just(depth.get()), 2, 1, 4)
                                                .pollInterval(Duration.ofMillis(2))
                                                .coolDown(Duration.ofMillis(4)))))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"compete.marble", "competeByDepth.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
