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
import dev.sluice.channel.Outbound;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import dev.sluice.store.Aggregation;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.AggregationStore.Claimed;
import dev.sluice.store.AggregationStore.Verdict;
import dev.sluice.time.Times;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Sees to it that what is expected to happen happens in time: an {@link Expectation} whose time is
 * over without any of its events becomes an alarm, and another event where one takes their place.
 *
 * <p>It has a channel of its own, to which the events come that it watches, and a store, in which
 * it notes what is awaited; so a deadline outlives its process where the store does. The events may
 * come in any order: one that was expected may come before the one that it follows.
 *
 * <p>Any number of processes may watch, each with {@link #watch} and {@link #every}. Of those that
 * find a deadline overdue one raises the alarm; another takes it up if it dies.
 */
@Experimental
public final class Deadlines implements Metered, Watched {

  private static final Logger log = LoggerFactory.getLogger(Deadlines.class);
  private static final int BATCH = 16;
  private static final int CONCURRENCY = 16;
  private static final String ARRIVED = "arrived";
  private static final List<String> LEGS = List.of(ARRIVED);

  /*
   * What is awaited is an aggregation with one leg: opened by whichever of its events comes first,
   * with the deadline of the trigger; its leg replied to by the first that was expected, which
   * closes and completes it. What is overdue without that reply is missed; overdue with it, its
   * process has died between the reply and the completion, and nothing is missed. What was missed
   * is completed with a result, so that one that comes late is told from one that comes again.
   */

  /**
   * Something that has not happened in time.
   *
   * @param expectation the name of what was expected
   * @param trigger the event that was to be followed
   * @param oneOf the types of those that could follow
   * @param within the time they had
   * @param failure why there is no event in their place, if it could not be made
   */
  public record Missed(
      String expectation,
      Message<byte[]> trigger,
      List<String> oneOf,
      Duration within,
      @Nullable Throwable failure) {

    @Override
    public String toString() {
      return expectation + ": none of " + oneOf + " within " + within + " after " + trigger;
    }
  }

  private final String name;
  private final List<Expectation<?>> expectations;
  private final AggregationStore store;
  private final Outbound<byte[]> target;
  private final DeadlinesSpec spec;
  private final Scheduler timer;
  private final @Nullable EventTrace trace;

  private final LongAdder met = new LongAdder();
  private final LongAdder missed = new LongAdder();
  private final LongAdder late = new LongAdder();
  private volatile @Nullable String trouble; // why alarms cannot be raised at the moment

  Deadlines(
      String name,
      List<Expectation<?>> expectations,
      AggregationStore store,
      Outbound<byte[]> target,
      DeadlinesSpec spec,
      Scheduler timer,
      @Nullable EventTrace trace) {
    this.name = name;
    this.expectations = expectations;
    this.store = store;
    this.target = target;
    this.spec = spec;
    this.timer = timer;
    this.trace = trace;
  }

  /** The types of events that it has to see: what it is to be subscribed to. */
  public List<String> watches() {
    Set<String> types = new LinkedHashSet<>();
    for (Expectation<?> expectation : expectations) {
      types.add(expectation.trigger().name());
      expectation.oneOf().forEach(type -> types.add(type.name()));
    }
    return List.copyOf(types);
  }

  // == what happens ==

  /**
   * Watches events. One is acknowledged when the store has it; those that it does not watch are
   * acknowledged and passed over.
   *
   * @param events its own channel, with whatever options a flow has
   * @return the flow, ready to start
   */
  public RunnableFlow watch(Flow<byte[]> events) {
    List<String> watched = watches();
    return events
        .filterMessage(event -> watched.contains(event.type()))
        .<Message<byte[]>>transformDeliveries(
            deliveries -> deliveries.map(d -> d.with(d.message().withPayload(d.message()))))
        .compete(this::see, c -> c.name("deadlines of " + name).concurrency(CONCURRENCY))
        .end();
  }

  private Mono<Void> see(Message<byte[]> event) {
    return Flux.fromIterable(expectations)
        .concatMap(
            expectation -> {
              if (expectation.trigger().name().equals(event.type())) {
                return open(expectation, event).then();
              }
              return expectation.awaits(event.type()) ? arrived(expectation, event) : Mono.empty();
            })
        .then();
  }

  private Mono<Aggregation> open(Expectation<?> expectation, Message<byte[]> event) {
    return store.open(key(expectation, event), event, LEGS, expectation.within());
  }

  private Mono<Void> arrived(Expectation<?> expectation, Message<byte[]> event) {
    return open(expectation, event)
        .flatMap(
            awaited ->
                awaited.state() == Aggregation.State.OPEN
                    ? store
                        .add(awaited.key(), ARRIVED, event)
                        .flatMap(
                            added ->
                                added.verdict() == Verdict.LATE
                                    ? Mono.just(added.aggregation())
                                    : end(awaited.key()))
                    : Mono.just(awaited))
        .doOnNext(this::countLate)
        .then();
  }

  /** Empty: it is in time, whoever completes it. */
  private Mono<Aggregation> end(AggregationKey key) {
    return store
        .close(key, spec.lease())
        .flatMap(claimed -> store.complete(claimed, null, spec.retention()))
        .doOnNext(mine -> count(mine, met))
        .then(Mono.empty());
  }

  private void countLate(Aggregation awaited) {
    if (awaited.result() != null || isBeingMissed(awaited)) {
      late.increment();
    }
  }

  private static boolean isBeingMissed(Aggregation awaited) {
    return awaited.state() == Aggregation.State.CLOSED && !awaited.missing().isEmpty();
  }

  // == what does not ==

  /**
   * Raises the alarm for everything that is overdue, one after the other. To be called now and
   * then, by every process; {@link #every} does.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what was missed, when its event is sent, its alarm raised, and both are noted
   *   <dt>Backpressure
   *   <dd>ends no more than are asked for, and one
   *   <dt>Completes/Errors
   *   <dd>completes when nothing is overdue; fails with the first failure of the store, of a send
   *       or of the alarm: what it was about is taken up by the next call
   *   <dt>Cancel
   *   <dd>what was begun is taken up after a lease
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store, the channel or the alarm
   * </dl>
   */
  public Flux<Missed> raiseOverdue() {
    return Flux.fromIterable(expectations).concatMap(this::raiseOverdue, 1);
  }

  private Flux<Missed> raiseOverdue(Expectation<?> expectation) {
    return Flux.defer(() -> store.overdue(scope(expectation), spec.lease(), BATCH))
        .collectList()
        .flatMapMany(
            claimed ->
                claimed.isEmpty()
                    ? Flux.<Missed>empty()
                    : Flux.fromIterable(claimed)
                        .concatMap(one -> raise(expectation, one), 1)
                        .concatWith(
                            claimed.size() < BATCH ? Flux.empty() : raiseOverdue(expectation)));
  }

  /**
   * Raises the alarm for what is overdue, now and after each pause, until it is cancelled.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what was missed, as {@link #raiseOverdue}
   *   <dt>Backpressure
   *   <dd>waits until it is asked for more
   *   <dt>Completes/Errors
   *   <dd>never: a failure is logged, and tried again after the pause
   *   <dt>Cancel
   *   <dd>what was begun is taken up after a lease
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>as {@link #raiseOverdue}; pauses on the {@linkplain ChoreographySpec#timer timer}
   * </dl>
   *
   * @param pause between the end of a look and the beginning of the next, more than zero; by so
   *     much an alarm may be late
   */
  public Flux<Missed> every(Duration pause) {
    Times.positive("pause", pause);
    return raiseOverdue()
        .doOnComplete(() -> trouble = null)
        .onErrorResume(
            failure -> {
              log.warn("deadlines of {}: trying again", name, failure);
              trouble = failure.getClass().getSimpleName();
              return Mono.empty();
            })
        .repeatWhen(ends -> ends.concatMap(end -> Mono.delay(pause, timer), 1));
  }

  private Mono<Missed> raise(Expectation<?> expectation, Claimed claimed) {
    if (hasArrived(expectation, claimed.aggregation())) {
      return store
          .complete(claimed, null, spec.retention())
          .doOnNext(mine -> count(mine, met))
          .then(Mono.empty());
    }
    return Mono.defer(() -> instead(expectation, claimed.aggregation().request()))
        .flatMap(found -> spec.raise(found).thenReturn(found))
        .flatMap(
            found ->
                store
                    .complete(claimed, mark(found), spec.retention())
                    .doOnNext(mine -> count(mine, missed))
                    .thenReturn(found))
        .onErrorResume(
            failure -> store.release(claimed).onErrorComplete().then(Mono.error(failure)));
  }

  /** Also if its process has died before it could say so: an awaited event has opened it. */
  private static boolean hasArrived(Expectation<?> expectation, Aggregation awaited) {
    return awaited.missing().isEmpty()
        || !awaited.request().type().equals(expectation.trigger().name());
  }

  /** What a function of the user throws is no reason to keep the alarm back, for ever. */
  private Mono<Missed> instead(Expectation<?> expectation, Message<byte[]> trigger) {
    Instant now = Instant.ofEpochMilli(timer.now(TimeUnit.MILLISECONDS));
    Message<byte[]> event;
    try {
      event = expectation.insteadOf(trigger, scope(expectation), now);
    } catch (RuntimeException e) {
      return Mono.just(missed(expectation, trigger, e));
    }
    Missed found = missed(expectation, trigger, null);
    return event == null
        ? Mono.just(found)
        : target
            .send(event)
            .doOnNext(
                receipt -> {
                  if (trace != null) {
                    trace.add(EventTrace.What.OVERDUE, event, expectation.name(), now);
                  }
                })
            .thenReturn(found);
  }

  private static Missed missed(
      Expectation<?> expectation, Message<byte[]> trigger, @Nullable Throwable failure) {
    return new Missed(
        expectation.name(),
        trigger,
        expectation.oneOf().stream().map(EventType::name).toList(),
        expectation.within(),
        failure);
  }

  private static Message<byte[]> mark(Missed missed) {
    return missed.trigger().child("missed", new byte[0]);
  }

  private static void count(boolean mine, LongAdder what) {
    if (mine) {
      what.increment();
    }
  }

  private AggregationKey key(Expectation<?> expectation, Message<byte[]> event) {
    return new AggregationKey(scope(expectation), expectation.keyOf(event));
  }

  private String scope(Expectation<?> expectation) {
    return name + '/' + Objects.requireNonNull(expectation.name());
  }

  /** That alarms cannot be raised, since the last round of {@link #every}. */
  @Override
  public @Nullable String warning() {
    String failure = trouble;
    return failure == null
        ? null
        : "choreography " + name + ": what is overdue cannot be told (" + failure + ')';
  }

  /**
   * Tagged {@code choreography}: {@code sluice.choreography.met}, {@code .missed} and {@code
   * .late}, what came when it had been missed.
   */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("choreography", name);
    String unit = "expectations";
    mine.counter("sluice.choreography.met", unit, "Came in time", met::sum);
    mine.counter("sluice.choreography.missed", unit, "Did not come in time", missed::sum);
    mine.counter("sluice.choreography.late", unit, "Came when missed already", late::sum);
  }
}
