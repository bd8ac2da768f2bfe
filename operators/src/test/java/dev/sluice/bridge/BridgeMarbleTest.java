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
package dev.sluice.bridge;

import dev.sluice.channel.SendFailed;
import dev.sluice.test.TestChannel;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** What the diagram shows is what happens. */
class BridgeMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/bridge/doc-files/bridge.marble");

  @Test
  void messagesWaitForATargetThatIsAway() {
    MarbleScript.load(SCRIPT).verify(BridgeMarbleTest::bridge);
  }

  private static Flux<String> bridge(Map<String, Flux<String>> in) {
    return Flux.defer(
        () -> {
          TestChannel legacy = TestChannel.create("legacy").groupBy(text -> text.substring(0, 1));
          TestChannel bags = TestChannel.create("bags");
          Sinks.Many<String> arrived = Sinks.many().unicast().onBackpressureBuffer();
          long begin = now();
          bags.onSend(
              (message, accepted) ->
                  now() - begin >= 3 && now() - begin < 12
                      ? Mono.error(SendFailed.notSent("bags", "away", null))
                      : accepted
                          .delaySubscription(Duration.ofMillis(2))
                          .doOnNext(r -> arrived.tryEmitNext(TestChannel.text(message))));
          Bridge.between(
                  "bsm in",
                  legacy,
                  bags,
                  b -> b.probe(Duration.ofMillis(3), Duration.ofMillis(6)).jitter(0))
              .start();
          return Flux.merge(
              arrived.asFlux(),
              Objects.requireNonNull(in.get("legacy"))
                  .concatMap(text -> Mono.<String>fromRunnable(() -> legacy.offer(text))));
        });
  }

  private static long now() {
    return Schedulers.parallel().now(TimeUnit.MILLISECONDS);
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
