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

import dev.sluice.channel.Recipient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The legs as they come. */
@Timeout(60)
class StreamedGatherTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Desk desk = new Desk();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private Flux<String> stream(
      Recipients<String, String> recipients, UnaryOperator<ScatterSpec<String>> spec) {
    return scatterGather(recipients, (ScatterSpec<String> s) -> spec.apply(s.timer(time))).stream(
            "?")
        .map(Desk::text);
  }

  @Nested
  class Values {

    @Test
    void areTheLegsInTheOrderInWhichTheyEnd() {
      StepVerifier.create(stream(desk.all("a", "b", "c"), s -> s))
          .then(() -> desk.of("c").next("C"))
          .expectNext("c ANSWERED C")
          .then(() -> desk.of("a").complete())
          .expectNext("a EMPTY")
          .then(() -> desk.of("b").next("B"))
          .expectNext("b ANSWERED B")
          .verifyComplete();
    }

    @Test
    void endWithThoseThatAreNotNeeded() {
      StepVerifier.create(stream(desk.all("a", "b", "c"), s -> s.first(1)))
          .then(() -> desk.of("b").next("B"))
          .expectNext("b ANSWERED B", "a CANCELLED", "c CANCELLED")
          .verifyComplete();
      desk.assertAllCancelled();
    }

    @Test
    void areNoneWithoutRecipients() {
      StepVerifier.create(stream(Recipients.of(), s -> s)).verifyComplete();
    }

    @Test
    void endWithWhatTheFallbackGives() {
      StepVerifier.create(
              stream(desk.all("a"), s -> s.within(SECOND).fallback(g -> Mono.just("F"))))
          .then(() -> time.advanceTimeBy(SECOND))
          .expectNext("a TIMED_OUT", "fallback FALLBACK F")
          .verifyComplete();
    }
  }

  @Nested
  class Backpressure {

    @Test
    void legsWaitForTheirRequestWhileTimeGoesOn() {
      StepVerifier.create(stream(desk.all("a", "b", "c"), s -> s.within(SECOND)), 0)
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("a").next("A"))
          .then(() -> time.advanceTimeBy(SECOND))
          .then(() -> desk.of("c").assertCancelled())
          .thenRequest(1)
          .expectNext("b ANSWERED B")
          .thenRequest(1)
          .expectNext("a ANSWERED A")
          .thenRequest(1)
          .expectNext("c TIMED_OUT")
          .verifyError(IncompleteGather.class);
    }

    @Test
    void theEndNeedsNoRequest() {
      StepVerifier.create(stream(desk.all("a"), s -> s), 1)
          .then(() -> desk.of("a").next("A"))
          .expectNext("a ANSWERED A")
          .verifyComplete();
    }
  }

  @Nested
  class Errors {

    @Test
    void anIncompleteStreamEndsInOneAfterItsLegs() {
      StepVerifier.create(stream(desk.all("a", "b"), s -> s.within(SECOND)))
          .then(() -> desk.of("a").next("A"))
          .then(() -> time.advanceTimeBy(SECOND))
          .expectNext("a ANSWERED A", "b TIMED_OUT")
          .verifyErrorMessage("scatterGather: DEADLINE, 1 of 2 responded");
    }

    @Test
    void anExhaustedStreamEndsInOne() {
      StepVerifier.create(stream(desk.all("a", "b"), s -> s.first(2)))
          .then(() -> desk.of("a").error(new IllegalStateException()))
          .expectNext("a FAILED", "b CANCELLED")
          .verifyErrorMessage("scatterGather: EXHAUSTED, 0 of 2 responded");
    }

    @Test
    void anEmptyFallbackLeavesItIncomplete() {
      StepVerifier.create(stream(desk.all("a"), s -> s.within(SECOND).fallback(g -> Mono.empty())))
          .then(() -> time.advanceTimeBy(SECOND))
          .expectNext("a TIMED_OUT")
          .verifyError(IncompleteGather.class);
    }

    @Test
    void ofTheSelectionDiscardWhatWasNotEmitted() {
      TestPublisher<Recipient<String, String>> selection = TestPublisher.create();
      StepVerifier.create(stream(r -> selection.flux(), s -> s), 1)
          .then(() -> selection.next(desk.recipient("a"), desk.recipient("b"), desk.recipient("c")))
          .then(() -> desk.of("a").next("A"))
          .expectNext("a ANSWERED A")
          .then(() -> desk.of("b").next("B"))
          .then(() -> selection.error(new IllegalStateException("whom?")))
          .expectErrorMessage("whom?")
          .verifyThenAssertThat()
          .hasDiscardedExactly("B");
      desk.of("c").assertCancelled();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void cancelsTheAsksAndDiscardsTheAnswersThatWereNotEmitted() {
      StepVerifier.create(stream(desk.all("a", "b", "c", "d"), s -> s.within(SECOND)), 1)
          .then(() -> desk.of("a").next("A"))
          .expectNext("a ANSWERED A")
          .then(() -> desk.of("b").next("B"))
          .then(() -> desk.of("d").complete())
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("B");
      desk.of("c").assertCancelled();
    }

    @Test
    void fromInsideOnNextStopsAtOnce() {
      List<String> seen = new ArrayList<>();
      List<String> discarded = new ArrayList<>();
      scatterGather(
              Recipients.<String, String>of(
                  Recipient.of("a", r -> Mono.just("A")),
                  Recipient.of("b", r -> Mono.just("B")),
                  Recipient.of("c", r -> Mono.just("C"))),
              s -> s)
          .stream("?")
          .doOnDiscard(String.class, discarded::add)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnNext(Leg<String> leg) {
                  seen.add(leg.recipient());
                  cancel();
                }
              });
      assertThat(seen).containsExactly("a");
      assertThat(discarded).containsExactly("B", "C");
    }
  }

  @Nested
  class ContextOfTheSubscriber {

    @Test
    void reachesRecipients() {
      Recipient<String, String> curious =
          Recipient.of("a", r -> Mono.deferContextual(c -> Mono.just(c.get("tenant"))));
      StepVerifier.create(
              stream(Recipients.of(curious), s -> s)
                  .contextWrite(context -> context.put("tenant", "blue")))
          .expectNext("a ANSWERED blue")
          .verifyComplete();
    }
  }

  @Nested
  class Scan {

    @Test
    void countsTheLegsThatWereNotRequested() {
      Flux<Leg<String>> stream =
          scatterGather(desk.all("a", "b"), (ScatterSpec<String> s) -> s.name("quotes")).stream(
              "?");
      assertThat(Scannable.from(stream).name()).isEqualTo("quotes");
      AtomicReference<Scannable> main = new AtomicReference<>();
      stream.subscribe(
          new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription s) {
              main.set(Scannable.from(s));
            }
          });
      desk.of("a").next("A");
      assertThat(Objects.requireNonNull(main.get()).scan(Attr.BUFFERED)).isEqualTo(1);
    }
  }
}
