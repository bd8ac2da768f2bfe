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
package dev.sluice.pipes;

import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/** What the diagram shows is what happens. */
class PipelineMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/pipes/doc-files/pipeline.marble");

  private static Filter<String, String> taking(String name, int units, Sinks.Many<String> done) {
    return Filter.of(
        name,
        e ->
            Mono.delay(Duration.ofMillis(units))
                .thenReturn(e)
                .doOnNext(value -> done.tryEmitNext(value).orThrow()));
  }

  @Test
  void anElementGoesThroughTheFiltersInTheOrderInWhichTheyStoodWhenItCame() {
    MarbleScript.load(SCRIPT)
        .verifyLanes(
            in -> {
              Sinks.Many<String> weighed = Sinks.many().unicast().onBackpressureBuffer();
              Sinks.Many<String> screened = Sinks.many().unicast().onBackpressureBuffer();
              Pipeline<String> pipeline =
                  Pipeline.of(
                      "scan", List.of(taking("weigh", 2, weighed), taking("screen", 4, screened)));
              Schedulers.parallel()
                  .schedule(
                      () -> pipeline.reorder(List.of("screen", "weigh")), 5, TimeUnit.MILLISECONDS);
              return Map.of(
                  "weighed", weighed.asFlux(),
                  "screened", screened.asFlux(),
                  "onward", in.get("bags").concatMap(pipeline));
            });
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
