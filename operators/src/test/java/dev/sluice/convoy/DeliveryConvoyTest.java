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
package dev.sluice.convoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * The convoy of deliveries: who is settled how and when. Messages are words; their group is their
 * first letter.
 */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class DeliveryConvoyTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(time.now(java.util.concurrent.TimeUnit.MILLISECONDS));
        }
      };

  private final ErrorPolicy policy =
      ErrorPolicy.defaults()
          .retries(2)
          .backoff(Duration.ofSeconds(1), Duration.ofSeconds(30))
          .jitter(0);

  private final Sinks.Many<Delivery<String>> source = Sinks.many().unicast().onBackpressureBuffer();
  private final Map<String, TestPublisher<String>> workers = new HashMap<>();
  private final List<String> started = new ArrayList<>();
  private final List<Delivery<String>> emitted = new ArrayList<>();
  private final List<String> heard = new ArrayList<>();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  private long demand = Long.MAX_VALUE;

  private final BaseSubscriber<Delivery<String>> subscriber =
      new BaseSubscriber<>() {
        @Override
        protected void hookOnSubscribe(Subscription s) {
          if (demand > 0) {
            request(demand);
          }
        }

        @Override
        protected void hookOnNext(Delivery<String> delivery) {
          emitted.add(delivery);
        }

        @Override
        protected void hookOnError(Throwable error) {
          failure.set(error);
        }
      };

  private final class Listener implements ConvoyListener<Message<String>> {
    @Override
    public void subscribed(LaneGauges gauges) {
      DeliveryConvoyTest.this.gauges.set(gauges);
    }

    @Override
    public void retrying(Message<String> m, int attempt, Duration delay, Throwable error) {
      heard.add("retrying " + m.payload() + " after attempt " + attempt + " in " + delay);
    }

    @Override
    public void skipped(Message<String> m, Throwable error) {
      heard.add("skipped " + m.payload() + ": " + error.getMessage());
    }

    @Override
    public void deadLettered(Message<String> m, Throwable error) {
      heard.add("dead-lettered " + m.payload() + ": " + error.getMessage());
    }
  }

  /** Workers that a test drives; each start of one makes a new publisher. */
  private TestPublisher<String> work(String payload) {
    started.add(payload);
    TestPublisher<String> worker = TestPublisher.create();
    workers.put(payload, worker);
    return worker;
  }

  private void start(UnaryOperator<ConvoySpec<Message<String>>> spec) {
    start(
        GroupedConvoy.ofDeliveries(
            Message::group,
            payload -> work(payload).mono(),
            c -> spec.apply(c.concurrency(2).lookAhead(64).timer(time).listener(new Listener()))));
  }

  private void start(DeliveryConvoy<String, String> convoy) {
    source.asFlux().transform(convoy.onError(policy).clock(clock)).subscribe(subscriber);
  }

  private Probe offer(String name) {
    return offer(Probe.of(name));
  }

  private Probe offer(Probe probe) {
    source.tryEmitNext(probe.delivery()).orThrow();
    return probe;
  }

  private Delivery<String> last() {
    return emitted.get(emitted.size() - 1);
  }

  private void decide(Outcome outcome) {
    assertThat(last().settlement().settle(outcome)).isTrue();
  }

  private static Outcome retry(Duration delay) {
    return Outcome.retry(delay, new TimeoutException("further down"));
  }

  @Nested
  class Values {

    @Test
    void areDeliveriesThatMustBeSettledBeforeTheirMessageIs() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").emit("A1");

      assertThat(last().message().payload()).isEqualTo("A1");
      assertThat(a1.decided).isEmpty();
      decide(Outcome.filtered());
      assertThat(a1.decided).containsExactly(Outcome.ack());
    }

    @Test
    void ofAMonoKeepTheIdAndThoseOfOtherPublishersGetTheSameOnesOnEveryAttempt() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group,
              payload -> payload.startsWith("a") ? Mono.just("A") : Flux.just("B", "C").hide(),
              c -> c.timer(time)));
      Delivery<String> one = Probe.of("a1").delivery();
      Delivery<String> two = Probe.of("b1").delivery();
      source.tryEmitNext(one).orThrow();
      source.tryEmitNext(two).orThrow();

      assertThat(emitted).hasSize(3);
      assertThat(emitted.get(0).message().id()).isEqualTo(one.message().id());
      List<String> ids = emitted.stream().map(d -> d.message().id()).toList();
      assertThat(ids.subList(1, 3)).doesNotContain(two.message().id()).doesNotHaveDuplicates();
      emitted.get(0).settlement().settle(Outcome.ack());
      emitted.get(1).settlement().settle(Outcome.ack());
      emitted.get(2).settlement().settle(retry(Duration.ZERO));
      assertThat(emitted.stream().skip(3).map(d -> d.message().id())).isEqualTo(ids.subList(1, 3));
      settleTheRest();
    }

    @Test
    void tellTheAttemptsOfTheSourceAndOfTheLaneTogether() {
      start(c -> c.onFailure(f -> f.retry(9, Duration.ofSeconds(1))));
      Probe probe = Probe.of("a1");
      source.tryEmitNext(probe.delivery(3, null)).orThrow();
      workers.get("a1").error(new TimeoutException());
      time.advanceTimeBy(Duration.ofSeconds(30));
      workers.get("a1").emit("A1");

      assertThat(last().origin().attempt()).isEqualTo(4);
      assertThat(last().origin().position()).isEqualTo("a1");
      decide(retry(Duration.ZERO));
      workers.get("a1").emit("A1");
      assertThat(last().origin().attempt()).isEqualTo(5);
      decide(Outcome.ack());
      assertThat(probe.decided).containsExactly(Outcome.ack());
    }

    @Test
    void noneAtAllIsAnAck() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").complete();
      assertThat(a1.decided).containsExactly(Outcome.ack());
    }

    @Test
    void severalGiveTheirMessageTheWorstOfTheirOutcomes() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group, payload -> Flux.just("A", "B", "C").hide(), c -> c.timer(time)));
      Probe a1 = offer("a1");
      emitted.get(1).settlement().settle(Outcome.filtered());
      emitted.get(2).settlement().settle(new Outcome.Release(Why.BUSY, Duration.ZERO));
      assertThat(a1.decided).isEmpty();
      Outcome.Reject reject = new Outcome.Reject(DeadLetterReason.POISON, null);
      emitted.get(0).settlement().settle(reject);
      assertThat(a1.decided)
          .containsExactly(
              reject.withFailedChildren(
                  List.of(emitted.get(2).message().id(), emitted.get(0).message().id())));
    }
  }

  private void settleTheRest() {
    emitted.forEach(d -> d.settlement().settle(Outcome.ack()));
  }

  @Nested
  class Order {

    @Test
    void theNextOfAGroupStartsWhenTheEffectHasHappenedNotWhenItIsDecided() {
      start(c -> c.concurrency(1));
      Probe a1 = offer(Probe.slow("a1"));
      offer("a2");
      offer("b1");
      workers.get("a1").complete();

      assertThat(a1.decided).containsExactly(Outcome.ack());
      assertThat(started).containsExactly("a1", "b1"); // the slot is free, the group is not
      workers.get("b1").complete();
      assertThat(started).containsExactly("a1", "b1"); // a free slot does not unlock the group
      a1.done();
      assertThat(started).containsExactly("a1", "b1", "a2");
      workers.get("a2").complete();
    }

    @Test
    void aRetryFromFurtherDownComesBackBeforeTheNextOfTheGroup() {
      start(c -> c);
      Probe a1 = offer("a1");
      Probe a2 = offer("a2");
      workers.get("a1").emit("A1");
      decide(retry(Duration.ofSeconds(5)));

      assertThat(gauges.get().sleeping()).isEqualTo(1);
      assertThat(started).containsExactly("a1");
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(started).containsExactly("a1", "a1");
      assertThat(a1.decided).isEmpty(); // the source knows nothing of it
      workers.get("a1").emit("A1");
      decide(Outcome.ack());
      assertThat(started).containsExactly("a1", "a1", "a2");
      workers.get("a2").complete();
      assertThat(a1.decided).containsExactly(Outcome.ack());
      assertThat(a2.decided).containsExactly(Outcome.ack());
    }

    @Test
    void retriesFromFurtherDownEndWithTheAttempts() {
      start(c -> c);
      Probe a1 = offer("a1");
      for (int attempt = 1; attempt <= 3; attempt++) {
        workers.get("a1").emit("A1");
        decide(retry(Duration.ZERO));
      }
      assertThat(started).hasSize(3);
      assertThat(a1.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              r -> {
                assertThat(r.reason()).isEqualTo(DeadLetterReason.ATTEMPTS_EXHAUSTED);
                assertThat(r.attempts()).isEqualTo(3);
                assertThat(r.cause()).hasMessage("further down");
              });
    }

    @Test
    void aReleaseFromFurtherDownBurnsNoAttempt() {
      start(c -> c);
      Probe a1 = offer("a1");
      for (int i = 0; i < 20; i++) {
        workers.get("a1").emit("A1");
        assertThat(last().origin().attempt()).isEqualTo(1);
        decide(new Outcome.Release(Why.BUSY, Duration.ofSeconds(1)));
        time.advanceTimeBy(Duration.ofSeconds(1));
      }
      workers.get("a1").emit("A1");
      decide(Outcome.ack());
      assertThat(a1.decided).containsExactly(Outcome.ack());
    }

    @Test
    void messagesWithoutAGroupHaveNone() {
      start(
          GroupedConvoy.ofDeliveries(
              message -> null, payload -> work(payload).mono(), c -> c.timer(time)));
      offer("a1");
      offer("a2");
      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
      workers.get("a1").complete();
    }
  }

  @Nested
  class Failures {

    @Test
    void areRetriedInTheLaneByThePolicyThenDeadLettered() {
      start(c -> c);
      Probe a1 = offer("a1");
      Probe a2 = offer("a2");
      workers.get("a1").error(new TimeoutException("1"));
      time.advanceTimeBy(Duration.ofSeconds(1));
      workers.get("a1").error(new TimeoutException("2"));
      time.advanceTimeBy(Duration.ofSeconds(2));
      workers.get("a1").error(new TimeoutException("3"));

      assertThat(a1.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              r -> {
                assertThat(r.reason()).isEqualTo(DeadLetterReason.ATTEMPTS_EXHAUSTED);
                assertThat(r.attempts()).isEqualTo(3);
              });
      assertThat(heard)
          .containsExactly(
              "retrying a1 after attempt 1 in PT1S",
              "retrying a1 after attempt 2 in PT2S",
              "dead-lettered a1: 3");
      workers.get("a2").complete();
      assertThat(a2.decided).containsExactly(Outcome.ack());
    }

    @Test
    void countWhatTheSourceHasCounted() {
      start(c -> c);
      Probe a1 = Probe.of("a1");
      source.tryEmitNext(a1.delivery(3, null)).orThrow();
      workers.get("a1").error(new TimeoutException());
      assertThat(a1.decided).singleElement().isInstanceOf(Outcome.Reject.class);
    }

    @Test
    void ofPoisonAreDeadLetteredAtOnce() {
      start(c -> c);
      Probe a1 = offer("a1");
      IllegalArgumentException poison = new IllegalArgumentException("bad");
      workers.get("a1").error(poison);
      assertThat(a1.decided).containsExactly(Outcome.reject(DeadLetterReason.POISON, poison));
    }

    @Test
    void afterAValueAreNotRetriedAndWaitForTheValue() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group, payload -> work(payload).flux(), c -> c.timer(time)));
      Probe a1 = offer("a1");
      workers.get("a1").next("A1").error(new TimeoutException("late"));

      assertThat(a1.decided).isEmpty();
      decide(Outcome.ack());
      assertThat(a1.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              r -> assertThat(r.reason()).isEqualTo(DeadLetterReason.ATTEMPTS_EXHAUSTED));
      assertThat(started).containsExactly("a1");
    }

    @Test
    void ofSomeOfItsValuesAreNamedInTheRejection() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group, payload -> work(payload).flux(), c -> c.timer(time)));
      Probe a1 = offer("a1");
      workers.get("a1").next("A1", "A2", "A3").complete();
      emitted.get(0).settlement().settle(Outcome.ack());
      emitted.get(1).settlement().settle(Outcome.reject(DeadLetterReason.POISON, null));
      emitted.get(2).settlement().settle(Outcome.ack());

      assertThat(a1.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              r -> {
                assertThat(r.failedChildren()).containsExactly(emitted.get(1).message().id());
                assertThat(r.attempts()).isZero();
              });
    }

    @Test
    void mayBeSkipped() {
      start(c -> c.onFailure(f -> f.then(GroupVerdict.SKIP)));
      Probe a1 = offer("a1");
      workers.get("a1").error(new IllegalArgumentException("bad"));
      assertThat(a1.decided).containsExactly(Outcome.ack());
      assertThat(heard).containsExactly("skipped a1: bad");
    }

    @Test
    void mayEndEverythingAndThenGiveEverythingBack() {
      start(c -> c.onFailure(f -> f.then(GroupVerdict.FAIL_FLOW)));
      Probe a1 = offer("a1");
      Probe a2 = offer("a2");
      Probe b1 = offer("b1");
      workers.get("a1").error(new IllegalArgumentException("bad"));

      assertThat(failure.get()).hasMessage("bad");
      for (Probe probe : List.of(a1, a2, b1)) {
        assertThat(probe.decided).containsExactly(Outcome.release(Why.CANCELLED));
      }
      workers.get("b1").assertCancelled();
    }

    @Test
    void thatAreFatalEndEverythingWhateverTheVerdict() {
      start(c -> c.onFailure(f -> f.classifier(e -> Kind.FATAL).then(GroupVerdict.SKIP)));
      Probe a1 = offer("a1");
      workers.get("a1").error(new Exception("fatal"));
      assertThat(failure.get()).hasMessage("fatal");
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void ofTheVirtualMachineEndEverything() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group,
              payload -> {
                throw new NoClassDefFoundError("boom");
              },
              c -> c.timer(time)));
      Probe a1 = offer("a1");
      assertThat(failure.get()).isInstanceOf(NoClassDefFoundError.class);
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void ofTheClassifierMakeTheMessagePoison() {
      IllegalStateException ours = new IllegalStateException("classifier");
      start(
          c ->
              c.onFailure(
                  f ->
                      f.classifier(
                          e -> {
                            throw ours;
                          })));
      Probe a1 = offer("a1");
      Probe b1 = offer("b1");
      IllegalArgumentException theirs = new IllegalArgumentException("worker");
      workers.get("a1").error(theirs);
      workers.get("b1").error(ours); // which the classifier throws as its own
      assertThat(theirs).hasSuppressedException(ours);
      assertThat(a1.decided).containsExactly(Outcome.reject(DeadLetterReason.POISON, theirs));
      assertThat(b1.decided).containsExactly(Outcome.reject(DeadLetterReason.POISON, ours));
    }

    @Test
    void ofTheGroupFunctionAreNotRetried() {
      TimeoutException error = new TimeoutException("no group");
      DeliveryConvoy<String, String> convoy =
          GroupedConvoy.ofDeliveries(
              message -> {
                throw new java.io.UncheckedIOException(new java.io.IOException(error));
              },
              payload -> work(payload).mono(),
              c -> c.timer(time).listener(new Listener()));
      start(convoy);
      Probe a1 = offer("a1");
      assertThat(a1.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class, r -> assertThat(r.reason()).isEqualTo(DeadLetterReason.POISON));
      assertThat(started).isEmpty();
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void ofTheGroupFunctionCanEndEverything() {
      start(
          GroupedConvoy.ofDeliveries(
              message -> {
                throw new IllegalArgumentException("no group");
              },
              payload -> work(payload).mono(),
              c -> c.onFailure(f -> f.then(GroupVerdict.FAIL_FLOW))));
      Probe a1 = offer("a1");
      assertThat(failure.get()).hasMessage("no group");
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void ofDeadLettersKeepTheGroupWaiting() {
      start(c -> c);
      Probe a1 = offer(Probe.slow("a1"));
      offer("a2");
      workers.get("a1").error(new IllegalArgumentException("bad"));
      assertThat(a1.decided).hasSize(1);
      assertThat(started).containsExactly("a1");
      a1.done(); // the dead letter is confirmed
      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
    }
  }

  @Nested
  class NotStarted {

    @Test
    void isWhatHasExpiredWhileItWaited() {
      start(c -> c);
      offer("a1");
      Probe a2 = Probe.of("a2");
      source.tryEmitNext(a2.delivery(1, clock.instant().plusSeconds(10))).orThrow();
      time.advanceTimeBy(Duration.ofSeconds(10));
      workers.get("a1").complete();

      assertThat(a2.decided).containsExactly(Outcome.reject(DeadLetterReason.EXPIRED, null));
      assertThat(started).containsExactly("a1");
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void isWhatTheSourceHasTakenBack() {
      start(c -> c);
      offer("a1");
      Probe a2 = offer("a2");
      Probe a3 = offer("a3");
      a2.settle(Outcome.release(Why.STOPPED));
      workers.get("a1").complete();

      assertThat(started).containsExactly("a1", "a3");
      assertThat(a2.decided).containsExactly(Outcome.release(Why.STOPPED));
      workers.get("a3").complete();
      assertThat(a3.decided).containsExactly(Outcome.ack());
    }

    @Test
    void againIsWhatTheSourceHasTakenBackWhileItWasFurtherDown() {
      start(c -> c);
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").emit("A1");
      a1.settle(Outcome.release(Why.STOPPED));
      decide(retry(Duration.ofDays(1)));

      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
    }
  }

  @Nested
  class Loss {

    @Test
    void ofAMessageThatWaitsLetsTheNextGo() {
      start(c -> c);
      offer("a1");
      Probe a2 = offer("a2");
      offer("a3");
      a2.lose();
      workers.get("a1").complete();

      assertThat(started).containsExactly("a1", "a3");
      assertThat(a2.outcome()).isEqualTo(Outcome.release(Why.LOST));
      workers.get("a3").complete();
    }

    @Test
    void givesTheWorkerAGraceAndKeepsTheGroupLockedUntilThen() {
      start(c -> c.lossGrace(Duration.ofSeconds(3)));
      Probe a1 = offer("a1");
      offer("a2"); // of a later epoch, perhaps the same message again
      a1.lose();
      time.advanceTimeBy(Duration.ofMillis(2_999));
      workers.get("a1").assertNotCancelled();
      assertThat(started).containsExactly("a1");
      time.advanceTimeBy(Duration.ofMillis(1));

      workers.get("a1").assertCancelled();
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      assertThat(a1.decided).isEmpty(); // nothing reaches the source any more
      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
    }

    @Test
    void hasAGraceOfFiveSecondsByDefaultOnTheConvoysTimer() {
      start(c -> c);
      Probe a1 = offer("a1");
      a1.lose();
      time.advanceTimeBy(Duration.ofMillis(4_999));
      workers.get("a1").assertNotCancelled();
      time.advanceTimeBy(Duration.ofMillis(1));
      workers.get("a1").assertCancelled();
    }

    @Test
    void withoutAGraceCancelsAtOnce() {
      start(c -> c.lossGrace(Duration.ZERO));
      Probe a1 = offer("a1");
      a1.lose();
      time.advanceTime();
      workers.get("a1").assertCancelled();
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
    }

    @Test
    void givesTheValuesThatNobodyDecidesTheSameGrace() {
      start(c -> c.lossGrace(Duration.ofSeconds(3)));
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").emit("A1"); // and its send hangs
      time.advanceTimeBy(Duration.ofHours(1));
      a1.lose();
      time.advanceTimeBy(Duration.ofMillis(2_999));
      assertThat(started).containsExactly("a1");
      time.advanceTimeBy(Duration.ofMillis(1));

      assertThat(started).containsExactly("a1", "a2");
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      decide(Outcome.ack()); // the send comes back after all
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      workers.get("a2").complete();
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void isOneGraceForTheWorkerAndItsValues() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group,
              payload -> work(payload).flux(),
              c -> c.timer(time).lossGrace(Duration.ofSeconds(3))));
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").next("A1"); // its send hangs, and so does the worker
      a1.lose();
      time.advanceTimeBy(Duration.ofSeconds(3));

      workers.get("a1").assertCancelled();
      assertThat(started).containsExactly("a1", "a2");
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      decide(Outcome.ack());
      workers.get("a2").complete();
    }

    /** Whoever stands between the convoy and the source hears what was done, see ADR 0020. */
    @Test
    void isASuccessOfAWorkerThatEndsInTheGraceWithoutEffectAtTheSource() {
      start(c -> c);
      Probe a1 = offer("a1");
      AtomicReference<Outcome> became = new AtomicReference<>();
      a1.onDone(became::set);
      a1.lose();
      workers.get("a1").complete();
      assertThat(a1.outcome()).isEqualTo(Outcome.ack());
      assertThat(a1.decided).isEmpty();
      assertThat(became.get()).isEqualTo(Outcome.release(Why.LOST));
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void beforeTheWorkerStartsIsNoSuccess() {
      start(c -> c);
      offer("a1");
      Probe a2 = offer("a2");
      a2.lose();
      workers.get("a1").complete();
      assertThat(started).containsExactly("a1");
      assertThat(a2.outcome()).isEqualTo(Outcome.release(Why.LOST));
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void isNoReasonToRetryAWorkerThatFailsInTheGrace() {
      start(c -> c);
      Probe a1 = offer("a1");
      offer("a2");
      a1.lose();
      workers.get("a1").error(new TimeoutException());
      assertThat(started).containsExactly("a1", "a2");
      assertThat(heard).isEmpty();
      workers.get("a2").complete();
    }

    @Test
    void isNoReasonToRunAgainWhatComesBackFromFurtherDown() {
      start(c -> c);
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").emit("A1");
      a1.lose();
      decide(retry(Duration.ZERO));
      assertThat(started).containsExactly("a1", "a2");
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      workers.get("a2").complete();
    }

    @Test
    void whileItSleepsIsSeenWhenItWakes() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").error(new TimeoutException());
      a1.lose();
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(started).containsExactly("a1");
      assertThat(a1.outcome()).isEqualTo(Outcome.release(Why.LOST));
      assertThat(gauges.get().lanes()).isZero();
    }

    @Test
    void afterTheDecisionFreesTheGroup() {
      start(c -> c);
      Probe a1 = offer(Probe.slow("a1"));
      offer("a2");
      workers.get("a1").complete();
      a1.lose(); // before the effect has happened
      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
    }

    @Test
    void endsTheWaitForTheValueOfAWorkerThatNeededNoSubscription() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group,
              payload -> {
                started.add(payload);
                return Mono.just(payload);
              },
              c -> c.timer(time)));
      Probe a1 = offer("a1");
      offer("a2");
      a1.lose();
      time.advanceTimeBy(Duration.ofMillis(4_999));
      assertThat(started).containsExactly("a1");
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(started).containsExactly("a1", "a2");
      settleTheRest();
    }

    @Test
    void endsTheWaitOfAFailedWorkersValuesToo() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group, payload -> work(payload).flux(), c -> c.timer(time)));
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").next("A1");
      a1.lose();
      workers.get("a1").error(new TimeoutException());
      assertThat(started).containsExactly("a1");
      time.advanceTimeBy(Duration.ofSeconds(5));

      assertThat(started).containsExactly("a1", "a2");
      workers.get("a2").complete();
      decide(Outcome.ack());
    }

    @Test
    void discardsValuesThatStillWaitForDemandWhenTheGraceIsOver() {
      demand = 0;
      start(c -> c);
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").emit("A1");
      a1.lose();
      time.advanceTimeBy(Duration.ofSeconds(5));

      assertThat(started).containsExactly("a1", "a2");
      subscriber.request(1);
      assertThat(emitted).isEmpty();
      workers.get("a2").emit("A2");
      assertThat(last().message().payload()).isEqualTo("A2");
      decide(Outcome.ack());
    }

    @Test
    void thatIsDecidedInTheGraceDisturbsNothingWhenTheGraceIsOver() {
      start(c -> c);
      Probe a1 = offer("a1");
      offer("a2");
      workers.get("a1").emit("A1");
      a1.lose();
      decide(Outcome.ack());
      assertThat(started).containsExactly("a1", "a2");
      time.advanceTimeBy(Duration.ofSeconds(5));

      workers.get("a2").assertNotCancelled();
      workers.get("a2").complete();
      assertThat(heard).isEmpty();
    }

    @Test
    void inALaterRunFindsNoWatchOfAnEarlierOne() {
      start(c -> c);
      Probe a1 = offer("a1");
      for (int i = 0; i < 3; i++) {
        workers.get("a1").emit("A1");
        decide(Outcome.release(Why.BUSY));
      }
      a1.lose();
      assertThat(time.getScheduledTaskCount()).isEqualTo(1);
      time.advanceTimeBy(Duration.ofSeconds(5));
      workers.get("a1").assertCancelled();
    }

    @Test
    void isNotWaitedForAfterTheWorkerHasEnded() {
      start(c -> c);
      Probe a1 = offer(Probe.slow("a1"));
      workers.get("a1").complete();
      a1.lose();
      assertThat(time.getScheduledTaskCount()).isZero();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void givesBackWhatRunsAndWhatWaits() {
      start(c -> c);
      List<Probe> probes = List.of(offer("a1"), offer("a2"), offer("b1"), offer("c1"));
      subscriber.cancel();
      for (Probe probe : probes) {
        assertThat(probe.decided).containsExactly(Outcome.release(Why.CANCELLED));
      }
      workers.get("a1").assertCancelled();
    }

    @Test
    void leavesTheDecisionToWhoeverHasTheValues() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").emit("A1");
      subscriber.cancel();
      assertThat(a1.decided).isEmpty();
      decide(Outcome.ack());
      assertThat(a1.decided).containsExactly(Outcome.ack());
    }

    @Test
    void makesAReleaseOfWhatWouldComeBack() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").emit("A1");
      subscriber.cancel();
      decide(retry(Duration.ofSeconds(1)));
      // not a Retry: its delay would let the messages behind it overtake it
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void neverMakesAnAckOfATruncatedWorker() {
      start(
          GroupedConvoy.ofDeliveries(
              Message::group, payload -> work(payload).flux(), c -> c.timer(time)));
      Probe a1 = offer("a1");
      workers.get("a1").next("A1");
      subscriber.cancel();
      decide(Outcome.ack());
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void releasesWhatSleeps() {
      start(c -> c);
      Probe a1 = offer("a1");
      workers.get("a1").error(new TimeoutException());
      subscriber.cancel();
      assertThat(a1.decided).containsExactly(Outcome.release(Why.CANCELLED));
      time.advanceTimeBy(Duration.ofMinutes(1));
      assertThat(started).containsExactly("a1");
    }
  }

  @Nested
  class Options {

    @Test
    void theErrorPolicyIsTheBaseOfOnFailure() {
      DeliveryConvoy<String, String> convoy =
          GroupedConvoy.ofDeliveries(
              Message::group, Mono::just, c -> c.onFailure(f -> f.jitter(0)));
      assertThat(convoy.maxAttempts()).isEqualTo(4);
      assertThat(convoy.onError(policy).maxAttempts()).isEqualTo(3);
      assertThat(convoy.lookAhead()).isEqualTo(1024);
    }

    @Test
    void nameWhatIsMissing() {
      DeliveryConvoy<String, String> convoy =
          GroupedConvoy.ofDeliveries(Message::group, Mono::just, c -> c);
      assertThatNullPointerException()
          .isThrownBy(() -> GroupedConvoy.ofDeliveries(null, Mono::just, c -> c))
          .withMessage("group");
      assertThatNullPointerException()
          .isThrownBy(() -> GroupedConvoy.ofDeliveries(Message::group, null, c -> c))
          .withMessage("worker");
      assertThatNullPointerException().isThrownBy(() -> convoy.onError(null)).withMessage("policy");
      assertThatNullPointerException().isThrownBy(() -> convoy.clock(null)).withMessage("clock");
    }
  }
}
