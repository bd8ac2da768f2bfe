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

import static dev.sluice.dispatch.ReadyOrder.mostUrgentFirst;
import static dev.sluice.priority.PriorityMerge.priorityDispatch;

import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** What the diagram shows is what happens. */
class PriorityDispatchMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/priority/doc-files/priorityDispatch.marble");

  @Test
  void whoIsFreeTakesTheMostUrgent() {
    MarbleScript.load(SCRIPT)
        .verify(
            in ->
                in.get("bags")
                    .transform(
                        priorityDispatch(
                            mostUrgentFirst(Comparator.comparing((String bag) -> bag.charAt(0))),
                            bag -> Mono.just(bag).delayElement(Duration.ofMillis(5)),
                            c -> c.concurrency(1))));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
