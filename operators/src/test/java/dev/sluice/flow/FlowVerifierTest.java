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
package dev.sluice.flow;

import static dev.sluice.delivery.DeadLetterReason.EXPIRED;
import static dev.sluice.delivery.DeadLetterReason.POISON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.message.Message;
import dev.sluice.observe.FlowStep;
import dev.sluice.test.FlowEnvironment;
import dev.sluice.test.FlowVerifier;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Each expectation holds where it should, and fails where it should, and says why. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class FlowVerifierTest {

  private static final ErrorPolicy POLICY =
      ErrorPolicy.defaults()
          .retries(2)
          .backoff(Duration.ofSeconds(1), Duration.ofSeconds(30))
          .jitter(0);

  private static Flow<String> texts(FlowEnvironment env) {
    return Flow.from(env.source())
        .named("shipping")
        .clock(env.clock())
        .onError(POLICY)
        .deadLetter(env.deadLetters())
        .decode(StringCodec.utf8());
  }

  private static FlowHandle ship(FlowEnvironment env, Function<String, Publisher<String>> worker) {
    return texts(env)
        .groupedConvoy(Message::group, worker)
        .to(env.outbound("shipments", StringCodec.utf8()))
        .start();
  }

  /** What ships everything, except for what is bad. */
  private static FlowVerifier shipping() {
    return FlowVerifier.create(
            env ->
                ship(
                    env,
                    text ->
                        text.contains("bad")
                            ? Mono.error(new IllegalArgumentException("bad"))
                            : Mono.just(text)))
        .groupBy(text -> text.substring(0, 1));
  }

  private static FlowVerifier hanging() {
    return FlowVerifier.create(env -> ship(env, text -> Mono.never()))
        .groupBy(text -> text.substring(0, 1));
  }

  private static void fails(FlowVerifier verifier, String... parts) {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(verifier::verify)
        .satisfies(error -> assertThat(error.getMessage()).contains(parts));
    assertThat(VirtualTimeScheduler.isFactoryEnabled()).isFalse();
  }

  @Nested
  class Outcomes {

    @Test
    void areExpectedByNumberOrByText() {
      shipping()
          .send("a1", "a-bad", "b1", "a2")
          .expectAcked("b1", "a2")
          .expectAcked(1)
          .expectDeadLettered(POISON, "a-bad")
          .expectSent("shipments", 1)
          .expectSent("shipments", "b1", "a2")
          .expectNothingSent("shipments")
          .expectNoUnsettled()
          .expectWaiting()
          .expectOrderPerGroup()
          .expectUp()
          .verify();
    }

    @Test
    void thatDidNotComeAreNamedWithTheStory() {
      fails(
          shipping().send("a1", "a-bad").expectAcked("a1", "a-bad"),
          "step 2: expectAcked(\"a1\", \"a-bad\"): missing: \"a-bad\"",
          "    1. send(\"a1\", \"a-bad\")",
          "  > 2. expectAcked(\"a1\", \"a-bad\")",
          "after PT0S: flow shipping Stats[state=RUNNING",
          "not expected by a step: \"a1\" acknowledged (PROCESSED), \"a-bad\" rejected (POISON",
          "\"a-bad\" of group a, id ",
          "0s  delivered by source 1, attempt 1",
          "0s  dead letter to dead letters confirmed");
    }

    @Test
    void thatDidNotComeOftenEnoughAreCounted() {
      fails(shipping().send("a1").expectAcked(2), "expectAcked(2): expected: 2, was: 1");
      fails(
          shipping().send("a-bad").expectDeadLettered(EXPIRED),
          "expectDeadLettered(EXPIRED, 1): expected: 1, was: 0");
    }

    @Test
    void areConsumedSoThatOneIsNotCountedTwice() {
      fails(shipping().send("a1").expectAcked(1).expectAcked("a1"), "step 3", "missing: \"a1\"");
    }

    @Test
    void thatNobodyExpectedFailTheVerification() {
      fails(
          shipping().send("a1", "b-bad").expectAcked(1).expectSent("shipments", "a1"),
          "at the end: not expected: \"b-bad\" rejected (POISON");
      fails(
          shipping().send("a1").expectAcked(1),
          "at the end: not expected: \"a1\" sent to shipments");
    }

    @Test
    void countWhenTheyHaveTakenEffect() {
      AtomicBoolean down = new AtomicBoolean(true);
      FlowVerifier.create(
              env -> {
                env.deadLetterChannel()
                    .onSend(
                        (letter, accepted) ->
                            down.get()
                                ? Mono.error(SendFailed.notSent("dead letters", "down", null))
                                : accepted);
                return texts(env).map(text -> Integer.valueOf(text)).start();
              })
          .send("one")
          .expectUnsettled(1)
          .expectStalled(SendFailed.class)
          .then(env -> down.set(false))
          .thenAwait(Duration.ofSeconds(1))
          .expectDeadLettered(POISON, "one")
          .expectUp()
          .verify();
    }
  }

  @Nested
  class Time {

    @Test
    void isVirtualForConvoysRetriesAndExpiry() {
      Duration elapsed =
          FlowVerifier.create(
                  env -> ship(env, text -> Mono.delay(Duration.ofHours(1)).thenReturn(text)))
              .groupBy(text -> "a")
              .send("a1", "a2")
              .thenAwait(Duration.ofHours(1))
              .expectAcked("a1")
              .expectSent("shipments", "a1")
              .expectUnsettled(1)
              .thenAwait(Duration.ofHours(1))
              .expectAcked("a2")
              .expectSent("shipments", "a2")
              .verify();
      assertThat(elapsed).isEqualTo(Duration.ofHours(2));
      assertThat(VirtualTimeScheduler.isFactoryEnabled()).isFalse();
    }

    @Test
    void isSeenByTheFlowThroughItsClock() {
      FlowVerifier.create(
              env -> ship(env, text -> Mono.delay(Duration.ofSeconds(5)).thenReturn(text)))
          .send(Message.of(new byte[] {'a'}).withGroup("a"))
          .send(Message.of(new byte[] {'b'}).withGroup("a").expiring(Duration.ofSeconds(5)))
          .thenAwait(Duration.ofSeconds(5))
          .expectAcked("a")
          .expectSent("shipments", "a")
          .expectDeadLettered(EXPIRED, "b")
          .verify();
    }

    @Test
    void ofTheCallerStaysInstalled() {
      VirtualTimeScheduler theirs = VirtualTimeScheduler.getOrSet();
      try {
        shipping().send("a1").expectAcked(1).expectSent("shipments", 1).verify();
        assertThat(VirtualTimeScheduler.get()).isSameAs(theirs);
      } finally {
        VirtualTimeScheduler.reset();
      }
    }

    @Test
    void mayBeRealForAFlowWithThreadsOfItsOwn() {
      FlowVerifier.create(
              env ->
                  ship(
                      env,
                      text ->
                          Mono.just(text)
                              .publishOn(Schedulers.boundedElastic())
                              .delayElement(Duration.ofMillis(20))))
          .inRealTime(Duration.ofSeconds(30))
          .send("a1", "a2")
          .expectAcked("a1", "a2")
          .expectSent("shipments", 2)
          .verify();
      assertThat(Schedulers.parallel().now(TimeUnit.MILLISECONDS)).isPositive();
    }
  }

  @Nested
  class Trouble {

    @Test
    void ofASendIsRetriedUnderTheSameIdWithoutAnyoneOvertaking() {
      AtomicBoolean busy = new AtomicBoolean(true);
      FlowVerifier.create(
              env -> {
                env.channel("shipments")
                    .onSend(
                        (message, accepted) ->
                            busy.getAndSet(false)
                                ? Mono.error(SendFailed.unknown("shipments", "no answer", null))
                                : accepted);
                return ship(env, Mono::just);
              })
          .groupBy(text -> "a")
          .send("a1", "a2")
          .expectUnsettled(2)
          .thenAwait(Duration.ofSeconds(1))
          .expectAcked(2)
          .expectSent("shipments", "a1", "a2")
          .expectOrderPerGroup()
          .verify();
    }

    @Test
    void beforeAConvoyGoesBackToTheSource() {
      AtomicBoolean late = new AtomicBoolean(true);
      FlowVerifier.create(
              env ->
                  texts(env)
                      .map(
                          text -> {
                            if (late.getAndSet(false)) {
                              throw new java.io.UncheckedIOException(new java.io.IOException());
                            }
                            return text;
                          })
                      .start())
          .send("a1")
          .expectRetried("a1")
          .expectWaiting("a1")
          .thenAwait(Duration.ofSeconds(1))
          .expectAcked(1)
          .verify();
    }

    @Test
    void withTheSourceFailsTheFlowAndGivesEverythingBack() {
      hanging()
          .send("a1", "b1")
          .thenFailSource(new IllegalStateException("connection lost"))
          .expectFailed(IllegalStateException.class)
          .expectReleased("a1", "b1")
          .expectWaiting("a1", "b1")
          .verify();
    }

    @Test
    void withTheSourceThatNobodyExpectedFailsTheVerification() {
      fails(
          hanging().send("a1").thenFailSource(new IllegalStateException("gone")).expectReleased(1),
          "at the end: the flow failed (expected: no failure)",
          "gone");
    }

    @Test
    void ofOwnershipIsNoOutcome() {
      hanging()
          .send("a1", "b1")
          .thenLose("a")
          .expectUnsettled(1)
          .thenLoseAll()
          .expectNoUnsettled()
          .expectWaiting()
          .thenAwait(Duration.ofMinutes(1)) // the grace of the workers
          .verify();
    }

    @Test
    void ofAWorkerThatHangsIsEndedByAStop() {
      hanging()
          .send("a1", "a2")
          .thenStop(Duration.ofSeconds(10))
          .expectState(State.STOPPING)
          .thenAwait(Duration.ofSeconds(10))
          .expectState(State.STOPPED)
          .expectReleased(2)
          .expectWaiting("a1", "a2")
          .verify();
    }

    @Test
    void ofStateIsTold() {
      fails(shipping().expectState(State.STOPPED), "expected: STOPPED, was: RUNNING with null");
      fails(
          shipping().expectFailed(TimeoutException.class),
          "expected: FAILED with java.util.concurrent.TimeoutException, was: RUNNING");
      fails(shipping().expectStalled(SendFailed.class), "expected: stalled by", "was: null");
      fails(
          hanging().send("a1").expectNoUnsettled(), "expected: 0 unsettled, was: 1 [source 0 a1]");
      fails(hanging().send("a1").expectWaiting("a1"), "expected: [a1], was: []");
      fails(
          shipping().thenStop(Duration.ZERO).expectUp(), "expected: up, was: Stats[state=STOPPED");
    }

    @Test
    void withTheOrderOfSendsIsFound() {
      fails(
          shipping().send("a1", "b1").expectAcked(2).expectSent("shipments", "b1", "a1"),
          "expected: [b1, a1], was: [a1, b1]");
      fails(
          FlowVerifier.create(
                  env ->
                      texts(env) // without a convoy, nobody keeps the order of slow sends
                          .to(env.outbound("out", StringCodec.utf8()))
                          .start())
              .groupBy(text -> "a")
              .then(
                  env ->
                      env.channel("out")
                          .onSend(
                              (message, accepted) ->
                                  message.payload()[1] == '1'
                                      ? accepted.delaySubscription(Duration.ofSeconds(1))
                                      : accepted))
              .send("a1", "a2")
              .thenAwait(Duration.ofSeconds(1))
              .expectAcked(2)
              .expectOrderPerGroup(),
          "order: \"a1\" of group a: sent to out after \"a2\" of group a, which came later");
    }

    @Test
    void ofAStepIsReportedWithItsCause() {
      IllegalStateException error = new IllegalStateException("user");
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(
              () ->
                  shipping()
                      .then(
                          env -> {
                            throw error;
                          })
                      .verify())
          .withMessageStartingWith("step 1: then(…): user")
          .withCause(error);
    }

    @Test
    void thatReactorHadToDropIsFound() {
      fails(
          FlowVerifier.create(
                  env ->
                      ship(
                          env,
                          text ->
                              Flux.from(
                                  subscriber -> {
                                    subscriber.onSubscribe(Operators.emptySubscription());
                                    subscriber.onComplete();
                                    subscriber.onNext("late");
                                  })))
              .send("a1")
              .expectAcked(1),
          "dropped: value late");
    }

    @Test
    void ofAFlowThatDoesNotEndIsFound() {
      fails(
          FlowVerifier.create(env -> new Endless(ship(env, Mono::just))),
          "at the end: the flow does not end after it was told to stop");
    }
  }

  /** A handle whose flow goes on whatever it is told. */
  private record Endless(FlowHandle flow) implements FlowHandle {
    @Override
    public String name() {
      return flow.name();
    }

    @Override
    public Stats stats() {
      return flow.stats();
    }

    @Override
    public Mono<Long> depth() {
      return flow.depth();
    }

    @Override
    public List<FlowStep> steps() {
      return flow.steps();
    }

    @Override
    public Mono<Void> stop(Duration grace) {
      return Mono.never();
    }

    @Override
    public Mono<Void> terminated() {
      return flow.terminated();
    }
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> shipping().expectAcked(0))
        .withMessage("count: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> shipping().thenAwait(Duration.ofSeconds(-1)))
        .withMessage("duration: PT-1S (expected: >= PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> shipping().inRealTime(Duration.ZERO))
        .withMessage("patience: PT0S (expected: > PT0S)");
  }
}
