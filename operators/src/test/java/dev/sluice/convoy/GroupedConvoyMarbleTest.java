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
package dev.sluice.convoy;

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;

import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** What the diagrams show is what happens. */
class GroupedConvoyMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/convoy/doc-files");

  private static Mono<String> work(String element, int units) {
    return Mono.just(element).delayElement(Duration.ofMillis(units));
  }

  @Test
  void keepsTheOrderOfAGroup() {
    MarbleScript.load(SCRIPTS.resolve("groupedConvoy.marble"))
        .verify(
            in ->
                in.get("orders")
                    .transform(
                        groupedConvoy(
                            order -> order.charAt(0),
                            order -> work(order, 6),
                            c -> c.concurrency(2))));
  }

  @Test
  void retriesInPlaceWithoutAWorker() {
    Set<String> failed = new HashSet<>();
    MarbleScript.load(SCRIPTS.resolve("groupedConvoyRetry.marble"))
        .verify(
            in ->
                in.get("orders")
                    .transform(
                        groupedConvoy(
                            order -> order.charAt(0),
                            order ->
                                work(order, 3)
                                    .flatMap(
                                        o ->
                                            o.equals("a1") && failed.add(o)
                                                ? Mono.error(new TimeoutException(o))
                                                : Mono.just(o)),
                            c ->
                                c.concurrency(1)
                                    .onFailure(f -> f.retry(1, Duration.ofMillis(8)).jitter(0)))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"groupedConvoy.marble", "groupedConvoyRetry.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
