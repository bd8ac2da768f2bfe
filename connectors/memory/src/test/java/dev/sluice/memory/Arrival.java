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
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.ChoreographySpec;
import dev.sluice.choreography.Event;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.EventRecorder;
import dev.sluice.test.TestChannel;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * A flight lands, its bags are unloaded, reconciled, and the passenger is told: three participants
 * on virtual time, each of which takes two seconds, or what a test says.
 */
final class Arrival {

  private static final StringCodec UTF8 = StringCodec.utf8();

  static final EventType<String> LANDED = EventType.of("flight.landed", UTF8);
  static final EventType<String> UNLOADED = EventType.of("bags.unloaded", UTF8);
  static final EventType<String> JAMMED = EventType.of("belt.jammed", UTF8);
  static final EventType<String> RECONCILED = EventType.of("bags.reconciled", UTF8);
  static final EventType<String> NOTIFIED = EventType.of("passenger.notified", UTF8);
  static final EventType<String> OVERDUE = EventType.of("bags.overdue", UTF8);

  /** The belt is out of order: nothing that trying again would help. */
  static final class BeltJammed extends Exception {
    private static final long serialVersionUID = 1L;
    private final String belt;

    BeltJammed(String belt) {
      this.belt = belt;
    }

    String belt() {
      return belt;
    }
  }

  final Map<String, Function<String, Mono<String>>> work = new ConcurrentHashMap<>();
  final List<String> calls = new CopyOnWriteArrayList<>();
  final Map<String, TestChannel> queues = new LinkedHashMap<>();
  final TestChannel dead = TestChannel.create("dead");
  final EventRecorder events = EventRecorder.create();
  final VirtualTimeScheduler time;
  final Choreography choreography;
  final Outbound<byte[]> topic;
  final IdempotencyStore store;
  final EventExchange exchange;

  Arrival(VirtualTimeScheduler time, UnaryOperator<ChoreographySpec> more) {
    this.time = time;
    this.choreography =
        Choreography.of(
            "arrival",
            c ->
                more.apply(
                    c.timer(time)
                        .begins(LANDED)
                        .ends(NOTIFIED)
                        .participants(
                            Participant.named("unloading")
                                .on(
                                    LANDED,
                                    flight -> working("unloading", flight).map(UNLOADED::of),
                                    r ->
                                        r.emits(UNLOADED)
                                            .fails(JAMMED, BeltJammed.class, BeltJammed::belt)),
                            Participant.named("reconciling")
                                .on(
                                    UNLOADED,
                                    flight -> working("reconciling", flight).map(RECONCILED::of),
                                    r -> r.emits(RECONCILED)),
                            Participant.named("notifying")
                                .on(RECONCILED, this::inform, r -> r.emits(NOTIFIED))
                                .on(JAMMED, this::inform, r -> r.emits(NOTIFIED)))));
    this.topic = events.recording(choreography.distribution(this::queue));
    this.store = MemoryIdempotencyStore.create(1_000, clock(time));
    this.exchange = Choreography.exchange(store, topic, s -> s.timer(time));
  }

  static Clock clock(VirtualTimeScheduler time) {
    return new Clock() {
      @Override
      public Instant instant() {
        return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
      }

      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }
    };
  }

  private Mono<Event<String>> inform(String flight) {
    return working("notifying", flight).map(NOTIFIED::of);
  }

  private Mono<String> working(String participant, String flight) {
    calls.add(participant + ' ' + flight);
    return work.getOrDefault(
            participant, f -> Mono.delay(Duration.ofSeconds(2), time).thenReturn(f))
        .apply(flight);
  }

  TestChannel queue(Participant participant) {
    return queues.computeIfAbsent(participant.name(), TestChannel::create);
  }

  FlowHandle start(String participant) {
    return start(participant, exchange);
  }

  FlowHandle start(String participant, EventExchange exchange) {
    return choreography
        .participate(
            participant,
            Flow.from(Objects.requireNonNull(queues.get(participant)))
                .named(participant)
                .onError(
                    ErrorPolicy.defaults()
                        .retries(2)
                        .backoff(Duration.ofSeconds(1), Duration.ofSeconds(1))
                        .jitter(0))
                .deadLetter(dead),
            exchange)
        .start();
  }

  /** All three. */
  List<FlowHandle> start() {
    return queues.keySet().stream().map(this::start).toList();
  }

  Message<byte[]> land(String flight) {
    Message<byte[]> landed = LANDED.of(flight).inGroup(flight).message();
    topic.send(landed).subscribe();
    return landed;
  }
}
