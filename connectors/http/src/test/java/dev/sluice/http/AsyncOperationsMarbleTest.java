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
package dev.sluice.http;

import dev.sluice.memory.MemoryOperationStore;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the diagram shows is what happens. */
class AsyncOperationsMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/http/doc-files/asyncOperations.marble");

  @Test
  void answersAtOnceAndSendsToTheResultWhenItIsThere() {
    MarbleScript.load(SCRIPT).verify(this::answers);
  }

  private Flux<String> answers(Map<String, Flux<String>> in) {
    AsyncOperations operations =
        AsyncOperations.create(
            "claims",
            MemoryOperationStore.create(10),
            run -> Mono.delay(Duration.ofMillis(12)).thenReturn(OperationResult.nothing()),
            s -> s);
    AsyncOperations.Working working = operations.start();
    AtomicReference<String> at = new AtomicReference<>();
    return in.get("requests")
        .flatMap(
            request ->
                operations
                    .answer(call(request, at.get()))
                    .doOnNext(reply -> at.compareAndSet(null, reply.headers().get("Location")))
                    .map(reply -> request.substring(0, 1) + reply.status() / 100))
        .doOnComplete(() -> working.stop(Duration.ZERO).subscribe());
  }

  private static OperationCall call(String request, String at) {
    Map<String, List<String>> headers =
        request.startsWith("w") ? Map.of("Prefer", List.of("wait=10")) : Map.of();
    return new OperationCall(
        request.startsWith("p") ? "POST" : "GET",
        request.startsWith("p") ? "/claims" : at,
        "",
        name -> headers.getOrDefault(name, List.of()),
        "alice",
        null,
        Flux.empty());
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
