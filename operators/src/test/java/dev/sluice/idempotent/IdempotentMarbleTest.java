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
package dev.sluice.idempotent;

import static dev.sluice.idempotent.Idempotent.idempotent;

import dev.sluice.codec.StringCodec;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** What the diagram shows is what happens. */
class IdempotentMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/idempotent/doc-files/idempotent.marble");

  @Test
  void doesItOnceForEachKey() {
    MarbleScript.load(SCRIPT)
        .verify(
            in -> {
              return in.get("orders")
                  .transform(
                      idempotent(
                              "charge",
                              (String order) -> order.substring(0, 1),
                              new ScriptedStore(Schedulers.parallel()),
                              order -> Mono.just(order).delayElement(Duration.ofMillis(6)))
                          .replaying(StringCodec.utf8()));
            });
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
