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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.Deadlines;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Expectation;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.memory.MemoryAggregationStore;
import dev.sluice.memory.MemoryIdempotencyStore;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.EventRecorder;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The code of docs/patterns/choreography.md. */
@ExtendWith(LeakCheck.class)
class ChoreographyPageTest {

  private static final class BeltJammed extends Exception {
    private static final long serialVersionUID = 1L;

    String belt() {
      return "7";
    }
  }

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final StringCodec text = StringCodec.utf8();
  private final Map<String, TestChannel> queues = new HashMap<>();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  private Mono<String> unload(String flight) {
    return flight.equals("jam") ? Mono.error(new BeltJammed()) : Mono.just(flight);
  }

  private Mono<String> inform(String flight) {
    return Mono.just(flight);
  }

  @Test
  void anArrival() {
    // #region declare
    EventType<String> landed = EventType.of("flight.landed", text);
    EventType<String> unloaded = EventType.of("bags.unloaded", text);
    EventType<String> jammed = EventType.of("belt.jammed", text);
    EventType<String> notified = EventType.of("passenger.notified", text);

    Participant unloading =
        Participant.named("unloading")
            .on(
                landed,
                flight -> unload(flight).map(unloaded::of),
                r -> r.emits(unloaded).fails(jammed, BeltJammed.class, BeltJammed::belt));
    Participant notifying =
        Participant.named("notifying")
            .on(unloaded, flight -> inform(flight).map(notified::of), r -> r.emits(notified))
            .on(jammed, belt -> inform(belt).map(notified::of), r -> r.emits(notified));

    Choreography arrival =
        Choreography.of(
            "arrival", c -> c.begins(landed).participants(unloading, notifying).ends(notified));
    // #endregion
    TestChannel deadLetters = TestChannel.create("dead");
    IdempotencyStore store = MemoryIdempotencyStore.create(100);
    EventRecorder recorder = EventRecorder.create();
    Outbound<byte[]> events =
        recorder.recording(
            arrival.distribution(p -> queues.computeIfAbsent(p.name(), TestChannel::create)));
    TestChannel queue = queues.get("unloading");
    // #region run
    EventExchange exchange = Choreography.exchange(store, events, s -> s);
    FlowHandle running =
        arrival
            .participate("unloading", Flow.from(queue).deadLetter(deadLetters), exchange)
            .start();
    // #endregion
    FlowHandle other =
        arrival.participate("notifying", Flow.from(queues.get("notifying")), exchange).start();
    // #region test
    events.send(landed.of("BA12").inGroup("BA12").message()).subscribe();
    recorder
        .after("flight.landed")
        .within(Duration.ofSeconds(5))
        .oneOf("passenger.notified", "belt.jammed");
    // #endregion
    assertThat(arrival.graph().toMermaid())
        .isEqualTo(
            """
            flowchart LR
              e0(["flight.landed"])
              e1(["bags.unloaded"])
              e2(["belt.jammed"])
              e3(["passenger.notified"])
              p0["unloading"]
              e0 --> p0
              p0 --> e1
              p0 -. fails .-> e2
              p1["notifying"]
              e1 --> p1
              p1 --> e3
              e2 --> p1
              class e0 begins
              class e3 ends
            """);
    running.stop(Duration.ZERO).subscribe();
    other.stop(Duration.ZERO).subscribe();
  }

  @Test
  void aDeadline() {
    EventType<String> landed = EventType.of("flight.landed", text);
    EventType<String> notified = EventType.of("passenger.notified", text);
    EventType<String> overdue = EventType.of("bags.overdue", text);
    Participant notifying =
        Participant.named("notifying").elsewhere(landed, r -> r.emits(notified));
    TestChannel watched = TestChannel.create("watched");
    TestChannel events = TestChannel.create("events");
    AggregationStore store = MemoryAggregationStore.create(100);
    // #region deadline
    Choreography arrival =
        Choreography.of(
            "arrival",
            c ->
                c.begins(landed)
                    .participants(notifying)
                    .expects(
                        Expectation.after("told", landed, Duration.ofMinutes(30), notified)
                            .emits(overdue, flight -> flight))
                    .ends(overdue));
    Deadlines deadlines = arrival.deadlines(store, events, d -> d);
    FlowHandle watching = deadlines.watch(Flow.from(watched)).start();
    Disposable alarms = deadlines.every(Duration.ofSeconds(1)).subscribe();
    // #endregion
    watched.offer(landed.of("BA12").message());
    time.advanceTimeBy(Duration.ofSeconds(2));
    assertThat(watched.unsettled()).isEmpty();
    assertThat(events.sent()).isEmpty();
    alarms.dispose();
    watching.stop(Duration.ZERO).subscribe();
  }
}
