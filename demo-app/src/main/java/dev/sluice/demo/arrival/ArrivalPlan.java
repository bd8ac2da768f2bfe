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
package dev.sluice.demo.arrival;

import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.Event;
import dev.sluice.choreography.EventTrace;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Expectation;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.JacksonCodec;
import java.time.Duration;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Who acts on what when an aircraft has landed, and what they make known then. Nobody knows the
 * others; the whole is in the graph that is derived of it.
 */
final class ArrivalPlan {

  static final String GATES = "gates";
  static final String RAMP = "ramp";
  static final String CAROUSELS = "carousels";
  static final String BELT = "belt";
  static final String DESK = "desk";

  /** Who takes part, in the order of an arrival. */
  static final List<String> PARTICIPANTS = List.of(GATES, RAMP, CAROUSELS, BELT, DESK);

  private static final JacksonCodec<Arrived> CODEC = JacksonCodec.json(Arrived.class);

  static final EventType<Arrived> LANDED = type("flight.landed");
  static final EventType<Arrived> GATE_ASSIGNED = type("gate.assigned");
  static final EventType<Arrived> GATE_REFUSED = type("gate.refused");
  static final EventType<Arrived> UNLOADED = type("bags.unloaded");
  static final EventType<Arrived> HOLD_JAMMED = type("hold.jammed");
  static final EventType<Arrived> CAROUSEL_OPENED = type("carousel.opened");
  static final EventType<Arrived> CAROUSEL_REFUSED = type("carousel.refused");
  static final EventType<Arrived> FIRST_BAG_OUT = type("first-bag.out");
  static final EventType<Arrived> BELT_STOPPED = type("belt.stopped");
  static final EventType<Arrived> OVERDUE = type("bags.overdue");
  static final EventType<Arrived> TOLD = type("passengers.told");
  static final EventType<Arrived> NOT_TOLD = type("passengers.missed");

  /** What there is a deadline for: the types that it has to see. */
  static final List<String> WATCHED = List.of(LANDED.name(), TOLD.name());

  private static final int CONVERSATIONS = 200;
  private static final int STEPS = 50;

  private final Duties duties;
  private final EventTrace trace = EventTrace.create(CONVERSATIONS, STEPS);
  private final Choreography choreography;

  /**
   * @param within by when somebody has to have told the passengers
   */
  ArrivalPlan(Duties duties, Duration within) {
    this.duties = duties;
    this.choreography =
        Choreography.of(
            "arrival",
            c ->
                c.begins(LANDED)
                    .participants(gates(), ramp(), carousels(), belt(), desk())
                    .expects(
                        Expectation.after("told", LANDED, within, TOLD)
                            .emits(
                                OVERDUE, landed -> landed.saying("nothing is heard of the bags")))
                    .ends(NOT_TOLD)
                    .trace(trace));
  }

  Choreography choreography() {
    return choreography;
  }

  /** What becomes of the last {@value #CONVERSATIONS} arrivals, as far as this process sees it. */
  EventTrace trace() {
    return trace;
  }

  private Participant gates() {
    return on(Participant.named(GATES), LANDED, GATE_ASSIGNED, "gate 12", GATE_REFUSED, "no gate");
  }

  private Participant ramp() {
    return on(
        Participant.named(RAMP),
        GATE_ASSIGNED,
        UNLOADED,
        "all bags are out of the hold",
        HOLD_JAMMED,
        "the door of the hold is stuck");
  }

  private Participant carousels() {
    return on(
        Participant.named(CAROUSELS),
        UNLOADED,
        CAROUSEL_OPENED,
        "carousel 3",
        CAROUSEL_REFUSED,
        "all carousels are taken");
  }

  private Participant belt() {
    return on(
        Participant.named(BELT),
        CAROUSEL_OPENED,
        FIRST_BAG_OUT,
        "the first bag is out",
        BELT_STOPPED,
        "the belt has stopped");
  }

  private static EventType<Arrived> type(String name) {
    return EventType.of(name, CODEC);
  }

  /** Passengers are told whatever has become of their bags. */
  private Participant desk() {
    Participant desk = Participant.named(DESK);
    for (EventType<Arrived> trigger :
        List.of(
            FIRST_BAG_OUT, GATE_REFUSED, HOLD_JAMMED, CAROUSEL_REFUSED, BELT_STOPPED, OVERDUE)) {
      desk = on(desk, trigger, TOLD, "told", NOT_TOLD, "nobody is at the desk");
    }
    return desk;
  }

  private Participant on(
      Participant participant,
      EventType<Arrived> trigger,
      EventType<Arrived> success,
      String says,
      EventType<Arrived> failure,
      String why) {
    String name = participant.name();
    return participant.on(
        trigger,
        arrived -> act(name, arrived, success.of(arrived.saying(says)), why),
        r -> r.emits(success).fails(failure, Refused.class, Refused::arrived));
  }

  private Mono<Event<Arrived>> act(
      String name, Arrived arrived, Event<Arrived> success, String why) {
    return duties.refuses(name) ? Mono.error(new Refused(arrived.saying(why))) : Mono.just(success);
  }
}
