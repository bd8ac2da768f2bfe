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
package dev.sluice.choreography;

import dev.sluice.Experimental;
import dev.sluice.channel.EventExchange;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.choreography.EventGraph.Problem;
import dev.sluice.delivery.Delivery;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.idempotent.IdempotentSpec;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.routing.Router;
import dev.sluice.routing.RoutingTable;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.IdempotencyStore;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * A process that nobody directs: each participant acts on events and makes known what has come of
 * it, which others act on. It is written down nowhere but in what the participants declare; this
 * derives the whole from the parts, checks it, and runs the parts of it that are at home in this
 * process.
 *
 * <p>Compared with a {@linkplain dev.sluice.saga.Sagas saga}: there is no one who knows how far it
 * is, who could be asked, retried or cancelled; and no one who has to know everybody, who could be
 * down. What is to be undone is undone by whoever did it, on an event that says so.
 *
 * <pre>{@code
 * Choreography arrival =
 *     Choreography.of(
 *         "arrival",
 *         c -> c.begins(LANDED).participants(unloading, reconciling, notifying).ends(NOTIFIED));
 * EventExchange exchange = Choreography.exchange(store, events, s -> s);
 * FlowHandle running = arrival.participate("unloading", Flow.from(queue), exchange).start();
 * }</pre>
 *
 * <p><b>What a participant does with an event</b> is one step: what its handler does, the memory of
 * it, and the events that follow. See {@link EventExchange} for how, {@link #exchange} for any
 * channel, and {@code PostgresExchange} for one transaction. Events that follow have ids derived
 * from that of their cause, so one that is sent again is recognised by whoever acts on it.
 *
 * <p>Thread-safe.
 */
@Experimental
public final class Choreography implements Metered {

  /** How many events may follow from one at one participant: {@value}. */
  public static final int MAX_EVENTS = 256;

  private static final Logger log = LoggerFactory.getLogger(Choreography.class);

  private static final Function<Message<?>, @Nullable Object> BY_GROUP = Message::group;

  private final String name;
  private final ChoreographySpec spec;
  private final EventGraph graph;
  private final Map<String, Handling.Counts> counts = new ConcurrentHashMap<>();

  private Choreography(String name, ChoreographySpec spec) {
    this.name = name;
    this.spec = spec;
    this.graph = spec.graph();
  }

  /**
   * A choreography. It is checked when the first of its parts starts, so that a wrong one can be
   * looked at.
   *
   * @param name what it is called, 1..{@value Participant#MAX_NAME} characters, not blank; under it
   *     what was done is remembered, so it must not change
   * @param spec its parts, and what is checked, from defaults: every problem is an error
   * @throws IllegalArgumentException if the name is anything else, or two parts have one name
   */
  public static Choreography of(String name, UnaryOperator<ChoreographySpec> spec) {
    return new Choreography(
        Participant.requireName("choreography", name), ChoreographySpec.of(spec));
  }

  /**
   * An exchange for channels and stores of any kind. What follows from an event is remembered with
   * the fact that it was dealt with, then sent and confirmed, and then the event is acknowledged;
   * one that comes again has what was remembered sent again, as it was, and nothing else done.
   *
   * <p>What a handler does, and that it was done, are two steps: a handler whose process dies in
   * between is called again for the same event, with the same {@linkplain Message#id id} to give to
   * whom it calls. What was done when a business failure came is not undone here.
   *
   * @param store what was done; what follows from one event may take {@value
   *     IdempotencyStore#MAX_RESULT} bytes there
   * @param events where events are sent
   * @param spec how what was done is remembered, from defaults: retention of 7 days, a lease of 30
   *     s, a timeout of 10 minutes, a patience of 30 s
   * @throws IllegalArgumentException if an option is out of range
   */
  public static EventExchange exchange(
      IdempotencyStore store, Outbound<byte[]> events, UnaryOperator<IdempotentSpec> spec) {
    return new ConfirmedExchange(
        Objects.requireNonNull(store, "store"),
        Objects.requireNonNull(events, "events"),
        Objects.requireNonNull(spec, "spec"));
  }

  /** What it is called. */
  public String name() {
    return name;
  }

  /** Which events give rise to which, and what is wrong with that. */
  public EventGraph graph() {
    return graph;
  }

  /** Who takes part, in the order in which they were declared. */
  public List<Participant> participants() {
    return List.copyOf(spec.participants().values());
  }

  /**
   * A participant at work. Events of types on which it does not act are acknowledged and passed
   * over; those of one group are worked on in their order, and of different groups as many at once
   * as {@link Participant#concurrency} says. What has failed, other than by a business failure, is
   * tried again as the flow says and goes to its dead letters in the end; redriven from there, it
   * is dealt with like one that comes again.
   *
   * <p><img class="marble" src="doc-files/choreography.svg" alt="Each event gives rise to the next;
   * a business failure is an event too, on which another participant acts">
   *
   * @param participant its name
   * @param events its own channel, to which all events come that it acts on: a subscription to a
   *     topic, a queue. With whatever options a flow has: dead letters, retries, a listener
   * @param exchange what makes one step of each event
   * @return the flow, ready to start; as many of it as are wanted, in any number of processes
   * @throws IllegalArgumentException if there is no such participant here, or the graph has
   *     problems that are errors
   */
  public RunnableFlow participate(String participant, Flow<byte[]> events, EventExchange exchange) {
    Participant one = spec.participants().get(participant);
    if (one == null) {
      throw new IllegalArgumentException(
          "participant: "
              + participant
              + " (expected: one of "
              + spec.participants().keySet()
              + ')');
    }
    one.reactions().stream()
        .filter(reaction -> reaction.handler() == null)
        .findFirst()
        .ifPresent(
            reaction -> {
              throw new IllegalArgumentException(
                  participant + " acts on " + reaction.trigger() + " elsewhere (expected: here)");
            });
    check();
    Handling handling =
        new Handling(
            one,
            name + '/' + participant,
            Objects.requireNonNull(exchange, "exchange"),
            spec.timer(),
            spec.trace(),
            counts.computeIfAbsent(participant, who -> new Handling.Counts()));
    return events
        .filterMessage(handling::wants)
        .<Delivery<byte[]>>transformDeliveries(
            deliveries -> deliveries.map(d -> d.with(d.message().withPayload(d))))
        .groupedConvoy(
            BY_GROUP,
            handling::handle,
            convoy -> convoy.name(participant).concurrency(one.concurrency()))
        .end();
  }

  /** Refuses what is an error, and tells of what is not. */
  private void check() {
    List<Problem> problems = graph.problems();
    List<String> errors =
        problems.stream()
            .filter(p -> spec.severity(p.kind()) == ChoreographySpec.Severity.ERROR)
            .map(Problem::text)
            .toList();
    if (!errors.isEmpty()) {
      throw new IllegalArgumentException("choreography " + name + ": " + String.join("; ", errors));
    }
    problems.stream()
        .filter(p -> spec.severity(p.kind()) == ChoreographySpec.Severity.WARNING)
        .forEach(p -> log.warn("choreography {}: {}", name, p));
  }

  /**
   * What sees to it that events come in time which are expected.
   *
   * @param store where it is kept what is awaited. If it outlives this process, so do the deadlines
   * @param events where events are sent that take the place of others
   * @param spec the options, from defaults: an alarm is a warning in the log
   * @throws IllegalArgumentException if nothing is expected, an option is out of range, or the
   *     graph has problems that are errors
   */
  public Deadlines deadlines(
      AggregationStore store, Outbound<byte[]> events, UnaryOperator<DeadlinesSpec> spec) {
    if (this.spec.expectations().isEmpty()) {
      throw new IllegalArgumentException(
          "choreography " + name + ": no expectations (expected: at least one)");
    }
    check();
    return new Deadlines(
        name,
        this.spec.expectations(),
        Objects.requireNonNull(store, "store"),
        Objects.requireNonNull(events, "events"),
        DeadlinesSpec.of(spec),
        this.spec.timer(),
        this.spec.trace());
  }

  /**
   * A channel to send events to, which puts each into the queues of those who act on it. For where
   * there is no topic that does.
   *
   * @param queues the queue of a participant, asked once for each
   * @return confirms an event when all these queues have; one on which nobody acts, at once
   */
  public Outbound<byte[]> distribution(
      Function<? super Participant, ? extends Outbound<byte[]>> queues) {
    RoutingTable<byte[]> table = RoutingTable.<byte[]>allMatches().otherwise(NOBODY);
    for (Participant participant : spec.participants().values()) {
      Outbound<byte[]> queue = Objects.requireNonNull(queues.apply(participant), "queue");
      table = table.whenMessage(event -> participant.reaction(event.type()) != null, queue);
    }
    return Router.by(name, table);
  }

  private static final Outbound<byte[]> NOBODY =
      new Outbound<>() {
        @Override
        public String name() {
          return "nobody";
        }

        @Override
        public Mono<Receipt> send(Message<byte[]> event) {
          return Mono.just(new Receipt(name(), event.id(), event.type()));
        }
      };

  /**
   * Of each participant at work in this process, tagged {@code choreography} and {@code
   * participant}: {@code sluice.choreography.consumed}, {@code .emitted}, {@code .failed}, {@code
   * .repeated}.
   */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("choreography", name);
    spec.participants().keySet().stream()
        .sorted()
        .forEach(
            participant ->
                counts
                    .computeIfAbsent(participant, who -> new Handling.Counts())
                    .meters(mine.with("participant", participant)));
    EventTrace trace = spec.trace();
    if (trace != null) {
      trace.meters(mine);
    }
  }

  @Override
  public String toString() {
    return "Choreography[" + name + ", " + spec.participants().values() + ']';
  }
}
