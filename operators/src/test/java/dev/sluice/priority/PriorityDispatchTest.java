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
package dev.sluice.priority;

import static dev.sluice.dispatch.ReadyOrder.aging;
import static dev.sluice.dispatch.ReadyOrder.mostUrgentFirst;
import static dev.sluice.priority.PriorityMerge.priorityDispatch;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.compete.CompeteSpec;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Priority dispatch, beyond the {@linkplain PriorityDispatchContractTest contract}. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class PriorityDispatchTest {

  /** Elements are a digit, 0 the most urgent, and a letter that tells them apart. */
  private static final ReadyOrder<String> BY_DIGIT =
      mostUrgentFirst(Comparator.comparing(PriorityDispatchTest::digit));

  private static int digit(String element) {
    return element.charAt(0) - '0';
  }

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Map<String, TestPublisher<String>> workers = new HashMap<>();
  private final List<String> order = new ArrayList<>();
  private final List<String> heard = new ArrayList<>();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();

  private final class Listener implements ConvoyListener<Object> {
    @Override
    public void subscribed(LaneGauges lanes) {
      gauges.set(lanes);
    }

    @Override
    public void skipped(Object element, Throwable error) {
      heard.add("skipped " + element + ": " + error.getMessage());
    }
  }

  private Publisher<String> work(String element) {
    order.add(element);
    TestPublisher<String> worker = TestPublisher.create();
    workers.put(element, worker);
    return worker.flux();
  }

  private void end(String... elements) {
    for (String element : elements) {
      workers.get(element).complete();
    }
  }

  private Flux<String> dispatched(
      Flux<String> source, ReadyOrder<String> by, UnaryOperator<CompeteSpec<String>> spec) {
    return source.transform(
        priorityDispatch(
            by,
            this::work,
            c -> spec.apply(c.concurrency(1).lookAhead(10).timer(time).listener(new Listener()))));
  }

  @Nested
  class Selection {

    @Test
    void isMadeWhenAWorkerIsFree() {
      Sinks.Many<String> source = Sinks.many().unicast().onBackpressureBuffer();
      StepVerifier.create(dispatched(source.asFlux(), BY_DIGIT, c -> c))
          .then(() -> List.of("5a", "7b", "3c", "5d").forEach(source::tryEmitNext))
          .then(() -> end("5a"))
          .then(() -> source.tryEmitNext("0e"))
          .then(() -> end("3c")) // what came last goes next, though 5d was chosen by nobody yet
          .then(() -> end("0e", "5d", "7b"))
          .then(source::tryEmitComplete)
          .verifyComplete();
      assertThat(order).containsExactly("5a", "3c", "0e", "5d", "7b");
    }

    @Test
    void keepsTheOrderOfWhatIsEquallyUrgent() {
      StepVerifier.create(dispatched(Flux.just("1a", "2b", "2c", "2d", "1e"), BY_DIGIT, c -> c))
          .then(() -> end("1a", "1e", "2b", "2c", "2d"))
          .verifyComplete();
      assertThat(order).containsExactly("1a", "1e", "2b", "2c", "2d");
    }

    @Test
    void isInvertedByNoMoreThanWhatRunsAlready() {
      Sinks.Many<String> source = Sinks.many().unicast().onBackpressureBuffer();
      int concurrency = 3;
      StepVerifier.create(
              dispatched(source.asFlux(), BY_DIGIT, c -> c.concurrency(concurrency).lookAhead(100)))
          .then(
              () -> {
                for (char c = 'a'; c < 'z'; c++) {
                  source.tryEmitNext("9" + c);
                }
                source.tryEmitNext("0!");
              })
          .then(() -> assertThat(order).hasSize(concurrency))
          .then(() -> end("9a"))
          .then(() -> assertThat(order.get(concurrency)).isEqualTo("0!"))
          .thenCancel()
          .verify();
    }

    @Test
    void isMadeFromAsManyAsTheLookAheadAndThoseAreAlwaysThere() {
      AtomicInteger taken = new AtomicInteger();
      Flux<String> source =
          Flux.range(0, 100).map(i -> "9" + i).doOnNext(e -> taken.incrementAndGet());
      StepVerifier.create(dispatched(source, BY_DIGIT, c -> c.lookAhead(5)))
          .then(() -> assertThat(taken).hasValue(5))
          .then(() -> end("90"))
          .then(() -> assertThat(taken).hasValue(6))
          .then(() -> end("91"))
          .then(() -> assertThat(taken).hasValue(7))
          .thenCancel()
          .verify();
    }

    @Test
    void agesWhatWaits() {
      Sinks.Many<String> source = Sinks.many().unicast().onBackpressureBuffer();
      ReadyOrder<String> by = aging(PriorityDispatchTest::digit, Duration.ofSeconds(10));
      StepVerifier.create(dispatched(source.asFlux(), by, c -> c))
          .then(() -> source.tryEmitNext("0a"))
          .then(() -> source.tryEmitNext("2b")) // due as if it were urgent in 20 s
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(19)))
          .then(() -> source.tryEmitNext("0c"))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
          .then(() -> source.tryEmitNext("0d"))
          .then(() -> end("0a", "0c", "2b", "0d"))
          .then(source::tryEmitComplete)
          .verifyComplete();
      assertThat(order).containsExactly("0a", "0c", "2b", "0d");
    }

    /** Whatever arrives, at most two arrivals of the urgent level for each step overtake. */
    @Test
    void keepsTheBoundOfAgingAgainstAnEndlessUrgentSource() {
      AtomicInteger started = new AtomicInteger();
      AtomicInteger overtakers = new AtomicInteger(-1);
      ReadyOrder<Integer> by = aging(e -> e == 0 ? 3 : 0, Duration.ofMillis(10));
      Flux.interval(Duration.ofMillis(1), time)
          .map(i -> i == 5 ? 0 : i.intValue() + 1) // one of level 3 among those of level 0
          .take(5_000)
          .transform(
              priorityDispatch(
                  by,
                  e -> {
                    if (e == 0) {
                      overtakers.set(started.get() - 5); // five came before it
                    }
                    started.incrementAndGet();
                    return Mono.delay(Duration.ofMillis(2), time);
                  },
                  c -> c.concurrency(1).lookAhead(5_000).timer(time)))
          .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(12));
      assertThat(started).hasValue(5_000);
      assertThat(overtakers.get()).isBetween(20, 30);
    }
  }

  @Nested
  class Errors {

    @Test
    void areTheFateOfTheElementThatCannotBeCompared() {
      ReadyOrder<String> picky =
          mostUrgentFirst(
              Comparator.comparing(
                  e -> {
                    if (e.startsWith("?")) {
                      throw new IllegalStateException("urgent or not?");
                    }
                    return digit(e);
                  }));
      StepVerifier.create(
              dispatched(
                  Flux.just("1a", "3b", "?c", "2d"),
                  picky,
                  c -> c.onFailure(f -> f.retry(3, Duration.ZERO).then(GroupVerdict.SKIP))))
          .then(() -> end("1a", "2d", "3b"))
          .verifyComplete();
      assertThat(order).containsExactly("1a", "2d", "3b");
      assertThat(heard).containsExactly("skipped ?c: urgent or not?");
    }

    @Test
    void endTheSequenceByDefault() {
      ReadyOrder<String> hostile =
          mostUrgentFirst(
              (a, b) -> {
                throw new IllegalStateException("no order");
              });
      StepVerifier.create(dispatched(Flux.just("1a", "2b"), hostile, c -> c))
          .expectErrorMessage("no order")
          .verify();
      assertThat(order).isEmpty();
    }

    @Test
    void ofManyElementsDoNotRecurse() {
      ReadyOrder<Integer> hostile =
          mostUrgentFirst(
              (a, b) -> {
                throw new IllegalStateException("no order");
              });
      StepVerifier.create(
              Flux.range(0, 100_000)
                  .transform(
                      priorityDispatch(
                          hostile,
                          i -> Mono.just(i),
                          c -> c.lookAhead(100_000).onFailure(f -> f.then(GroupVerdict.SKIP)))))
          .verifyComplete();
    }

    @Test
    void thatAreRetriedKeepTheirPlaceAndHoldNoWorker() {
      StepVerifier.create(
              dispatched(
                  Flux.just("1a", "1b", "1c", "0d"),
                  BY_DIGIT,
                  c -> c.onFailure(f -> f.retry(1, Duration.ofSeconds(1)).jitter(0))))
          .then(() -> workers.get("1a").error(new TimeoutException()))
          .then(() -> assertThat(order).containsExactly("1a", "0d"))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> end("0d")) // then 1a, which came before the others
          .then(() -> assertThat(order).containsExactly("1a", "0d", "1a"))
          .then(() -> end("1a", "1b", "1c"))
          .verifyComplete();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void discardsWhatWaits() {
      StepVerifier.create(
              dispatched(Flux.just("1a", "3b", "2c").concatWith(Flux.never()), BY_DIGIT, c -> c))
          .then(() -> assertThat(order).containsExactly("1a"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("3b", "2c");
      workers.get("1a").assertCancelled();
    }
  }

  @Nested
  class InAFlow {

    private final TestChannel source = TestChannel.create("orders");
    private final TestChannel deadLetters = TestChannel.create("dead letters");

    private void offer(String text, int priority) {
      source.offer(Message.of(text.getBytes(StandardCharsets.UTF_8)).withPriority(priority));
    }

    @Test
    void theMessageWithTheHighestPriorityGoesFirst() {
      FlowHandle handle =
          Flow.from(source)
              .decode(StringCodec.utf8())
              .priorityDispatch(PriorityDispatchTest.this::work, c -> c.concurrency(1))
              .deadLetter(deadLetters)
              .start();
      offer("a", 4);
      offer("b", 4);
      offer("c", 0);
      offer("d", 9);
      end("a", "d", "b", "c");
      assertThat(order).containsExactly("a", "d", "b", "c");
      assertThat(handle.stats().acknowledged()).isEqualTo(4);
      handle.stop(Duration.ZERO).subscribe();
    }

    @Test
    void oneThatCannotBeComparedGoesToTheDeadLetters() {
      FlowHandle handle =
          Flow.from(source)
              .decode(StringCodec.utf8())
              .priorityDispatch(
                  PriorityDispatchTest.this::work,
                  c ->
                      c.concurrency(1)
                          .readyOrder(
                              aging(m -> Integer.parseInt(m.payload()), Duration.ofSeconds(1))))
              .deadLetter(deadLetters)
              .start();
      offer("1", 4);
      offer("not a number", 4);
      offer("2", 4);
      end("1", "2");
      assertThat(order).containsExactly("1", "2");
      assertThat(source.outcomes("not a number"))
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              reject -> assertThat(reject.reason()).isEqualTo(DeadLetterReason.POISON));
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      handle.stop(Duration.ZERO).subscribe();
    }
  }

  @Test
  void tellsItsName() {
    assertThat(Scannable.from(dispatched(Flux.never(), BY_DIGIT, c -> c)).scan(Attr.NAME))
        .isEqualTo("priorityDispatch");
  }

  @Test
  void everyBadValueIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> priorityDispatch(BY_DIGIT, this::work, c -> c.concurrency(0)))
        .withMessage("concurrency: 0 (expected: >= 1)");
    assertThatNullPointerException()
        .isThrownBy(() -> priorityDispatch(null, this::work, c -> c))
        .withMessage("order");
    assertThatNullPointerException()
        .isThrownBy(() -> priorityDispatch(BY_DIGIT, null, c -> c))
        .withMessage("worker");
    assertThatNullPointerException()
        .isThrownBy(() -> priorityDispatch(BY_DIGIT, this::work, null))
        .withMessage("spec");
  }
}
