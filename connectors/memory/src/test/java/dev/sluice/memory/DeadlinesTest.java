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

import static dev.sluice.memory.Arrival.JAMMED;
import static dev.sluice.memory.Arrival.LANDED;
import static dev.sluice.memory.Arrival.OVERDUE;
import static dev.sluice.memory.Arrival.RECONCILED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.SendFailed;
import dev.sluice.choreography.ChoreographySpec;
import dev.sluice.choreography.Deadlines;
import dev.sluice.choreography.EventTrace;
import dev.sluice.choreography.Expectation;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.store.AggregationStore;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What becomes of events that do not come in time. */
@ExtendWith(LeakCheck.class)
class DeadlinesTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final EventTrace trace = EventTrace.create();
  private final Arrival arrival = new Arrival(time, this::expecting);
  private final AggregationStore store = MemoryAggregationStore.create(1_000, Arrival.clock(time));
  private final List<String> alarms = new ArrayList<>();
  private final List<FlowHandle> flows = new ArrayList<>();
  private final List<Disposable> periods = new ArrayList<>();
  private final TestChannel watched = TestChannel.create("watched");
  private boolean alarmFails;

  private ChoreographySpec expecting(ChoreographySpec spec) {
    return spec.trace(trace)
        .ends(OVERDUE)
        .expects(
            Expectation.after("reconciled", LANDED, MINUTE, RECONCILED, JAMMED)
                .emits(OVERDUE, flight -> flight + " is overdue"));
  }

  @AfterEach
  void stop() {
    periods.forEach(Disposable::dispose);
    flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
    time.advanceTimeBy(MINUTE);
    VirtualTimeScheduler.reset();
  }

  /** One that watches, in a process of its own. */
  private Deadlines watch() {
    Deadlines deadlines =
        arrival.choreography.deadlines(
            store,
            arrival.topic,
            d ->
                d.alarm(
                    missed ->
                        Mono.fromRunnable(
                            () -> {
                              if (alarmFails) {
                                throw new IllegalStateException("nobody answers");
                              }
                              alarms.add(
                                  missed.expectation()
                                      + ' '
                                      + TestChannel.text(missed.trigger())
                                      + (missed.failure() == null ? "" : " !"));
                            })));
    flows.add(deadlines.watch(Flow.from(watched)).start());
    periods.add(deadlines.every(Duration.ofSeconds(1)).subscribe());
    return deadlines;
  }

  private Message<byte[]> landed(String flight) {
    Message<byte[]> landed = LANDED.of(flight).inGroup(flight).message();
    watched.offer(landed);
    return landed;
  }

  private Message<byte[]> reconciled(Message<byte[]> landed) {
    return RECONCILED.of(TestChannel.text(landed)).message().toBuilder()
        .correlationId(landed.id())
        .build();
  }

  private double reading(Deadlines deadlines, String name) {
    return Objects.requireNonNull(
        MeterReadings.of(deadlines)
            .read()
            .get("sluice.choreography." + name + "{choreography=arrival}"));
  }

  @Test
  void areMetByAnyOfTheEventsThatAreExpected() {
    Deadlines deadlines = watch();
    Message<byte[]> landed = landed("BA12");
    time.advanceTimeBy(Duration.ofSeconds(59));
    watched.offer(reconciled(landed));
    time.advanceTimeBy(MINUTE.multipliedBy(5));
    assertThat(alarms).isEmpty();
    assertThat(arrival.events.types()).isEmpty();
    assertThat(reading(deadlines, "met")).isEqualTo(1);
  }

  @Test
  void raiseAnAlarmAndEmitAnEventWhenNoneHasCome() {
    Deadlines deadlines = watch();
    Message<byte[]> landed = landed("BA12");
    time.advanceTimeBy(Duration.ofSeconds(59));
    assertThat(alarms).isEmpty();
    time.advanceTimeBy(Duration.ofSeconds(2));
    assertThat(alarms).containsExactly("reconciled BA12");
    assertThat(arrival.events.types()).containsExactly("bags.overdue");
    Message<?> overdue = arrival.events.events().get(0);
    assertThat(overdue.correlationId()).isEqualTo(landed.id());
    assertThat(overdue.causationId()).isEqualTo(landed.id());
    assertThat(new String((byte[]) overdue.payload())).isEqualTo("BA12 is overdue");
    assertThat(trace.of(landed.id())).extracting(EventTrace.Step::by).containsExactly("reconciled");
    watched.offer(reconciled(landed));
    time.advanceTimeBy(MINUTE.multipliedBy(5));
    assertThat(alarms).hasSize(1);
    assertThat(reading(deadlines, "missed")).isEqualTo(1);
    assertThat(reading(deadlines, "late")).isEqualTo(1);
  }

  /** Order between two topics is nothing to rely on. */
  @Test
  void areMetByAnEventThatComesBeforeTheOneThatItFollows() {
    watch();
    Message<byte[]> landed = LANDED.of("BA12").message();
    watched.offer(reconciled(landed));
    watched.offer(landed);
    watched.offer(landed); // again
    time.advanceTimeBy(MINUTE.multipliedBy(5));
    assertThat(alarms).isEmpty();
  }

  @Test
  void outliveTheProcessThatHasSeenTheEvent() {
    watch();
    landed("BA12");
    time.advanceTimeBy(Duration.ofSeconds(30));
    periods.forEach(Disposable::dispose);
    flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
    time.advanceTimeBy(MINUTE.multipliedBy(5));
    assertThat(alarms).isEmpty();
    watch();
    time.advanceTimeBy(Duration.ofSeconds(2));
    assertThat(alarms).containsExactly("reconciled BA12");
  }

  @Test
  void areRaisedByOneOfManyWatchers() {
    watch();
    periods.add(
        arrival
            .choreography
            .deadlines(store, arrival.topic, d -> d)
            .every(Duration.ofSeconds(1))
            .subscribe());
    for (int i = 0; i < 40; i++) {
      landed("BA" + i);
    }
    time.advanceTimeBy(MINUTE.multipliedBy(2));
    assertThat(arrival.events.types()).hasSize(40);
  }

  @Test
  void areRaisedAgainUntilTheEventIsSentAndTheAlarmHeard() {
    boolean[] down = {true};
    TestChannel target = TestChannel.create("target");
    target.onSend(
        (message, sent) -> down[0] ? Mono.error(SendFailed.notSent("target", "down", null)) : sent);
    Deadlines deadlines =
        arrival.choreography.deadlines(
            store,
            target,
            d ->
                d.alarm(
                    missed ->
                        alarmFails
                            ? Mono.error(new IllegalStateException("nobody answers"))
                            : Mono.fromRunnable(() -> alarms.add("heard"))));
    flows.add(deadlines.watch(Flow.from(watched)).start());
    periods.add(deadlines.every(Duration.ofSeconds(1)).subscribe());
    alarmFails = true;
    landed("BA12");
    time.advanceTimeBy(Duration.ofSeconds(65));
    assertThat(target.sent()).isEmpty();
    assertThat(deadlines.warning())
        .isEqualTo("choreography arrival: what is overdue cannot be told (SendFailed)");
    down[0] = false;
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(target.sent()).hasSizeGreaterThan(1);
    assertThat(target.sent()).extracting(Message::id).containsOnly(target.sent().get(0).id());
    alarmFails = false;
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(alarms).containsExactly("heard");
    assertThat(deadlines.warning()).isNull();
    time.advanceTimeBy(MINUTE);
    assertThat(alarms).hasSize(1);
  }

  @Test
  void raiseTheAlarmAlsoWhenTheEventCannotBeMade() {
    Arrival broken =
        new Arrival(
            time,
            c ->
                c.ends(OVERDUE)
                    .expects(
                        Expectation.after("reconciled", LANDED, MINUTE, RECONCILED)
                            .emits(
                                OVERDUE,
                                flight -> {
                                  throw new IllegalStateException("no words");
                                })));
    List<Deadlines.Missed> missed = new ArrayList<>();
    Deadlines deadlines =
        broken.choreography.deadlines(
            store, broken.topic, d -> d.alarm(m -> Mono.fromRunnable(() -> missed.add(m))));
    flows.add(deadlines.watch(Flow.from(watched)).start());
    periods.add(deadlines.every(Duration.ofSeconds(1)).subscribe());
    landed("BA12");
    time.advanceTimeBy(MINUTE.multipliedBy(3));
    assertThat(missed).hasSize(1);
    assertThat(missed.get(0).failure()).hasMessage("no words");
    assertThat(broken.events.types()).isEmpty();
  }

  @Test
  void areOfAKeyOfTheirOwn() {
    Arrival byFlight =
        new Arrival(
            time,
            c ->
                c.expects(
                    Expectation.after("reconciled", LANDED, MINUTE, RECONCILED)
                        .by(message -> Objects.requireNonNull(message.group()))));
    List<String> missed = new ArrayList<>();
    Deadlines deadlines =
        byFlight.choreography.deadlines(
            store,
            byFlight.topic,
            d -> d.alarm(m -> Mono.fromRunnable(() -> missed.add(m.trigger().group()))));
    flows.add(deadlines.watch(Flow.from(watched)).start());
    periods.add(deadlines.every(Duration.ofSeconds(1)).subscribe());
    landed("BA12");
    landed("BA13");
    watched.offer(RECONCILED.of("another conversation").inGroup("BA12").message());
    time.advanceTimeBy(MINUTE.multipliedBy(3));
    assertThat(missed).containsExactly("BA13");
  }

  @Test
  void needSomethingThatIsExpected() {
    Arrival plain = new Arrival(time, c -> c);
    Deadlines watch = watch();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.choreography.deadlines(store, plain.topic, d -> d))
        .withMessage("choreography arrival: no expectations (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> watch.every(Duration.ZERO))
        .withMessage("pause: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> arrival.choreography.deadlines(store, arrival.topic, d -> d.lease(Duration.ZERO)))
        .withMessage("lease: PT0S (expected: > PT0S, <= PT8760H)");
    assertThat(watch.watches()).containsExactly("flight.landed", "bags.reconciled", "belt.jammed");
  }
}
