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
package dev.sluice.pubsub;

import dev.sluice.message.Message;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the diagrams show is what happens. */
class TopicMarbleTest {

  private static final Path SCRIPTS = Path.of("src/main/java/dev/sluice/pubsub/doc-files");

  private static Message<String> message(String flight) {
    return Message.of(flight).withType(flight.substring(0, 1));
  }

  /** Publishes the first at once, so that subscribers begin with the earliest. */
  private static void feed(Flux<String> flights, Topic<String> topic) {
    flights.subscribe(flight -> topic.publish(message(flight)), e -> {}, topic::close);
  }

  private static Flux<String> working(Flux<Message<String>> messages, int units) {
    return messages.concatMap(m -> Mono.delay(Duration.ofMillis(units)).thenReturn(m.payload()), 0);
  }

  @Test
  void eachSubscriberGetsWhatItWantsAtItsOwnPace() {
    MarbleScript.load(SCRIPTS.resolve("topic.marble"))
        .verifyLanes(
            in -> {
              Topic<String> topic = Topic.create("flights");
              feed(in.get("flights"), topic);
              return Map.of(
                  "screens", topic.messages(s -> s.fromEarliest()).map(Message::payload),
                  "gates", topic.messages(s -> s.fromEarliest().types("a")).map(Message::payload),
                  "archive", working(topic.messages(s -> s.fromEarliest()), 10));
            });
  }

  private static void slowly(String script, UnaryOperator<SubscriberSpec<String>> spec) {
    MarbleScript.load(SCRIPTS.resolve(script))
        .verifyLanes(
            in -> {
              Topic<String> topic = Topic.create("flights");
              Sinks.Many<String> dropped = Sinks.many().unicast().onBackpressureBuffer();
              SubscriberListener listener =
                  new SubscriberListener() {
                    @Override
                    public void dropped(Published<?> published) {
                      dropped.tryEmitNext((String) published.message().payload()).orThrow();
                    }
                  };
              feed(in.get("flights"), topic);
              return Map.of(
                  "slow",
                      working(
                          topic.messages(s -> spec.apply(s.fromEarliest().listener(listener))), 5),
                  "dropped", dropped.asFlux());
            });
  }

  @Test
  void aSlowSubscriberCatchesUp() {
    slowly("catchUp.marble", s -> s.catchUp());
  }

  @Test
  void theOldestMakesRoom() {
    slowly("dropOldest.marble", s -> s.dropOldest(2));
  }

  @Test
  void thoseThatComeAreDropped() {
    slowly("dropNewest.marble", s -> s.dropNewest(2));
  }

  @Test
  void onlyTheLatestWaits() {
    slowly("latest.marble", s -> s.latest());
  }

  @Test
  void ofOneKeyOnlyTheLatestWaits() {
    slowly("coalesce.marble", s -> s.coalesce(m -> m.payload().charAt(0), 10));
  }

  @Test
  void aSubscriberThatIsTooSlowIsDisconnected() {
    slowly("disconnect.marble", s -> s.disconnect(2));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "topic",
        "catchUp",
        "dropOldest",
        "dropNewest",
        "latest",
        "coalesce",
        "disconnect"
      })
  void thePictureIsFresh(String script) {
    MarbleScript.verifyPicture(SCRIPTS.resolve(script + ".marble"));
  }
}
