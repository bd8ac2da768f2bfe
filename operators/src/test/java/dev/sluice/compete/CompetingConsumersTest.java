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
package dev.sluice.compete;

import static dev.sluice.compete.CompetingConsumers.compete;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Competing consumers, beyond the {@linkplain CompetingConsumersContractTest contract}. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class CompetingConsumersTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Map<String, TestPublisher<String>> workers = new HashMap<>();
  private final List<String> order = new ArrayList<>();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();
  private final List<String> heard = new ArrayList<>();

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

  private Flux<String> competing(Flux<String> source, UnaryOperator<CompeteSpec<String>> spec) {
    return source.transform(
        compete(
            this::work, c -> spec.apply(c.concurrency(2).timer(time).listener(new Listener()))));
  }

  @Nested
  class Values {

    @Test
    void comeAsTheyAriseAndWhoIsFreeTakesTheNext() {
      StepVerifier.create(competing(Flux.just("a", "b", "c", "d"), c -> c))
          .then(() -> assertThat(order).containsExactly("a", "b"))
          .then(() -> workers.get("b").emit("B"))
          .expectNext("B")
          .then(() -> workers.get("c").emit("C", "C'"))
          .expectNext("C", "C'")
          .then(() -> workers.get("d").complete())
          .then(() -> workers.get("a").emit("A"))
          .expectNext("A")
          .verifyComplete();
    }

    @Test
    void ofEqualElementsHaveNoOrderEither() {
      StepVerifier.create(competing(Flux.just("a", "a"), c -> c).doOnSubscribe(s -> order.clear()))
          .then(() -> assertThat(order).containsExactly("a", "a"))
          .thenCancel()
          .verify();
    }

    @Test
    void ofScalarWorkersComeAtOnce() {
      StepVerifier.create(Flux.range(0, 10_000).transform(compete(i -> Mono.just(i))))
          .expectNextCount(10_000)
          .verifyComplete();
    }
  }

  @Nested
  class Backpressure {

    @Test
    void takesNoMoreThanTheLookAheadFromTheQueue() {
      AtomicInteger taken = new AtomicInteger();
      Flux<String> source =
          Flux.range(0, 1_000).map(i -> "e" + i).doOnNext(e -> taken.incrementAndGet());
      StepVerifier.create(competing(source, c -> c))
          .then(() -> assertThat(taken).as("four for each worker").hasValue(8))
          .thenCancel()
          .verify();
      taken.set(0);
      StepVerifier.create(competing(source, c -> c.lookAhead(2)))
          .then(() -> assertThat(taken).hasValue(2))
          .thenCancel()
          .verify();
    }
  }

  @Nested
  class Errors {

    @Test
    void ofAWorkerEndTheSequenceByDefault() {
      StepVerifier.create(competing(Flux.just("a", "b", "c"), c -> c))
          .then(() -> workers.get("a").error(new IllegalStateException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("c");
      workers.get("b").assertCancelled();
    }

    @Test
    void areTheFateOfOneElementIfSo() {
      StepVerifier.create(
              competing(Flux.just("a", "b"), c -> c.onFailure(f -> f.then(GroupVerdict.SKIP))))
          .then(() -> workers.get("a").error(new IllegalStateException("boom")))
          .then(() -> workers.get("b").emit("B"))
          .expectNext("B")
          .verifyComplete();
      assertThat(heard).containsExactly("skipped a: boom");
    }

    @Test
    void thatAreRetriedHoldNoWorkerMeanwhile() {
      StepVerifier.create(
              competing(
                  Flux.just("a", "b", "c"),
                  c ->
                      c.concurrency(1).onFailure(f -> f.retry(1, Duration.ofSeconds(5)).jitter(0))))
          .then(() -> workers.get("a").error(new TimeoutException()))
          .then(() -> workers.get("b").emit("B"))
          .expectNext("B")
          .then(() -> workers.get("c").emit("C"))
          .expectNext("C")
          .then(() -> assertThat(gauges.get().sleeping()).isEqualTo(1))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(5)))
          .then(() -> workers.get("a").emit("A"))
          .expectNext("A")
          .verifyComplete();
    }

    @Test
    void includeTheTimeoutOfOneElement() {
      StepVerifier.create(
              competing(
                  Flux.just("a", "b"),
                  c -> c.timeout(Duration.ofSeconds(1)).onFailure(f -> f.then(GroupVerdict.SKIP))))
          .then(() -> workers.get("b").emit("B"))
          .expectNext("B")
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .verifyComplete();
      workers.get("a").assertCancelled();
      assertThat(heard).containsExactly("skipped a: compete: the worker took longer than PT1S");
    }
  }

  @Nested
  class Moving {

    @Test
    void followsTheDepthOfTheQueue() {
      AtomicLong depth = new AtomicLong();
      StepVerifier.create(
              competing(
                  Flux.range(0, 100).map(i -> "e" + i),
                  c ->
                      c.concurrency(
                          Concurrency.byDepth(() -> Mono.just(depth.get()), 10, 1, 5)
                              .pollInterval(Duration.ofSeconds(1))
                              .coolDown(Duration.ofSeconds(3)))))
          .then(() -> time.advanceTime())
          .then(() -> assertThat(order).hasSize(1))
          .then(() -> depth.set(1_000))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> assertThat(order).hasSize(5))
          .then(() -> depth.set(0))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(4)))
          .then(() -> assertThat(gauges.get().concurrency()).isEqualTo(1))
          .then(() -> assertThat(gauges.get().running()).isEqualTo(5)) // interrupts nobody
          .thenCancel()
          .verify();
    }

    @Test
    void looksAheadAsFarAsItsLargestNumberNeeds() {
      StepVerifier.create(
              competing(
                  Flux.never(), c -> c.concurrency(Concurrency.byDepth(Mono::empty, 1, 1, 50))))
          .then(() -> assertThat(gauges.get().lookAhead()).isEqualTo(200))
          .thenCancel()
          .verify();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void cancelsWhatRunsAndDiscardsWhatWaits() {
      StepVerifier.create(competing(Flux.just("a", "b", "c").concatWith(Flux.never()), c -> c))
          .then(() -> assertThat(order).hasSize(2))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("c");
      workers.get("a").assertCancelled();
    }
  }

  @Nested
  class Scan {

    @Test
    void tellsItsName() {
      assertThat(Scannable.from(competing(Flux.never(), c -> c)).scan(Attr.NAME))
          .isEqualTo("compete");
      assertThat(Scannable.from(competing(Flux.never(), c -> c.name("x"))).scan(Attr.NAME))
          .isEqualTo("x");
    }
  }

  @Nested
  class InAFlow {

    private final TestChannel source = TestChannel.create("orders").groupBy(order -> "one group");
    private final TestChannel deadLetters = TestChannel.create("dead letters");

    @Test
    void messagesOfOneGroupRunAtOnceAndEachIsSettledByItsOwnWork() {
      FlowHandle handle =
          Flow.from(source)
              .decode(StringCodec.utf8())
              .compete(
                  order ->
                      order.equals("b")
                          ? Mono.error(new IllegalArgumentException("bad"))
                          : work(order),
                  c -> c.concurrency(3))
              .deadLetter(deadLetters)
              .start();
      source.offer("a", "b", "c");
      assertThat(order).containsExactly("a", "c");
      workers.get("c").complete();
      assertThat(handle.stats().acknowledged()).isEqualTo(1);
      assertThat(handle.stats().rejected()).isEqualTo(1);
      workers.get("a").complete();
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      handle.stop(Duration.ZERO).subscribe();
    }
  }

  @Nested
  class Options {

    @Test
    void everyBadValueIsNamed() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> compete(e -> Mono.empty(), c -> c.concurrency(0)))
          .withMessage("concurrency: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> compete(e -> Mono.empty(), c -> c.lookAhead(0)))
          .withMessage("lookAhead: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> compete(e -> Mono.empty(), c -> c.concurrency(4).lookAhead(3)))
          .withMessage("lookAhead: 3 (expected: >= concurrency, 4)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  compete(
                      e -> Mono.empty(), c -> c.onFailure(f -> f.then(GroupVerdict.DEAD_LETTER))));
      assertThatNullPointerException()
          .isThrownBy(() -> compete(e -> Mono.empty(), null))
          .withMessage("spec");
      assertThatNullPointerException()
          .isThrownBy(() -> compete(null, c -> c))
          .withMessage("worker");
      assertThatNullPointerException()
          .isThrownBy(
              () ->
                  CompetingConsumers.<Message<String>, String>compete(e -> Mono.empty(), c -> null))
          .withMessage("spec");
    }
  }
}
