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

import static dev.sluice.memory.Arrival.LANDED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.SendFailed;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.EventTrace;
import dev.sluice.choreography.EventTrace.What;
import dev.sluice.choreography.Participant;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Three participants on virtual time, and what becomes of each event. */
@ExtendWith(LeakCheck.class)
class ChoreographyTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final EventTrace trace = EventTrace.create();
  private final Arrival arrival = new Arrival(time, c -> c.trace(trace));
  private List<FlowHandle> flows = List.of();

  @AfterEach
  void stop() {
    flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
    time.advanceTimeBy(Duration.ofMinutes(1));
    flows.forEach(flow -> assertThat(flow.stats().unsettled()).as(flow.name()).isZero());
    VirtualTimeScheduler.reset();
  }

  private void start() {
    flows = arrival.start();
  }

  private void assertDeadLetters(String... expected) {
    assertThat(
            arrival.dead.sent().stream()
                .map(m -> TestChannel.text(m) + ' ' + m.headers().get("sl-dl-reason")))
        .containsExactly(expected);
  }

  @Nested
  class Events {

    @Test
    void giveRiseToOthers() {
      start();
      Message<byte[]> landed = arrival.land("BA12");
      arrival.events.after("flight.landed").within(Duration.ofSeconds(3)).oneOf("bags.unloaded");
      arrival.events.after("bags.unloaded").within(Duration.ofSeconds(3)).oneOf("bags.reconciled");
      arrival
          .events
          .after("flight.landed")
          .within(SECOND.multipliedBy(6))
          .allOf("bags.unloaded", "bags.reconciled", "passenger.notified");
      arrival.events.after("flight.landed").within(SECOND.multipliedBy(9)).noneOf("belt.jammed");
      assertThat(arrival.calls)
          .containsExactly("unloading BA12", "reconciling BA12", "notifying BA12");
      List<Message<?>> all = arrival.events.events();
      for (int i = 1; i < all.size(); i++) {
        assertThat(all.get(i).causationId()).isEqualTo(all.get(i - 1).id());
        assertThat(all.get(i).correlationId()).isEqualTo(landed.id());
        assertThat(all.get(i).group()).isEqualTo("BA12");
      }
      assertThat(all.get(1).createdAt().toEpochMilli()).isEqualTo(2_000);
      assertThat(arrival.queues.get("unloading").outcomes("BA12")).containsExactly(Outcome.ack());
    }

    @Test
    void ofOneGroupAreWorkedOnInTheirOrder() {
      start();
      for (int i = 0; i < 3; i++) {
        arrival.topic.send(LANDED.of("BA12 " + i).inGroup("BA12").message()).subscribe();
      }
      time.advanceTimeBy(Duration.ofSeconds(3));
      assertThat(arrival.calls).doesNotContain("unloading BA12 2");
      time.advanceTimeBy(Duration.ofSeconds(30));
      assertThat(arrival.calls.stream().filter(call -> call.startsWith("notifying")))
          .containsExactly("notifying BA12 0", "notifying BA12 1", "notifying BA12 2");
    }

    @Test
    void thatAParticipantDoesNotActOnArePassedOver() {
      start();
      arrival.queues.get("unloading").offer("nonsense");
      assertThat(arrival.queues.get("unloading").outcomes("nonsense")).hasSize(1);
      assertThat(arrival.calls).isEmpty();
    }

    @Test
    void thatCannotBeReadAreDeadLetters() {
      start();
      arrival
          .topic
          .send(Message.builder(new byte[] {(byte) 0xff}).type("flight.landed").build())
          .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertThat(arrival.dead.sent()).hasSize(1);
      assertThat(arrival.dead.sent().get(0).headers().get("sl-dl-reason")).isEqualTo("UNREADABLE");
      assertThat(arrival.calls).isEmpty();
    }

    /** An event is sent when its handler is done, and acknowledged when that is confirmed. */
    @Test
    void areAcknowledgedWhenWhatFollowsIsConfirmed() {
      start();
      Sinks.Empty<Void> confirmed = Sinks.empty();
      arrival
          .queues
          .get("reconciling")
          .onSend((m, sent) -> sent.delayUntil(r -> confirmed.asMono()));
      arrival.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(9));
      assertThat(arrival.queues.get("unloading").unsettled()).hasSize(1);
      confirmed.tryEmitEmpty();
      assertThat(arrival.queues.get("unloading").outcomes("BA12")).containsExactly(Outcome.ack());
    }
  }

  @Nested
  class Failures {

    @Test
    void ofTheBusinessAreEventsOnWhichOthersAct() {
      arrival.work.put("unloading", f -> Mono.error(new Arrival.BeltJammed("belt 7")));
      start();
      arrival.land("BA12");
      arrival
          .events
          .after("flight.landed")
          .within(Duration.ofSeconds(3))
          .allOf("belt.jammed", "passenger.notified");
      assertThat(arrival.calls).containsExactly("unloading BA12", "notifying belt 7");
      assertThat(arrival.queues.get("unloading").outcomes("BA12")).containsExactly(Outcome.ack());
      assertThat(trace.of(arrival.events.events().get(0).id()))
          .extracting(EventTrace.Step::what)
          .contains(What.FAILED);
    }

    @Test
    void ofTheInfrastructureAreTriedAgain() {
      Mono<String> outage = Mono.error(new IllegalStateException("no connection"));
      int[] attempts = new int[1];
      arrival.work.put("unloading", f -> attempts[0]++ < 2 ? outage : Mono.just(f));
      start();
      arrival.land("BA12");
      arrival.events.after("flight.landed").within(Duration.ofSeconds(3)).oneOf("bags.unloaded");
      assertThat(attempts[0]).isEqualTo(3);
      assertThat(arrival.dead.sent()).isEmpty();
    }

    @Test
    void thatLastAreDeadLettersAndRedrivenAreDealtWith() {
      arrival.work.put("unloading", f -> Mono.error(new IllegalStateException("no connection")));
      start();
      Message<byte[]> landed = arrival.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertDeadLetters("BA12 ATTEMPTS_EXHAUSTED");
      arrival.work.remove("unloading");
      arrival.queues.get("unloading").offer(landed);
      arrival.events.after("flight.landed").within(Duration.ofMinutes(1)).oneOf("bags.unloaded");
    }

    @Test
    void anEventThatIsNotDeclaredIsNotSent() {
      Arrival loose =
          new Arrival(
              time,
              c ->
                  c.participants(
                      Participant.named("loose")
                          .on(LANDED, f -> Mono.just(Arrival.JAMMED.of(f)), r -> r)));
      flows = List.of(loose.start("loose"));
      loose.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(loose.events.types()).containsExactly("flight.landed");
      assertThat(loose.dead.sent()).hasSize(1);
    }

    @Test
    void tooManyEventsAreRefused() {
      Flux<String> many = Flux.range(0, Choreography.MAX_EVENTS + 1).map(i -> "bag " + i);
      Arrival loose =
          new Arrival(
              time,
              c ->
                  c.participants(
                      Participant.named("loose")
                          .on(
                              LANDED,
                              f -> many.map(Arrival.UNLOADED::of),
                              r -> r.emits(Arrival.UNLOADED))));
      flows = List.of(loose.start("loose"));
      loose.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(loose.events.types()).containsExactly("flight.landed");
      assertThat(loose.dead.sent()).hasSize(1);
    }

    /** What cannot be remembered would be lost with the process that sends it. */
    @Test
    void eventsThatAreTooLargeToBeRememberedAreNotSent() {
      arrival.work.put("unloading", f -> Mono.just("x".repeat(IdempotencyStore.MAX_RESULT)));
      start();
      arrival.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertThat(arrival.events.types()).containsExactly("flight.landed");
      assertDeadLetters("BA12 POISON");
    }
  }

  @Nested
  class Repetitions {

    @Test
    void areNotActedOnAndSendTheSameAgain() {
      start();
      Message<byte[]> landed = arrival.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(10));
      arrival.topic.send(landed).subscribe();
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertThat(arrival.calls)
          .containsExactly("unloading BA12", "reconciling BA12", "notifying BA12");
      List<? extends Message<?>> unloaded =
          arrival.events.events().stream().filter(m -> m.type().equals("bags.unloaded")).toList();
      assertThat(unloaded).hasSize(2);
      assertThat(unloaded.get(0)).isEqualTo(unloaded.get(1));
      assertThat(trace.of(landed.id()))
          .extracting(EventTrace.Step::what)
          .filteredOn(what -> what == What.REPEATED)
          .hasSize(3);
    }

    /** The send may have arrived: it is sent again, as it was, and the handler is not called. */
    @Test
    void afterASendThatFailedDoNotCallTheHandler() {
      int[] sends = new int[1];
      arrival
          .queues
          .get("reconciling")
          .onSend(
              (message, sent) ->
                  sends[0]++ > 0
                      ? sent
                      : sent.then(Mono.error(SendFailed.unknown("queue", "no answer", null))));
      start();
      arrival.land("BA12");
      time.advanceTimeBy(Duration.ofSeconds(20));
      assertThat(arrival.calls)
          .containsExactly("unloading BA12", "reconciling BA12", "notifying BA12");
      List<Message<byte[]>> received = arrival.queues.get("reconciling").sent();
      assertThat(received).hasSize(2);
      assertThat(received.get(0)).isEqualTo(received.get(1));
    }

    /** Whoever has used the scope for something else has lost the events of this one. */
    @Test
    void whoseEventsAreNotKnownAreNotAcknowledged() {
      IdempotencyKey key = new IdempotencyKey("arrival/unloading", "1");
      IdempotencyStore.Attempt begun = arrival.store.begin(key, SECOND).block();
      arrival
          .store
          .complete((IdempotencyStore.Attempt.Started) begun, null, SECOND.multipliedBy(99))
          .block();
      start();
      arrival.topic.send(LANDED.of("BA12").message().toBuilder().id("1").build()).subscribe();
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertDeadLetters("BA12 ATTEMPTS_EXHAUSTED");
    }
  }

  @Nested
  class Starts {

    @Test
    void needAParticipantThatIsThere() {
      Flow<byte[]> flow = Flow.from(TestChannel.create("q"));
      EventExchange exchange = arrival.exchange;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> arrival.choreography.participate("nobody", flow, exchange))
          .withMessage(
              "participant: nobody (expected: one of [unloading, reconciling, notifying])");
      Choreography other =
          Choreography.of(
              "other",
              c ->
                  c.begins(LANDED)
                      .participants(Participant.named("away").elsewhere(LANDED, r -> r)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> other.participate("away", flow, exchange))
          .withMessage("away acts on flight.landed elsewhere (expected: here)");
    }

    @Test
    void areRefusedWhenTheGraphIsWrong() {
      Choreography wrong =
          Choreography.of(
              "wrong",
              c ->
                  c.participants(
                      Participant.named("unloading").on(LANDED, f -> Mono.empty(), r -> r)));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  wrong.participate(
                      "unloading", Flow.from(TestChannel.create("q")), arrival.exchange))
          .withMessage(
              "choreography wrong: flight.landed: emitted by nobody, consumed by unloading");
    }
  }

  @Nested
  class Watching {

    @Test
    void countsWhatEachParticipantDoes() {
      arrival.work.put(
          "unloading",
          f -> f.equals("BA13") ? Mono.error(new Arrival.BeltJammed("7")) : Mono.just(f));
      start();
      Message<byte[]> first = arrival.land("BA12");
      arrival.land("BA13");
      time.advanceTimeBy(Duration.ofSeconds(10));
      arrival.queues.get("unloading").offer(first);
      time.advanceTimeBy(Duration.ofSeconds(10));
      MeterReadings readings = MeterReadings.of(arrival.choreography);
      String unloading = "{choreography=arrival, participant=unloading}";
      assertThat(readings.read())
          .containsEntry("sluice.choreography.consumed" + unloading, 2.0)
          .containsEntry("sluice.choreography.emitted" + unloading, 2.0)
          .containsEntry("sluice.choreography.failed" + unloading, 1.0)
          .containsEntry("sluice.choreography.repeated" + unloading, 1.0);
    }

    @Test
    void followsAConversation() {
      start();
      Message<byte[]> landed = arrival.land("BA12");
      arrival.land("BA13");
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertThat(trace.of(landed.id()).stream().map(s -> s.by() + " " + s.what() + " " + s.type()))
          .containsExactly(
              "unloading CONSUMED flight.landed",
              "unloading EMITTED bags.unloaded",
              "reconciling CONSUMED bags.unloaded",
              "reconciling EMITTED bags.reconciled",
              "notifying CONSUMED bags.reconciled",
              "notifying EMITTED passenger.notified");
      assertThat(trace.of("nothing")).isEmpty();
    }

    @Test
    void keepsABoundedNumberOfConversationsAndSteps() {
      EventTrace small = EventTrace.create(2, 3);
      List<Message<byte[]>> begun =
          IntStream.range(0, 3).mapToObj(i -> LANDED.of("f" + i).message()).toList();
      begun.forEach(small::observe);
      assertThat(small.of(begun.get(0).id())).isEmpty();
      assertThat(small.of(begun.get(2).id())).hasSize(1);
      IntStream.range(0, 5).forEach(i -> small.observe(begun.get(2)));
      assertThat(small.of(begun.get(2).id())).hasSize(3);
    }

    @Test
    void saysWhatHasNotFollowed() {
      start();
      arrival.land("BA12");
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(
              () -> arrival.events.after("flight.landed").within(SECOND).oneOf("bags.unloaded"))
          .withMessageContaining("within PT1S: expected one of [bags.unloaded]");
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(
              () ->
                  arrival
                      .events
                      .after("flight.landed")
                      .within(SECOND.multipliedBy(5))
                      .noneOf("bags.unloaded"));
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(() -> arrival.events.after("nothing").within(SECOND).oneOf("x"))
          .withMessageContaining("no nothing (expected: at least one)");
      Objects.requireNonNull(arrival);
    }
  }
}
