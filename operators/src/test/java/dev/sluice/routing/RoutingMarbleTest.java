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
package dev.sluice.routing;

import static dev.sluice.routing.WireTap.wireTap;

import dev.sluice.message.Message;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** What the diagrams show is what happens. */
class RoutingMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/routing/doc-files");

  private static Sinks.Many<String> lane() {
    return Sinks.many().unicast().onBackpressureBuffer();
  }

  private static ScriptedTarget belt(String name, Sinks.Many<String> lane) {
    ScriptedTarget belt = new ScriptedTarget(name);
    return belt.answering(
        message -> {
          lane.tryEmitNext(message.payload()).orThrow();
          return Mono.just(belt.receipt(message));
        });
  }

  private static RoutingTable<String> table(ScriptedTarget forA, ScriptedTarget forB) {
    return RoutingTable.<String>firstMatch()
        .when(bag -> bag.startsWith("a"), forA)
        .when(bag -> bag.startsWith("b"), forB);
  }

  @Test
  void eachMessageGoesToTheFirstChannelWhoseRouteAcceptsIt() {
    MarbleScript.load(SCRIPTS.resolve("router.marble"))
        .verifyLanes(
            in -> {
              Sinks.Many<String> one = lane();
              Sinks.Many<String> two = lane();
              Sinks.Many<String> three = lane();
              ScriptedTarget belt1 = belt("belt1", one);
              Router<String> router = Router.by("sorter", table(belt1, belt("belt2", two)));
              Schedulers.parallel()
                  .schedule(
                      () -> router.swap(table(belt1, belt("belt3", three))),
                      9,
                      TimeUnit.MILLISECONDS);
              Flux<String> failed =
                  in.get("bags")
                      .flatMap(
                          bag ->
                              router
                                  .send(Message.of(bag))
                                  .flatMap(receipt -> Mono.<String>empty())
                                  .onErrorResume(Unroutable.class, e -> Mono.just(bag)));
              return Map.of(
                  "belt1", one.asFlux(),
                  "belt2", two.asFlux(),
                  "belt3", three.asFlux(),
                  "failed", failed);
            });
  }

  @Test
  void whatPassesDoesNotWaitForTheTap() {
    MarbleScript.load(SCRIPTS.resolve("wireTap.marble"))
        .verifyLanes(
            in -> {
              Sinks.Many<String> audit = lane();
              Sinks.Many<String> missed = lane();
              Map<String, Flux<String>> out = new LinkedHashMap<>();
              out.put(
                  "onward",
                  in.get("orders")
                      .transform(
                          wireTap(
                              order ->
                                  Mono.delay(Duration.ofMillis(5))
                                      .doOnNext(t -> audit.tryEmitNext(order).orThrow()),
                              c ->
                                  c.capacity(2)
                                      .listener(
                                          new WireTapListener() {
                                            @Override
                                            public void missed(Object order) {
                                              missed.tryEmitNext((String) order).orThrow();
                                            }
                                          }))));
              out.put("audit", audit.asFlux());
              out.put("missed", missed.asFlux());
              return out;
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"router.marble", "wireTap.marble"})
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script));
  }
}
