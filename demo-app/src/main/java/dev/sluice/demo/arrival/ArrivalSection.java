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

import dev.sluice.channel.Outbound;
import dev.sluice.choreography.EventTrace;
import dev.sluice.demo.chaos.Breakable;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.message.Message;
import dev.sluice.spring.Flows;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Arrivals on the page: what follows from which landing, and who does their part. Thread-safe. */
final class ArrivalSection implements LiveSection, Breakable {

  private static final int LAST = 8;

  private final ArrivalPlan plan;
  private final Outbound<byte[]> events;
  private final Duties duties;
  private final EventTally tally;
  private final Alarms alarms;
  private final Flows flows;
  private final Clock clock;
  private final Deque<Landing> landings = new ArrayDeque<>(); // guarded by itself

  ArrivalSection(
      ArrivalPlan plan,
      Outbound<byte[]> events,
      Duties duties,
      EventTally tally,
      Alarms alarms,
      Flows flows,
      Clock clock) {
    this.plan = plan;
    this.events = events;
    this.duties = duties;
    this.tally = tally;
    this.alarms = alarms;
    this.flows = flows;
    this.clock = clock;
  }

  /** The queue of a participant, and the flow that works on it. */
  static String flowOf(String participant) {
    return "arrival-" + participant;
  }

  /**
   * An aircraft that has landed.
   *
   * @param id the correlation id of all that follows
   * @param steps how many steps of it are known here
   * @param now the type of the last event; null if that is not known any more
   */
  record Landing(String id, String flight, Instant at, int steps, @Nullable String now) {}

  /**
   * What the page shows of this process.
   *
   * @param events how many events of each type it has made known
   * @param duties what each participant does
   * @param landings the newest first
   * @param alarms the newest first
   */
  record View(
      Map<String, Long> events,
      Map<String, Duties.Duty> duties,
      List<Landing> landings,
      List<Alarms.Alarm> alarms) {}

  @Override
  public String event() {
    return "arrivals";
  }

  @Override
  public View view() {
    List<Landing> known;
    synchronized (landings) {
      known = List.copyOf(landings);
    }
    return new View(
        tally.counts(), duties.all(), known.stream().map(this::withSteps).toList(), alarms.last());
  }

  @Override
  public List<String> broken() {
    return duties.all().entrySet().stream()
        .filter(duty -> duty.getValue() != Duties.Duty.WORKS)
        .map(duty -> duty.getKey() + " " + duty.getValue().name().toLowerCase(Locale.ROOT))
        .toList();
  }

  private Landing withSteps(Landing landing) {
    List<EventTrace.Step> steps = plan.trace().of(landing.id());
    String now =
        steps.stream()
            .filter(step -> step.what() != EventTrace.What.CONSUMED)
            .reduce((earlier, later) -> later)
            .map(EventTrace.Step::type)
            .orElse(null);
    return new Landing(landing.id(), landing.flight(), landing.at(), steps.size(), now);
  }

  /** An aircraft lands; emits when that is known to those who act on it. */
  Mono<Landing> land(Departure departure) {
    return Mono.defer(
        () -> {
          Message<byte[]> landed =
              ArrivalPlan.LANDED
                  .of(new Arrived(departure.flight(), "has landed"))
                  .inGroup(departure.key())
                  .message();
          plan.trace().observe(landed);
          return events
              .send(landed)
              .map(
                  receipt ->
                      landed(
                          new Landing(
                              landed.id(), departure.flight(), clock.instant(), 1, landed.type())));
        });
  }

  private Landing landed(Landing landing) {
    tally.add(ArrivalPlan.LANDED.name());
    synchronized (landings) {
      landings.addFirst(landing);
      if (landings.size() > LAST) {
        landings.removeLast();
      }
    }
    return landing;
  }

  /** What is known here of an arrival, in its order; empty if nothing is. */
  List<EventTrace.Step> follow(String id) {
    return plan.trace().of(id);
  }

  /** The graph, as Mermaid text. */
  String mermaid() {
    return plan.choreography().graph().toMermaid();
  }

  /** Has a participant of this process do its part, refuse, or sleep. */
  Mono<Void> set(String participant, Duties.Duty duty) {
    return Mono.defer(
        () -> {
          duties.set(participant, duty);
          if (duty == Duties.Duty.SLEEPS) {
            return flows.pause(flowOf(participant));
          }
          flows.resume(flowOf(participant));
          return Mono.empty();
        });
  }
}
