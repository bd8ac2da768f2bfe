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
package dev.sluice.gather;

import static dev.sluice.gather.ScatterGather.scatterGather;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.Recipient;
import dev.sluice.delivery.ErrorClassifier;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.publisher.TestPublisher.Violation;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The collected gather. Recipients are letters; their answers the same letters in capitals. */
@Timeout(60)
class ScatterGatherTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Desk desk = new Desk();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final List<String> heard = new ArrayList<>();
  private final ScatterListener listener =
      new ScatterListener() {
        @Override
        public void ended(Leg<?> leg) {
          heard.add(leg.recipient() + " " + leg.state());
        }

        @Override
        public void gathered(Gathered<?> gathered) {
          heard.add(gathered.why().name());
        }

        @Override
        public void late(String recipient) {
          heard.add("late " + recipient);
        }
      };

  private ScatterGather<String, String> scatter(
      Recipients<String, String> recipients, UnaryOperator<ScatterSpec<String>> spec) {
    return scatterGather(recipients, s -> spec.apply(s.timer(time).listener(listener)));
  }

  private Mono<String> ask(
      Recipients<String, String> recipients, UnaryOperator<ScatterSpec<String>> spec) {
    return scatter(recipients, spec).ask("?").map(Desk::text);
  }

  private void advance(Duration by) {
    time.advanceTimeBy(by);
  }

  @Nested
  class Values {

    @Test
    void areTheAnswersOfAllInTheOrderOfTheRecipients() {
      ScatterGather<String, String> scatter = scatter(desk.all("a", "b"), s -> s.all());
      StepVerifier.create(scatter.ask("?"))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b"))
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").next("A"))
          .assertNext(
              gathered -> {
                assertThat(Desk.text(gathered))
                    .isEqualTo("ALL complete: a ANSWERED A, b ANSWERED B");
                assertThat(gathered.answers()).containsExactly("A", "B");
                assertThat(gathered.agreed()).isNull();
                assertThat(gathered.leg("b")).isEqualTo(gathered.legs().get(1));
                assertThat(gathered.leg("x")).isNull();
              })
          .verifyComplete();
      assertThat(heard).containsExactly("b ANSWERED", "a ANSWERED", "ALL");
    }

    @Test
    void needNoSubscriptionWhenTheyAreThere() {
      Recipients<String, String> recipients =
          Recipients.of(
              Recipient.of("a", r -> Mono.just("A")),
              Recipient.of("b", r -> Mono.empty()),
              Recipient.of("c", r -> Mono.error(new IllegalStateException())),
              Recipient.of("d", r -> Mono.fromCallable(() -> "D")),
              Recipient.of("e", r -> Flux.just("E", "F")));
      StepVerifier.create(ask(recipients, s -> s.within(SECOND)))
          .expectNext("ALL incomplete: a ANSWERED A, b EMPTY, c FAILED, d ANSWERED D, e ANSWERED E")
          .verifyComplete();
    }

    @Test
    void anEmptyEndIsAResponseToo() {
      StepVerifier.create(ask(desk.all("a", "b"), s -> s.all()))
          .then(() -> desk.of("a").complete())
          .then(() -> desk.of("b").next("B"))
          .expectNext("ALL complete: a EMPTY, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void theFirstSoManyCancelTheRest() {
      StepVerifier.create(ask(desk.all("a", "b", "c"), s -> s.first(2)))
          .then(() -> desk.of("c").next("C"))
          .then(() -> desk.of("a").next("A"))
          .expectNext("FIRST complete: a ANSWERED A, b CANCELLED, c ANSWERED C")
          .verifyComplete();
      desk.assertAllCancelled();
    }

    @Test
    void whoIsNotNeededIsNotAsked() {
      Recipients<String, String> recipients =
          Recipients.of(Recipient.of("a", r -> Mono.just("A")), desk.recipient("b"));
      StepVerifier.create(ask(recipients, s -> s.first(1)))
          .expectNext("FIRST complete: a ANSWERED A, b CANCELLED")
          .verifyComplete();
      assertThat(desk.asked).isEmpty();
    }

    @Test
    void aQuorumIsOfEqualAnswers() {
      ScatterGather<String, String> scatter =
          scatter(desk.all("a", "b", "c", "d"), s -> s.quorum(2, String::equalsIgnoreCase));
      StepVerifier.create(scatter.ask("?"))
          .then(() -> desk.of("a").next("no"))
          .then(() -> desk.of("b").next("yes"))
          .then(() -> desk.of("d").next("YES"))
          .assertNext(
              gathered -> {
                assertThat(Desk.text(gathered))
                    .isEqualTo(
                        "QUORUM complete: a ANSWERED no, b ANSWERED yes, c CANCELLED, d ANSWERED"
                            + " YES");
                assertThat(gathered.agreed()).isEqualTo("yes");
              })
          .verifyComplete();
    }

    @Test
    void aQuorumCountsManyDifferentAnswers() {
      StepVerifier.create(ask(desk.all("a", "b", "c", "d"), s -> s.quorum(2)))
          .then(() -> desk.of("a").next("1"))
          .then(() -> desk.of("b").next("2"))
          .then(() -> desk.of("c").next("3"))
          .then(() -> desk.of("d").next("3"))
          .expectNext("QUORUM complete: a ANSWERED 1, b ANSWERED 2, c ANSWERED 3, d ANSWERED 3")
          .verifyComplete();
    }

    @Test
    void aPredicateIsGivenTheAnswersInTheirOrder() {
      List<String> given = new ArrayList<>();
      StepVerifier.create(
              ask(
                  desk.all("a", "b", "c"),
                  s ->
                      s.until(
                          answers -> {
                            given.add(String.join("", answers));
                            return answers.size() == 2;
                          })))
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").next("A"))
          .expectNext("PREDICATE complete: a ANSWERED A, b ANSWERED B, c CANCELLED")
          .verifyComplete();
      assertThat(given).containsExactly("B", "BA");
    }

    @Test
    void aResponderThatAnswersThreeTimesCountsOnce() {
      ScatterGather<String, String> scatter = scatter(desk.all("a", "b"), s -> s.quorum(2));
      StepVerifier.create(scatter.ask("?").map(Desk::text))
          .then(() -> desk.of("a").next("yes", "yes", "yes"))
          .then(() -> assertThat(scatter.late()).isEqualTo(2))
          .then(() -> desk.of("b").next("yes"))
          .expectNext("QUORUM complete: a ANSWERED yes, b ANSWERED yes")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly("yes", "yes");
      assertThat(heard).containsSubsequence("a ANSWERED", "late a", "late a", "b ANSWERED");
    }

    @Test
    void nobodyToAskIsAllWithoutAnswers() {
      StepVerifier.create(ask(Recipients.of(), s -> s.within(SECOND)))
          .expectNext("ALL complete: ")
          .verifyComplete();
      StepVerifier.create(ask(r -> Flux.empty(), s -> s.all()))
          .expectNext("ALL complete: ")
          .verifyComplete();
      StepVerifier.create(ask(r -> Flux.empty(), s -> s.first(1)))
          .expectNext("ALL incomplete: ")
          .verifyComplete();
    }

    @Test
    void recipientsAreComputedFromTheRequest() {
      ScatterGather<String, String> scatter =
          scatter(
              Recipients.computed(r -> Arrays.stream(r.split("")).map(desk::recipient).toList()),
              s -> s.first(1));
      StepVerifier.create(scatter.ask("xyx").map(Desk::text))
          .then(() -> assertThat(desk.asked).containsExactly("x", "y"))
          .then(() -> desk.of("y").next("Y"))
          .expectNext("FIRST complete: x CANCELLED, y ANSWERED Y")
          .verifyComplete();
    }

    @Test
    void eachRecipientIsAskedAsSoonAsItIsSelected() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s.all()))
          .then(() -> selection.next(desk.recipient("a")))
          .then(() -> assertThat(desk.asked).containsExactly("a"))
          .then(() -> desk.of("a").next("A"))
          .then(() -> selection.next(desk.recipient("b")))
          .then(() -> selection.next(desk.recipient("a")))
          .then(() -> selection.complete())
          .then(() -> desk.of("b").next("B"))
          .expectNext("ALL complete: a ANSWERED A, b ANSWERED B")
          .verifyComplete();
      assertThat(desk.asked).containsExactly("a", "b");
    }

    @Test
    void manyComputedRecipientsFind() {
      List<Recipient<String, String>> many = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        String name = "r" + i;
        many.add(Recipient.of(name, r -> i(name)));
      }
      StepVerifier.create(scatter(Recipients.computed(r -> many), s -> s).ask("?"))
          .assertNext(
              gathered -> {
                assertThat(gathered.complete()).isTrue();
                assertThat(gathered.answers()).hasSize(100).startsWith("r0").endsWith("r99");
              })
          .verifyComplete();
    }

    private Mono<String> i(String name) {
      return name.endsWith("7") ? Mono.just(name).hide() : Mono.just(name);
    }

    @Test
    void eachSubscriptionIsAGatherOfItsOwn() {
      Mono<String> gather = ask(desk.all("a"), s -> s);
      for (int i = 0; i < 2; i++) {
        StepVerifier.create(gather)
            .then(() -> desk.of("a").next("A"))
            .expectNextCount(1)
            .verifyComplete();
      }
      assertThat(desk.asked).containsExactly("a", "a");
    }
  }

  @Nested
  class Exhaustion {

    @Test
    void endsAtOnceWhenSoManyCannotComeAnyMore() {
      StepVerifier.create(ask(desk.all("a", "b", "c"), s -> s.first(2).within(SECOND)))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .then(() -> desk.of("c").complete())
          .expectNext("EXHAUSTED incomplete: a FAILED, b CANCELLED, c EMPTY")
          .verifyComplete();
      desk.of("b").assertCancelled();
    }

    @Test
    void endsAtOnceWhenAQuorumIsImpossible() {
      StepVerifier.create(ask(desk.all("a", "b", "c", "d"), s -> s.quorum(3)))
          .then(() -> desk.of("a").next("1"))
          .then(() -> desk.of("b").next("2"))
          .then(() -> assertThat(heard).doesNotContain("EXHAUSTED"))
          .then(() -> desk.of("c").next("3"))
          .expectNext("EXHAUSTED incomplete: a ANSWERED 1, b ANSWERED 2, c ANSWERED 3, d CANCELLED")
          .verifyComplete();
    }

    @Test
    void endsWhenThePredicateNeverHolds() {
      StepVerifier.create(ask(desk.all("a", "b"), s -> s.until(answers -> false)))
          .then(() -> desk.of("a").next("A"))
          .then(() -> desk.of("b").next("B"))
          .expectNext("EXHAUSTED incomplete: a ANSWERED A, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void isJudgedOnlyWhenTheSelectionIsComplete() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s.first(2)))
          .then(() -> selection.next(desk.recipient("a"), desk.recipient("b")))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .then(() -> desk.of("b").next("B"))
          .then(() -> assertThat(heard).containsExactly("a FAILED", "b ANSWERED"))
          .then(() -> selection.next(desk.recipient("c")))
          .then(() -> desk.of("c").next("C"))
          .expectNext("FIRST complete: a FAILED, b ANSWERED B, c ANSWERED C")
          .verifyComplete();
      selection.assertCancelled();
    }

    @Test
    void isJudgedAgainWhenTheSelectionCompletes() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s.first(2)))
          .then(() -> selection.next(desk.recipient("a")))
          .then(() -> selection.complete())
          .expectNext("EXHAUSTED incomplete: a CANCELLED")
          .verifyComplete();
      desk.of("a").assertCancelled();
    }

    @Test
    void countsLegsThatHaveNotBegun() {
      ScatterGather<String, String> scatter =
          scatter(desk.all("a", "b"), s -> s.first(1).bulkhead(1, 8));
      Disposable other = scatter.ask("first").subscribe();
      StepVerifier.create(scatter.ask("second").map(Desk::text))
          .then(() -> assertThat(scatter.waiting("a")).isEqualTo(1))
          .then(() -> desk.of("a").error(new IllegalStateException())) // of the first
          .then(() -> desk.of("a").error(new IllegalStateException())) // of the second
          .then(() -> assertThat(heard).containsExactly("a FAILED", "a FAILED"))
          .then(other::dispose)
          .then(() -> desk.of("b").next("B"))
          .expectNext("FIRST complete: a FAILED, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void neverEndsAGatherOfAllEarly() {
      StepVerifier.create(ask(desk.all("a", "b"), s -> s.all()))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .then(() -> desk.of("b").assertNotCancelled())
          .then(() -> desk.of("b").next("B"))
          .expectNext("ALL incomplete: a FAILED, b ANSWERED B")
          .verifyComplete();
    }
  }

  @Nested
  class Deadline {

    /** The acceptance: each leg's state, at the deadline exactly, nothing left behind. */
    @Test
    void tellsWhatEachRecipientDidInTime() {
      AtomicReference<Duration> at = new AtomicReference<>();
      Recipients<String, String> recipients =
          Recipients.of(
              desk.recipient("answers"),
              Recipient.of("drips", r -> Flux.interval(SECOND, time).map(i -> "drop" + i)),
              desk.recipient("empty"),
              desk.recipient("fails"),
              desk.recipient("silent"));
      ScatterGather<String, String> scatter =
          scatter(recipients, s -> s.within(Duration.ofSeconds(3)));
      StepVerifier.create(
              scatter
                  .ask("?")
                  .doOnNext(g -> at.set(Duration.ofNanos(time.now(TimeUnit.NANOSECONDS)))))
          .then(() -> advance(Duration.ofMillis(500)))
          .then(() -> desk.of("answers").next("A"))
          .then(() -> desk.of("empty").complete())
          .then(() -> desk.of("fails").error(new IllegalStateException("no")))
          .then(() -> advance(Duration.ofMillis(2_499)))
          .then(() -> assertThat(at).hasNullValue())
          .then(() -> advance(Duration.ofMillis(1)))
          .assertNext(
              g -> {
                assertThat(Desk.text(g))
                    .isEqualTo(
                        "DEADLINE incomplete: answers ANSWERED A, drips ANSWERED drop0, empty EMPTY,"
                            + " fails FAILED, silent TIMED_OUT");
                assertThat(g.took()).isEqualTo(Duration.ofSeconds(3));
                assertThat(g.legs().stream().map(Leg::took))
                    .containsExactly(
                        Duration.ofMillis(500),
                        SECOND,
                        Duration.ofMillis(500),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(3));
                assertThat(g.legs().get(3).error()).hasMessage("no");
                assertThat(g.legs().get(4).error()).isNull();
              })
          .verifyComplete();
      assertThat(at).hasValue(Duration.ofSeconds(3));
      desk.of("silent").assertCancelled();
      assertThat(time.getScheduledTaskCount()).as("tasks besides those that ran").isLessThan(10);
      assertThat(scatter.running()).isZero();
    }

    /** A buffer that somebody has to release, once. */
    private static final class Buffer {
      int held = 1;

      void release() {
        held--;
      }
    }

    private final List<Buffer> buffers = new ArrayList<>();

    private Buffer buffer() {
      Buffer buffer = new Buffer();
      buffers.add(buffer);
      return buffer;
    }

    /** The acceptance of what is held: subscriptions and buffers, whoever ignores a cancel. */
    @Test
    void leavesNoSubscriptionAndNoBufferBehind() {
      List<String> names = List.of("answers", "drips", "empty", "fails", "silent");
      Map<String, TestPublisher<Buffer>> asked = new LinkedHashMap<>();
      List<Recipient<String, Buffer>> recipients = new ArrayList<>();
      for (String name : names) {
        asked.put(
            name,
            TestPublisher.createNoncompliant(
                Violation.DEFER_CANCELLATION, Violation.REQUEST_OVERFLOW));
        recipients.add(Recipient.of(name, request -> asked.get(name).flux()));
      }
      ScatterGather<String, Buffer> scatter =
          scatterGather(
              Recipients.ofAll(recipients), s -> s.within(Duration.ofSeconds(3)).timer(time));
      AtomicReference<Duration> at = new AtomicReference<>();
      scatter
          .ask("?")
          .doOnDiscard(Buffer.class, Buffer::release)
          .subscribe(
              gathered -> {
                at.set(Duration.ofNanos(time.now(TimeUnit.NANOSECONDS)));
                assertThat(gathered.complete()).isFalse();
                assertThat(gathered.legs().stream().map(Leg::state))
                    .containsExactly(
                        Leg.State.ANSWERED,
                        Leg.State.ANSWERED,
                        Leg.State.EMPTY,
                        Leg.State.FAILED,
                        Leg.State.TIMED_OUT);
                gathered.answers().forEach(Buffer::release);
              });
      advance(SECOND);
      asked.get("answers").next(buffer());
      asked.get("drips").next(buffer());
      asked.get("empty").complete();
      asked.get("fails").error(new IllegalStateException("no"));
      advance(SECOND);
      asked.get("drips").next(buffer());
      advance(SECOND.minusMillis(1));
      assertThat(at).hasNullValue();
      advance(Duration.ofMillis(1));
      assertThat(at).hasValue(Duration.ofSeconds(3));
      asked.get("drips").next(buffer());
      asked.get("silent").next(buffer());

      for (String name : List.of("answers", "drips", "silent")) {
        asked.get(name).assertCancelled();
      }
      assertThat(buffers).hasSize(5).allSatisfy(buffer -> assertThat(buffer.held).isZero());
      assertThat(scatter.late()).isEqualTo(3);
      assertThat(scatter.running()).isZero();
    }

    @Test
    void isOneTimerHoweverManyLegs() {
      Timers timers = new Timers(time);
      StepVerifier.create(
              scatter(
                      desk.all("a", "b", "c", "d", "e", "f", "g", "h"),
                      s -> s.within(SECOND).timer(timers))
                  .ask("?"))
          .then(() -> assertThat(timers.scheduled).hasValue(1))
          .then(() -> desk.of("a").next("A"))
          .then(() -> assertThat(timers.scheduled).hasValue(1))
          .then(() -> advance(SECOND))
          .expectNextCount(1)
          .verifyComplete();
      assertThat(timers.scheduled).hasValue(1);
    }

    @Test
    void isOneTimerAtATimeWithEverythingThatCanBeDue() {
      Timers timers = new Timers(time);
      StepVerifier.create(
              scatter(
                      desk.all("a", "b", "c", "d", "e", "f", "g", "h"),
                      s ->
                          s.within(Duration.ofSeconds(9))
                              .timeout(Duration.ofSeconds(2))
                              .retry(r -> r.retries(1).backoff(SECOND, SECOND).jitter(0))
                              .hedge(SECOND, 8)
                              .timer(timers))
                  .ask("?")
                  .map(Desk::text))
          .thenAwait(Duration.ZERO)
          .then(
              () -> {
                for (int i = 0; i < 90; i++) {
                  advance(Duration.ofMillis(100));
                  assertThat(timers.live()).isLessThanOrEqualTo(1);
                }
              })
          .expectNext(
              "ALL incomplete: a TIMED_OUT, b TIMED_OUT, c TIMED_OUT, d TIMED_OUT, e TIMED_OUT, f"
                  + " TIMED_OUT, g TIMED_OUT, h TIMED_OUT")
          .verifyComplete();
      assertThat(timers.live()).isZero();
      desk.assertAllCancelled();
    }

    @Test
    void needsNoTimerWhenEverybodyAnswersAtOnce() {
      Timers timers = new Timers(time);
      Recipients<String, String> recipients =
          Recipients.of(
              Recipient.of("a", r -> Mono.just("A")),
              Recipient.of("b", r -> Mono.just("B").hide()));
      StepVerifier.create(scatter(recipients, s -> s.within(SECOND).timer(timers)).ask("?"))
          .expectNextCount(1)
          .verifyComplete();
      assertThat(timers.scheduled).hasValue(0);
    }

    @Test
    void countsTheSelectionToo() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s.within(SECOND)))
          .then(() -> selection.next(desk.recipient("a")))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(SECOND))
          .expectNext("DEADLINE incomplete: a ANSWERED A")
          .verifyComplete();
      selection.assertCancelled();
    }

    @Test
    void isSeenBetweenRecipientsThatTakeTheirTimeToBeAsked() {
      Recipients<String, String> recipients =
          Recipients.of(
              Recipient.of(
                  "a",
                  r ->
                      Mono.fromCallable(
                          () -> {
                            advance(SECOND);
                            return "A";
                          })),
              desk.recipient("b"),
              Recipient.of("c", r -> Mono.just("C")));
      StepVerifier.create(ask(recipients, s -> s.within(SECOND)))
          .expectNext("DEADLINE incomplete: a ANSWERED A, b TIMED_OUT, c TIMED_OUT")
          .verifyComplete();
      assertThat(desk.of("b").subscribeCount()).isZero();
    }

    @Test
    void isInTheContextOfTheRecipients() {
      AtomicReference<Instant> seen = new AtomicReference<>();
      Recipient<String, String> curious =
          Recipient.of(
              "a",
              r ->
                  Mono.deferContextual(
                      context -> {
                        seen.set(context.get(Recipient.DEADLINE));
                        return Mono.just("A");
                      }));
      advance(Duration.ofSeconds(7));
      StepVerifier.create(ask(Recipients.of(curious), s -> s.within(SECOND)))
          .expectNextCount(1)
          .verifyComplete();
      assertThat(seen).hasValue(Instant.ofEpochSecond(8));
    }

    @Test
    void leavesAnAnswerThatComesLaterToNobody() {
      ScatterGather<String, String> scatter = scatter(desk.all("a"), s -> s.within(SECOND));
      StepVerifier.create(scatter.ask("?").map(Desk::text))
          .then(() -> advance(SECOND))
          .then(() -> desk.of("a").next("A"))
          .expectNext("DEADLINE incomplete: a TIMED_OUT")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      assertThat(scatter.late()).isEqualTo(1);
      assertThat(heard).containsExactly("a TIMED_OUT", "DEADLINE", "late a");
    }

    @Test
    void canBeAnError() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b"),
                  s -> s.name("quotes").within(SECOND).onIncomplete(Incomplete.ERROR)))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(SECOND))
          .expectErrorSatisfies(
              e -> {
                assertThat(e)
                    .isInstanceOf(IncompleteGather.class)
                    .hasMessage("quotes: DEADLINE, 1 of 2 responded");
                assertThat(((IncompleteGather) e).gathered().answers()).hasToString("[A]");
              })
          .verifyThenAssertThat()
          .hasNotDiscardedElements();
    }

    @Test
    void needsNoRequestToBeAnError() {
      StepVerifier.create(
              ask(desk.all("a"), s -> s.within(SECOND).onIncomplete(Incomplete.ERROR)), 0)
          .then(() -> advance(SECOND))
          .verifyError(IncompleteGather.class);
    }

    @Test
    void thatCannotBeScheduledEndsTheGather() {
      Scheduler disposed = Schedulers.newSingle("disposed");
      disposed.dispose();
      StepVerifier.create(ask(desk.all("a"), s -> s.within(SECOND).timer(disposed)))
          .verifyError(RejectedExecutionException.class);
      desk.of("a").assertCancelled();
    }
  }

  @Nested
  class Fallback {

    private final TestPublisher<String> instead = TestPublisher.create();

    private Mono<String> gather(UnaryOperator<ScatterSpec<String>> spec) {
      return ask(
          desk.all("a", "b"), s -> spec.apply(s.within(SECOND).fallback(g -> instead.flux())));
    }

    @Test
    void standsInForWhatIsMissing() {
      List<String> given = new ArrayList<>();
      StepVerifier.create(
              gather(
                  s ->
                      s.fallback(
                          g -> {
                            given.add(Desk.text(g));
                            return instead.flux();
                          })))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(SECOND))
          .then(() -> instead.next("F"))
          .expectNext("DEADLINE incomplete: a ANSWERED A, b TIMED_OUT, fallback FALLBACK F")
          .verifyComplete();
      assertThat(given).containsExactly("DEADLINE incomplete: a ANSWERED A, b TIMED_OUT");
      instead.assertCancelled();
      assertThat(heard)
          .containsExactly("a ANSWERED", "b TIMED_OUT", "DEADLINE", "fallback FALLBACK");
    }

    @Test
    void isNotAskedByACompleteGather() {
      StepVerifier.create(gather(s -> s.first(1)))
          .then(() -> desk.of("a").next("A"))
          .expectNextCount(1)
          .verifyComplete();
      instead.assertWasNotSubscribed();
    }

    @Test
    void mayHaveNothing() {
      StepVerifier.create(gather(s -> s))
          .then(() -> advance(SECOND))
          .then(() -> instead.complete())
          .expectNext("DEADLINE incomplete: a TIMED_OUT, b TIMED_OUT")
          .verifyComplete();
      StepVerifier.create(gather(s -> s.onIncomplete(Incomplete.ERROR).fallback(g -> Mono.empty())))
          .then(() -> advance(SECOND))
          .verifyError(IncompleteGather.class);
    }

    @Test
    void comesBeforeTheError() {
      StepVerifier.create(
              gather(s -> s.onIncomplete(Incomplete.ERROR).fallback(g -> Mono.just("F"))))
          .then(() -> advance(SECOND))
          .expectNext("DEADLINE incomplete: a TIMED_OUT, b TIMED_OUT, fallback FALLBACK F")
          .verifyComplete();
    }

    @Test
    void thatFailsOrThrowsIsTheCauseOfTheError() {
      StepVerifier.create(gather(s -> s))
          .then(() -> advance(SECOND))
          .then(() -> instead.error(new IllegalStateException("no")))
          .verifyErrorSatisfies(
              e -> assertThat(e).isInstanceOf(IncompleteGather.class).hasRootCauseMessage("no"));
      StepVerifier.create(
              gather(
                  s ->
                      s.fallback(
                          g -> {
                            throw new IllegalStateException("thrown");
                          })))
          .then(() -> advance(SECOND))
          .verifyErrorSatisfies(e -> assertThat(e).hasRootCauseMessage("thrown"));
    }

    @Test
    void isCancelledAndTheAnswersAreDiscarded() {
      StepVerifier.create(gather(s -> s))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(SECOND))
          .then(() -> instead.assertWasSubscribed())
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      instead.assertCancelled();
    }
  }

  @Nested
  class OneRecipient {

    @Test
    void hasATimeOfItsOwn() {
      StepVerifier.create(
              scatter(desk.all("a", "b"), s -> s.timeout(SECOND).within(SECOND.multipliedBy(9)))
                  .ask("?"))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(SECOND))
          .assertNext(
              g -> {
                assertThat(Desk.text(g)).isEqualTo("ALL incomplete: a ANSWERED A, b TIMED_OUT");
                assertThat(g.legs().get(1).error())
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("b: no answer within PT1S");
              })
          .verifyComplete();
      desk.of("b").assertCancelled();
    }

    @Test
    void isAskedAgainWhenItFailed() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b"),
                  s -> s.retry(r -> r.retries(2).backoff(SECOND, SECOND).jitter(0))))
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").error(new IllegalStateException("1")))
          .then(() -> advance(Duration.ofMillis(999)))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b"))
          .then(() -> advance(Duration.ofMillis(1)))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a"))
          .then(() -> desk.of("a").error(new IllegalStateException("2")))
          .then(() -> advance(SECOND))
          .then(() -> desk.of("a").next("A"))
          .expectNext("ALL complete: a ANSWERED A, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void hasFailedWhenNoRetryIsLeft() {
      AtomicInteger asks = new AtomicInteger();
      Recipient<String, String> hopeless =
          Recipient.of(
              "a",
              r -> {
                throw new IllegalStateException("ask " + asks.incrementAndGet());
              });
      StepVerifier.create(
              scatter(
                      Recipients.of(hopeless),
                      s ->
                          s.within(SECOND)
                              .retry(r -> r.retries(100_000).backoff(Duration.ZERO, Duration.ZERO)))
                  .ask("?"))
          .assertNext(g -> assertThat(g.legs().get(0).error()).hasMessage("ask 100001"))
          .verifyComplete();
    }

    @Test
    void isAskedAgainAfterItsTimeIsUp() {
      StepVerifier.create(
              ask(
                  desk.all("a"),
                  s ->
                      s.timeout(SECOND)
                          .retry(r -> r.retries(1).backoff(Duration.ZERO, Duration.ZERO))))
          .then(() -> advance(SECOND))
          .then(() -> assertThat(desk.asked).containsExactly("a", "a"))
          .then(() -> desk.of("a", 0).assertCancelled())
          .then(() -> desk.of("a", 0).next("late"))
          .then(() -> desk.of("a", 1).next("A"))
          .expectNext("ALL complete: a ANSWERED A")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly("late");
    }

    @Test
    void isNotAskedAgainAfterTheDeadline() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b"),
                  s ->
                      s.first(2)
                          .within(SECOND)
                          .retry(r -> r.retries(5).backoff(SECOND, SECOND).jitter(0))))
          .then(() -> desk.of("a").error(new IllegalStateException("no")))
          .expectNext("EXHAUSTED incomplete: a FAILED, b CANCELLED") // at once
          .verifyComplete();
    }

    @Test
    void isNotAskedAgainForPoison() {
      StepVerifier.create(ask(desk.all("a"), s -> s.retry(r -> r)))
          .then(() -> desk.of("a").error(new IllegalArgumentException()))
          .expectNext("ALL incomplete: a FAILED")
          .verifyComplete();
    }

    @Test
    void thatReturnsNullHasFailed() {
      Recipient<String, String> careless = Recipient.of("a", r -> null);
      StepVerifier.create(scatter(Recipients.of(careless), s -> s).ask("?"))
          .assertNext(
              g ->
                  assertThat(g.legs().get(0).error())
                      .isInstanceOf(NullPointerException.class)
                      .hasMessage("the recipient returned null"))
          .verifyComplete();
    }

    @Test
    void thatThrowsWhenSubscribedToHasFailed() {
      Recipient<String, String> rude =
          Recipient.of(
              "a",
              r ->
                  s -> {
                    throw new IllegalStateException("rude");
                  });
      StepVerifier.create(scatter(Recipients.of(rude), s -> s).ask("?"))
          .assertNext(g -> assertThat(g.legs().get(0).error()).hasMessage("rude"))
          .verifyComplete();
    }
  }

  @Nested
  class Bulkheads {

    private final ScatterGather<String, String> scatter =
        scatter(desk.all("a", "b"), s -> s.bulkhead(1, 1).within(SECOND.multipliedBy(9)));

    @Test
    void letSoManyAskAndSoManyWait() {
      Disposable first = scatter.ask("1").subscribe();
      List<String> second = new ArrayList<>();
      scatter.ask("2").map(Desk::text).subscribe(second::add);
      assertThat(desk.asked).containsExactly("a", "b");
      assertThat(scatter.asking("a")).isEqualTo(1);
      assertThat(scatter.waiting("a")).isEqualTo(1);
      StepVerifier.create(scatter.ask("3"))
          .assertNext(
              g -> {
                assertThat(Desk.text(g)).isEqualTo("ALL incomplete: a FAILED, b FAILED");
                assertThat(g.legs().get(0).error())
                    .isInstanceOf(RecipientBusy.class)
                    .hasMessage("a: 1 asks run and 1 wait, not more");
                assertThat(
                        ((RecipientBusy) Objects.requireNonNull(g.legs().get(1).error()))
                            .recipient())
                    .isEqualTo("b");
              })
          .verifyComplete();
      desk.of("a").next("A1");
      assertThat(desk.asked).containsExactly("a", "b", "a");
      first.dispose();
      assertThat(desk.asked).containsExactly("a", "b", "a", "b");
      desk.of("a").next("A2");
      desk.of("b").next("B2");
      assertThat(second).containsExactly("ALL complete: a ANSWERED A2, b ANSWERED B2");
      assertThat(scatter.asking("a")).isZero();
      assertThat(scatter.waiting("a")).isZero();
    }

    @Test
    void giveThePlaceOfACancelledWaiterToTheNext() {
      scatter.ask("1").subscribe();
      Disposable second = scatter.ask("2").subscribe();
      second.dispose();
      assertThat(scatter.waiting("a")).isZero();
      scatter.ask("3").subscribe();
      assertThat(scatter.waiting("a")).isEqualTo(1);
      desk.of("a").next("A1");
      assertThat(desk.asked).containsExactly("a", "b", "a");
    }

    @Test
    void timeOutWhoWaitsAtTheDeadline() {
      scatter.ask("1").subscribe();
      StepVerifier.create(scatter.ask("2"))
          .then(() -> advance(SECOND.multipliedBy(9)))
          .assertNext(
              g -> {
                assertThat(Desk.text(g)).isEqualTo("DEADLINE incomplete: a TIMED_OUT, b TIMED_OUT");
                assertThat(g.legs().get(0).took()).isZero();
              })
          .verifyComplete();
      assertThat(scatter.asking("a")).isZero();
      assertThat(scatter.waiting("a")).isZero();
    }

    @Test
    void areNotHeldByAWaitBeforeARetry() {
      ScatterGather<String, String> patient =
          scatter(
              desk.all("a"),
              s -> s.bulkhead(1, 1).retry(r -> r.retries(1).backoff(SECOND, SECOND).jitter(0)));
      List<String> results = new ArrayList<>();
      patient.ask("1").map(Desk::text).subscribe(results::add);
      desk.of("a").error(new IllegalStateException());
      assertThat(patient.asking("a")).isZero();
      patient.ask("2").map(Desk::text).subscribe(results::add);
      advance(SECOND); // the retry finds the place taken
      assertThat(desk.asked).containsExactly("a", "a");
      desk.of("a").next("A2");
      assertThat(desk.asked).containsExactly("a", "a", "a");
      desk.of("a").next("A1");
      assertThat(results)
          .containsExactly("ALL complete: a ANSWERED A2", "ALL complete: a ANSWERED A1");
    }

    @Test
    void areLeftByAnswersThatNeedNoSubscription() {
      ScatterGather<String, String> quick =
          scatter(
              Recipients.of(
                  Recipient.of("a", r -> Mono.just("A")),
                  Recipient.of("b", r -> Mono.error(new IllegalStateException()))),
              s -> s.bulkhead(1, 0));
      for (int i = 0; i < 3; i++) {
        StepVerifier.create(quick.ask("?").map(Desk::text))
            .expectNext("ALL incomplete: a ANSWERED A, b FAILED")
            .verifyComplete();
      }
      assertThat(quick.asking("a") + quick.asking("b")).isZero();
    }

    @Test
    void letAHedgePassOnlyWhenThereIsAPlace() {
      ScatterGather<String, String> hedged =
          scatter(desk.all("a"), s -> s.bulkhead(2, 1).hedge(SECOND, 1));
      hedged.ask("1").subscribe();
      Disposable second = hedged.ask("2").subscribe();
      advance(SECOND);
      assertThat(desk.asked).containsExactly("a", "a");
      second.dispose();
      hedged.ask("3").subscribe();
      assertThat(hedged.asking("a")).isEqualTo(2);
    }
  }

  @Nested
  class Hedges {

    private Mono<String> gather(UnaryOperator<ScatterSpec<String>> spec) {
      return ask(desk.all("a", "b"), s -> spec.apply(s.hedge(SECOND, 2)));
    }

    @Test
    void areAskedAfterTheDelayAndTheFirstAnswerCounts() {
      StepVerifier.create(gather(s -> s))
          .then(() -> desk.of("b").next("B"))
          .then(() -> advance(Duration.ofMillis(999)))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b"))
          .then(() -> advance(Duration.ofMillis(1)))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a'"))
          .then(() -> desk.of("a'").next("A'"))
          .expectNext("ALL complete: a HEDGED A', b ANSWERED B")
          .verifyComplete();
      desk.of("a").assertCancelled();
    }

    @Test
    void areCancelledWhenTheFirstAskIsQuicker() {
      StepVerifier.create(gather(s -> s.first(1)))
          .then(() -> advance(SECOND))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a'", "b'"))
          .then(() -> desk.of("a").next("A"))
          .expectNext("FIRST complete: a ANSWERED A, b CANCELLED")
          .verifyComplete();
      desk.assertAllCancelled();
    }

    @Test
    void ofAnAskThatFailsStartAtOnce() {
      StepVerifier.create(gather(s -> s))
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a'"))
          .then(() -> desk.of("a'").next("A'"))
          .expectNext("ALL complete: a HEDGED A', b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void ofAnAskThatCannotEvenBeSubscribedToStartAtOnce() {
      Recipient<String, String> twoAddresses =
          new Recipient<>() {
            @Override
            public String name() {
              return "a";
            }

            @Override
            public Mono<String> ask(String request) {
              return Mono.error(new IllegalStateException());
            }

            @Override
            public Mono<String> hedge(String request) {
              return Mono.just("elsewhere");
            }
          };
      StepVerifier.create(ask(Recipients.of(twoAddresses), s -> s.hedge(SECOND, 1)))
          .expectNext("ALL complete: a HEDGED elsewhere")
          .verifyComplete();
    }

    @Test
    void keepALegFromFailingUntilBothHave() {
      StepVerifier.create(gather(s -> s.first(2)))
          .then(() -> advance(SECOND))
          .then(() -> desk.of("a").error(new IllegalStateException("ask")))
          .then(() -> assertThat(heard).isEmpty())
          .then(() -> desk.of("a'").error(new IllegalStateException("hedge")))
          .expectNext("EXHAUSTED incomplete: a FAILED, b CANCELLED")
          .verifyComplete();
    }

    @Test
    void mayFailWhileTheFirstAskGoesOn() {
      StepVerifier.create(gather(s -> s.first(2)))
          .then(() -> desk.of("b").next("B"))
          .then(() -> advance(SECOND))
          .then(() -> desk.of("a'").error(new IllegalStateException("hedge")))
          .then(() -> desk.of("a").next("A"))
          .expectNext("FIRST complete: a ANSWERED A, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void areBounded() {
      StepVerifier.create(gather(s -> s.hedge(SECOND, 1)))
          .then(() -> advance(SECOND))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a'"))
          .thenCancel()
          .verify();
      desk.assertAllCancelled();
    }

    @Test
    void runBesideARetry() {
      StepVerifier.create(gather(s -> s.retry(r -> r.retries(1).backoff(SECOND, SECOND).jitter(0))))
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .then(() -> advance(SECOND))
          .then(() -> assertThat(desk.asked).containsExactly("a", "b", "a'", "a"))
          .then(() -> desk.of("a", 1).next("A"))
          .expectNext("ALL complete: a ANSWERED A, b ANSWERED B")
          .verifyComplete();
      desk.of("a'").assertCancelled();
    }

    @Test
    void haveATimeOfTheirOwn() {
      StepVerifier.create(gather(s -> s.timeout(SECOND.multipliedBy(2))))
          .then(() -> desk.of("b").next("B"))
          .then(() -> advance(SECOND.multipliedBy(2)))
          .then(() -> desk.of("a").assertCancelled())
          .then(() -> desk.of("a'").assertNotCancelled())
          .then(() -> advance(SECOND))
          .expectNext("ALL incomplete: a TIMED_OUT, b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void haveOneVoteWithTheirAsk() {
      ScatterGather<String, String> scatter =
          scatter(desk.all("a", "b"), s -> s.quorum(2).hedge(SECOND, 2));
      StepVerifier.create(scatter.ask("?").map(Desk::text))
          .then(() -> advance(SECOND))
          .then(() -> desk.of("a'").next("yes"))
          .then(() -> desk.of("a").next("yes"))
          .then(() -> desk.of("b").next("yes"))
          .expectNext("QUORUM complete: a HEDGED yes, b ANSWERED yes")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly("yes");
      assertThat(scatter.late()).isEqualTo(1);
    }
  }

  @Nested
  class Backpressure {

    @Test
    void theResultWaitsForItsRequest() {
      StepVerifier.create(ask(desk.all("a"), s -> s), 0)
          .then(() -> desk.of("a").next("A"))
          .expectNoEvent(Duration.ofMillis(1))
          .thenRequest(1)
          .expectNextCount(1)
          .verifyComplete();
    }

    @Test
    void asksARecipientForOneValue() {
      List<Long> requests = new ArrayList<>();
      Recipients<String, String> recipients =
          Recipients.of(
              Recipient.of("a", r -> Flux.just("A", "B", "C").hide().doOnRequest(requests::add)));
      StepVerifier.create(ask(recipients, s -> s)).expectNextCount(1).verifyComplete();
      assertThat(requests).containsExactly(1L);
    }

    @Test
    void asksTheSelectionForNoMoreThanTheBoundAndOne() {
      List<Long> requests = new ArrayList<>();
      StepVerifier.create(
              ask(
                  r ->
                      Flux.range(0, 100)
                          .map(i -> desk.recipient("r" + i))
                          .doOnRequest(requests::add),
                  s -> s.maxRecipients(8)))
          .verifyErrorMessage("recipients: more than 8 were selected");
      assertThat(requests).containsExactly(9L);
      desk.assertAllCancelled();
    }
  }

  @Nested
  class Errors {

    @Test
    void ofTheSelectionEndTheGather() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s))
          .then(() -> selection.next(desk.recipient("a"), desk.recipient("b")))
          .then(() -> desk.of("a").next("A"))
          .then(() -> selection.error(new IllegalStateException("whom?")))
          .expectErrorMessage("whom?")
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      desk.of("b").assertCancelled();
    }

    @Test
    void thatTheSelectionThrowsEndTheGather() {
      StepVerifier.create(
              ask(
                  r -> {
                    throw new IllegalStateException("thrown");
                  },
                  s -> s))
          .verifyErrorMessage("thrown");
      StepVerifier.create(ask(r -> null, s -> s))
          .verifyErrorMessage("the selection of recipients returned null");
    }

    @Test
    void ofThePredicateEndTheGather() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b"),
                  s ->
                      s.until(
                          answers -> {
                            throw new IllegalStateException("thrown");
                          })))
          .then(() -> desk.of("a").next("A"))
          .expectErrorMessage("thrown")
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      desk.of("b").assertCancelled();
    }

    @Test
    void ofTheEqualityEndTheGather() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b"),
                  s ->
                      s.quorum(
                          2,
                          (x, y) -> {
                            throw new IllegalStateException("thrown");
                          })))
          .then(() -> desk.of("a").next("A"))
          .then(() -> desk.of("b").next("B"))
          .expectErrorMessage("thrown")
          .verifyThenAssertThat()
          .hasDiscardedExactly("A", "B");
    }

    @Test
    void thatAreFatalEndTheGather() {
      StepVerifier.create(
              ask(
                  desk.all("a", "b", "c"),
                  s -> s.retry(r -> r.classifier(e -> ErrorClassifier.Kind.FATAL))))
          .then(() -> desk.of("a").next("A"))
          .then(() -> desk.of("b").error(new IllegalStateException("fatal")))
          .expectErrorMessage("fatal")
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      desk.of("c").assertCancelled();
      StepVerifier.create(
              ask(
                  Recipients.of(
                      Recipient.of("a", r -> Mono.just("A")),
                      Recipient.of(
                          "b",
                          r -> {
                            throw new OutOfMemoryError("seeded");
                          }),
                      desk.recipient("d")),
                  s -> s))
          .verifyError(OutOfMemoryError.class);
      assertThat(desk.asked).doesNotContain("d");
    }

    @Test
    void thatComeLateAreDropped() {
      StepVerifier.create(ask(desk.all("a", "b"), s -> s.first(1)))
          .then(() -> desk.of("a").next("A"))
          .then(() -> desk.of("b").error(new IllegalStateException("late")))
          .expectNextCount(1)
          .expectComplete()
          .verifyThenAssertThat()
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void ofAnErrorContinueDownstreamDoNotReachInside() {
      List<Object> swallowed = new ArrayList<>();
      Recipient<String, String> guarded =
          Recipient.of(
              "a",
              r ->
                  Flux.just(1)
                      .hide()
                      .<String>map(
                          i -> {
                            throw new IllegalStateException("inside");
                          })
                      .onErrorResume(e -> Mono.just("rescued")));
      StepVerifier.create(
              ask(Recipients.of(guarded), s -> s).onErrorContinue((e, o) -> swallowed.add(o)))
          .expectNext("ALL complete: a ANSWERED rescued")
          .verifyComplete();
      assertThat(swallowed).isEmpty();
    }

    @Test
    void ofAListenerAreLogged() {
      ScatterListener broken =
          new ScatterListener() {
            @Override
            public void ended(Leg<?> leg) {
              throw new IllegalStateException("ended");
            }

            @Override
            public void gathered(Gathered<?> gathered) {
              throw new IllegalStateException("gathered");
            }

            @Override
            public void late(String recipient) {
              throw new IllegalStateException("late");
            }
          };
      StepVerifier.create(ask(desk.all("a"), s -> s.listener(broken)))
          .then(() -> desk.of("a").next("A", "again"))
          .expectNext("ALL complete: a ANSWERED A")
          .verifyComplete();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void cancelsEveryAskAndDiscardsTheAnswers() {
      ScatterGather<String, String> scatter =
          scatter(desk.all("a", "b", "c"), s -> s.within(SECOND).hedge(Duration.ofMillis(1), 3));
      Timers timers = new Timers(time);
      StepVerifier.create(
              scatterGather(
                      desk.all("a", "b", "c"),
                      (ScatterSpec<String> s) ->
                          s.within(SECOND).hedge(Duration.ofMillis(1), 3).timer(timers))
                  .ask("?"))
          .then(() -> desk.of("a").next("A"))
          .then(() -> advance(Duration.ofMillis(1)))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A");
      desk.assertAllCancelled();
      assertThat(timers.live()).isZero();
      assertThat(scatter.running()).isZero();
    }

    @Test
    void cancelsTheSelection() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(ask(r -> selection.flux(), s -> s))
          .then(() -> selection.next(desk.recipient("a")))
          .thenCancel()
          .verify();
      selection.assertCancelled();
      desk.assertAllCancelled();
    }

    @Test
    void discardsAResultThatWasNotRequested() {
      StepVerifier.create(ask(desk.all("a", "b"), s -> s), 0)
          .then(() -> desk.of("a").next("A"))
          .then(() -> desk.of("b").next("B"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A", "B");
    }

    @Test
    void inOnSubscribeAsksNobody() {
      Recipients<String, String> never =
          r -> {
            throw new AssertionError("selected");
          };
      for (Recipients<String, String> recipients : List.of(desk.all("a"), never)) {
        scatter(recipients, s -> s)
            .ask("?")
            .subscribe(
                new BaseSubscriber<>() {
                  @Override
                  protected void hookOnSubscribe(Subscription subscription) {
                    cancel();
                  }
                });
      }
      assertThat(desk.asked).isEmpty();
    }

    @Test
    void fromInsideOnNextKeepsWhatWasGiven() {
      List<String> discarded = new ArrayList<>();
      List<Gathered<String>> given = new ArrayList<>();
      scatter(desk.all("a"), s -> s)
          .ask("?")
          .doOnDiscard(String.class, discarded::add)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnNext(Gathered<String> value) {
                  given.add(value);
                  cancel();
                }
              });
      desk.of("a").next("A");
      assertThat(given).hasSize(1);
      assertThat(discarded).isEmpty();
    }

    @Test
    void whileRecipientsAreBeingAskedAsksNoMore() {
      AtomicReference<Disposable> subscription = new AtomicReference<>();
      Recipients<String, String> recipients =
          Recipients.of(
              Recipient.of(
                  "a",
                  r -> {
                    Objects.requireNonNull(subscription.get()).dispose();
                    return Mono.just("A");
                  }),
              desk.recipient("b"));
      List<String> discarded = new ArrayList<>();
      BaseSubscriber<Gathered<String>> subscriber = new BaseSubscriber<>() {};
      subscription.set(subscriber);
      scatter(recipients, s -> s)
          .ask("?")
          .doOnDiscard(String.class, discarded::add)
          .subscribe(subscriber);
      assertThat(desk.asked).isEmpty();
      assertThat(discarded).containsExactly("A");
    }

    @Test
    void countsAnswersThatComeAfterIt() {
      ScatterGather<String, String> scatter = scatter(desk.all("a"), s -> s);
      scatter.ask("?").subscribe().dispose();
      desk.of("a").next("A");
      assertThat(scatter.late()).isEqualTo(1);
    }
  }

  @Nested
  class ContextOfTheSubscriber {

    @Test
    void reachesRecipientsAndTheirSelection() {
      List<String> seen = new ArrayList<>();
      Recipient<String, String> curious =
          Recipient.of(
              "a",
              r ->
                  Mono.deferContextual(
                      context -> {
                        seen.add("recipient " + context.get("tenant"));
                        assertThat(context.hasKey(Recipient.DEADLINE)).isFalse();
                        return Mono.just("A");
                      }));
      Recipients<String, String> selection =
          r ->
              Mono.deferContextual(
                  context -> {
                    seen.add("selection " + context.get("tenant"));
                    return Mono.just(curious);
                  });
      StepVerifier.create(
              ask(selection, s -> s).contextWrite(context -> context.put("tenant", "blue")))
          .expectNextCount(1)
          .verifyComplete();
      assertThat(seen).containsExactly("selection blue", "recipient blue");
    }
  }

  @Nested
  class Scan {

    @Test
    void tellsItsNameAndWalksToItsAsks() {
      ScatterGather<String, String> scatter =
          scatter(desk.all("a", "b"), s -> s.name("quotes").hedge(SECOND, 1));
      Mono<Gathered<String>> gather = scatter.ask("?");
      assertThat(Scannable.from(gather).name()).isEqualTo("quotes");
      assertThat(Scannable.from(gather).scan(Attr.RUN_STYLE)).isEqualTo(Attr.RunStyle.SYNC);
      assertThat(scatter).hasToString("quotes");
      AtomicReference<Scannable> main = new AtomicReference<>();
      BaseSubscriber<Gathered<String>> subscriber =
          new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription s) {
              main.set(Scannable.from(s));
            }
          };
      gather.subscribe(subscriber);
      advance(SECOND);
      Scannable scan = Objects.requireNonNull(main.get());
      assertThat(scan.inners().map(Scannable::name)).containsExactly("a", "a", "b");
      assertThat(scan.scanUnsafe(Attr.ACTUAL)).isSameAs(subscriber);
      assertThat(scan.scan(Attr.BUFFERED)).isZero();
      assertThat(scan.scan(Attr.REQUESTED_FROM_DOWNSTREAM)).isZero();
      desk.of("a").next("A");
      assertThat(scan.scan(Attr.BUFFERED)).isEqualTo(1);
      assertThat(scatter.running()).isEqualTo(1);
      Scannable ask = scan.inners().findFirst().orElseThrow();
      assertThat(ask.name()).isEqualTo("b");
      assertThat(ask.scan(Attr.ACTUAL)).isSameAs(scan);
      assertThat(ask.scan(Attr.PARENT)).isNotNull();
      subscriber.cancel();
      assertThat(scan.scan(Attr.CANCELLED)).isTrue();
      assertThat(scan.scan(Attr.TERMINATED)).isFalse();
      assertThat(ask.scan(Attr.CANCELLED)).isTrue();
      assertThat(scatter.running()).isZero();
    }
  }

  @Nested
  class OnAFlux {

    @Test
    void soManyRequestsAreGatheredAtOnce() {
      TestPublisher<String> requests = TestPublisher.create();
      List<Long> demand = new ArrayList<>();
      StepVerifier.create(
              requests
                  .flux()
                  .doOnRequest(demand::add)
                  .transform(
                      scatter(desk.all("a"), s -> s.concurrency(2))
                          .combining((request, gathered) -> request + gathered.answers())))
          .then(() -> requests.next("1", "2"))
          .then(() -> assertThat(demand).containsExactly(2L))
          .then(() -> desk.of("a", 1).next("A"))
          .expectNext("2[A]")
          .then(() -> assertThat(demand).containsExactly(2L, 1L))
          .then(() -> requests.complete())
          .then(() -> desk.of("a", 0).next("A"))
          .expectNext("1[A]")
          .verifyComplete();
    }

    @Test
    void itIsAFunction() {
      StepVerifier.create(
              Flux.just("1", "2")
                  .transform(
                      scatterGather(
                          Recipients.of(Recipient.of("a", r -> Mono.just("A" + r))), s -> s))
                  .map(Gathered::answers))
          .expectNext(List.of("A1"), List.of("A2"))
          .verifyComplete();
    }

    @Test
    void answersOfResultsThatWereNotRequestedAreDiscarded() {
      ScatterGather<String, String> scatter = scatter(desk.all("a", "b"), s -> s);
      StepVerifier.create(Flux.just("1", "2").transform(scatter), 1)
          .then(() -> desk.of("a", 0).next("A1"))
          .then(() -> desk.of("b", 0).next("B1"))
          .expectNextCount(1)
          .then(() -> desk.of("a", 1).next("A2"))
          .then(() -> desk.of("b", 1).next("B2"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A2", "B2");
    }

    @Test
    void answersOfAnotherScatterFurtherUpAreDiscardedOnce() {
      ScatterGather<String, String> first = scatter(desk.all("a", "b"), s -> s);
      ScatterGather<Gathered<String>, String> second =
          scatterGather(Recipients.of(Recipient.of("z", r -> Mono.never())), s -> s.concurrency(1));
      StepVerifier.create(Flux.just("1", "2").transform(first).transform(second))
          .then(() -> desk.of("a", 0).next("A1"))
          .then(() -> desk.of("b", 0).next("B1"))
          .then(() -> desk.of("a", 1).next("A2"))
          .then(() -> desk.of("b", 1).next("B2"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A2", "B2"); // the first result had become a request
    }

    @Test
    void answersForWhichTheFunctionThrowsAreDiscarded() {
      StepVerifier.create(
              Flux.just("1")
                  .transform(
                      scatter(desk.all("a"), s -> s)
                          .combining(
                              (request, gathered) -> {
                                throw new IllegalStateException("thrown");
                              })))
          .then(() -> desk.of("a").next("A"))
          .expectErrorMessage("thrown")
          .verifyThenAssertThat()
          .hasDiscarded("A");
    }

    @Test
    void cancelCancelsEveryGather() {
      StepVerifier.create(Flux.just("1", "2").transform(scatter(desk.all("a", "b"), s -> s)))
          .then(() -> desk.of("a", 0).next("A1"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A1");
      desk.assertAllCancelled();
    }
  }

  @Nested
  class Arguments {

    @Test
    void areCheckedWhenTheScatterIsAssembled() {
      assertRefused(s -> s.first(0), "first: 0 (expected: >= 1)");
      assertRefused(s -> s.quorum(0), "quorum: 0 (expected: >= 1)");
      assertRefused(s -> s.first(3), "FIRST of 3 (expected: <= 2, the number of recipients)");
      assertRefused(s -> s.quorum(3), "QUORUM of 3 (expected: <= 2, the number of recipients)");
      assertRefused(s -> s.within(Duration.ZERO), "within: PT0S (expected: > PT0S, <= PT8760H)");
      assertRefused(
          s -> s.timeout(Duration.ofMillis(-1)),
          "timeout: PT-0.001S (expected: > PT0S, <= PT8760H)");
      assertRefused(
          s -> s.hedge(Duration.ofDays(366), 1), "after: PT8784H (expected: > PT0S, <= PT8760H)");
      assertRefused(s -> s.hedge(SECOND, 0), "max: 0 (expected: >= 1)");
      assertRefused(s -> s.bulkhead(0, 1), "running: 0 (expected: >= 1)");
      assertRefused(s -> s.bulkhead(1, -1), "waiting: -1 (expected: >= 0)");
      assertRefused(s -> s.concurrency(0), "concurrency: 0 (expected: >= 1)");
      assertRefused(s -> s.maxRecipients(0), "maxRecipients: 0 (expected: >= 1)");
      assertThatNullPointerException()
          .isThrownBy(() -> scatter(desk.all("a"), s -> s).ask(null))
          .withMessage("request");
      assertThatNullPointerException()
          .isThrownBy(() -> scatterGather(desk.all("a"), s -> null))
          .withMessage("spec");
    }

    private void assertRefused(UnaryOperator<ScatterSpec<String>> spec, String message) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scatter(desk.all("a", "b"), spec))
          .withMessage(message);
    }

    @Test
    void twoRecipientsWithOneNameAreRefused() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> desk.all("a", "b", "a"))
          .withMessage("recipients: two called a (expected: different names)");
    }
  }

  /** Counts what is scheduled, and how much of that may still run. */
  private static final class Timers implements Scheduler {

    final AtomicInteger scheduled = new AtomicInteger();
    private final List<Disposable> tasks = new ArrayList<>();
    private final VirtualTimeScheduler time;

    Timers(VirtualTimeScheduler time) {
      this.time = time;
    }

    long live() {
      return tasks.stream().filter(task -> !task.isDisposed()).count();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      scheduled.incrementAndGet();
      Disposable.Swap done = reactor.core.Disposables.swap();
      Disposable scheduledTask =
          time.schedule(
              () -> {
                done.dispose();
                task.run();
              },
              delay,
              unit);
      done.update(scheduledTask);
      tasks.add(done);
      return done;
    }

    @Override
    public Disposable schedule(Runnable task) {
      return schedule(task, 0, TimeUnit.NANOSECONDS);
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }

    @Override
    public long now(TimeUnit unit) {
      return time.now(unit);
    }
  }
}
