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

import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the diagram shows is what happens. */
class RemoteStepMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/saga/doc-files/remoteStep.marble");

  @Test
  void stepsFollowAcknowledgements() {
    MarbleScript.load(SCRIPT).verify(RemoteStepMarbleTest::sent);
  }

  private static Flux<String> sent(Map<String, Flux<String>> in) {
    return Flux.defer(
        () -> {
          Sinks.Many<String> sent = Sinks.many().unicast().onBackpressureBuffer();
          MessagedSaga.Road acks =
              (message, send) ->
                  isAckOf("c", message)
                      ? Mono.just(new Receipt("acks", message.id(), "lost"))
                      : send.delaySubscription(Duration.ofMillis(3));
          MessagedSaga.Road steps =
              (message, send) -> {
                String key = Objects.requireNonNull(message.headers().get("sl-saga-step"));
                boolean undo = "undo".equals(message.headers().get("sl-saga-work"));
                sent.tryEmitNext(key.substring(key.length() - 1) + (undo ? 0 : 1)).orThrow();
                return send;
              };
          MessagedSaga saga = new MessagedSaga(acks, Duration.ofMillis(5));
          return Flux.merge(
              sent.asFlux(),
              Objects.requireNonNull(in.get("order"))
                  .concatMap(order -> saga.run(steps))
                  .doOnComplete(() -> sent.tryEmitComplete().orThrow())
                  .thenMany(Flux.<String>empty()));
        });
  }

  private static boolean isAckOf(String step, Message<byte[]> ack) {
    return new String(ack.payload(), java.nio.charset.StandardCharsets.UTF_8).endsWith(step);
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
