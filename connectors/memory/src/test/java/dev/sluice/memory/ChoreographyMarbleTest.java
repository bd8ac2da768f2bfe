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
package dev.sluice.memory;

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the diagram shows is what happens. */
@ExtendWith(LeakCheck.class)
class ChoreographyMarbleTest {

  private static final Path SCRIPT =
      Path.of(
          "../../operators/src/main/java/dev/sluice/choreography/doc-files/choreography.marble");

  private static final StringCodec UTF8 = StringCodec.utf8();
  private static final EventType<String> LANDED = EventType.of("landed", UTF8);
  private static final EventType<String> UNLOADED = EventType.of("unloaded", UTF8);
  private static final EventType<String> JAMMED = EventType.of("jammed", UTF8);
  private static final EventType<String> NOTIFIED = EventType.of("notified", UTF8);

  /** Passes on what is sent after a landing, and shows it. */
  private record Topic(Outbound<byte[]> queues, Sinks.Many<String> shown)
      implements Outbound<byte[]> {

    @Override
    public String name() {
      return "topic";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> event) {
      return Mono.defer(
          () -> {
            if (!event.type().equals(LANDED.name())) {
              shown.tryEmitNext(TestChannel.text(event)).orThrow();
            }
            return queues.send(event);
          });
    }
  }

  private static Mono<String> working(int units, String flight, int digit) {
    return Mono.delay(Duration.ofMillis(units)).thenReturn(flight.substring(0, 1) + digit);
  }

  private static Mono<String> unload(String flight) {
    return working(2, flight, 2)
        .flatMap(
            unloaded ->
                unloaded.equals("c2")
                    ? Mono.error(new IllegalStateException("c0"))
                    : Mono.just(unloaded));
  }

  private static final Choreography ARRIVAL =
      Choreography.of(
          "arrival",
          c ->
              c.begins(LANDED)
                  .ends(NOTIFIED)
                  .participants(
                      Participant.named("unloading")
                          .on(
                              LANDED,
                              flight -> unload(flight).map(UNLOADED::of),
                              r ->
                                  r.emits(UNLOADED)
                                      .fails(
                                          JAMMED,
                                          IllegalStateException.class,
                                          IllegalStateException::getMessage)),
                      Participant.named("notifying")
                          .on(
                              UNLOADED,
                              flight -> working(3, flight, 3).map(NOTIFIED::of),
                              r -> r.emits(NOTIFIED))
                          .on(
                              JAMMED,
                              flight -> working(3, flight, 3).map(NOTIFIED::of),
                              r -> r.emits(NOTIFIED))));

  private static Flux<String> arrive(Flux<String> landed) {
    Map<String, TestChannel> queues = new HashMap<>();
    Sinks.Many<String> shown = Sinks.many().unicast().onBackpressureBuffer();
    Topic topic =
        new Topic(
            ARRIVAL.distribution(p -> queues.computeIfAbsent(p.name(), TestChannel::create)),
            shown);
    EventExchange exchange =
        Choreography.exchange(MemoryIdempotencyStore.create(100), topic, s -> s);
    List<FlowHandle> flows =
        queues.entrySet().stream()
            .map(q -> ARRIVAL.participate(q.getKey(), Flow.from(q.getValue()), exchange).start())
            .toList();
    return Flux.merge(
        shown.asFlux(),
        landed
            .concatMap(flight -> topic.send(LANDED.of(flight).message()))
            .doOnComplete(
                () -> {
                  flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
                  shown.tryEmitComplete().orThrow();
                })
            .thenMany(Flux.<String>empty()));
  }

  @Test
  void eachEventGivesRiseToTheNext() {
    MarbleScript.load(SCRIPT).verify(in -> arrive(in.get("landed")));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
