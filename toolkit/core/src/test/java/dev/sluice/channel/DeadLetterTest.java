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
package dev.sluice.channel;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Reject;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;

class DeadLetterTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Logger LOG = (Logger) LoggerFactory.getLogger(DeadLetterSender.class);
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final Origin ORIGIN = new Origin("bags", "3:17", 4, Instant.EPOCH, 1);
  private static final RuntimeException DOWN = new IllegalStateException("target is down");

  private final ReceiveOptions options =
      ReceiveOptions.defaults().clock(Clock.fixed(NOW, ZoneOffset.UTC));
  private final Message<byte[]> message =
      Message.builder("body".getBytes(StandardCharsets.UTF_8))
          .type("bag.checked-in")
          .group("LH1")
          .priority(7)
          .header("weight", "23")
          .build();

  @BeforeEach
  void expectWarnings() {
    LOG.setLevel(Level.ERROR);
  }

  @AfterEach
  void showWarnings() {
    LOG.setLevel(null);
  }

  @Nested
  class Letter {

    @Test
    void isTheMessageWithTheFactsOfItsRejection() {
      Message<byte[]> letter = letter(message, poison(new IllegalArgumentException("weight: -1")));
      assertThat(letter.withHeaders(message.headers())).isEqualTo(message);
      assertThat(letter.headers())
          .isEqualTo(
              message
                  .headers()
                  .withReserved("sl-dl-reason", "POISON")
                  .withReserved("sl-dl-channel", "bags")
                  .withReserved("sl-dl-position", "3:17")
                  .withReserved("sl-dl-attempt", "4")
                  .withReserved("sl-dl-at", "2026-01-01T12:00:00Z")
                  .withReserved("sl-dl-error", "java.lang.IllegalArgumentException: weight: -1"));
    }

    @Test
    void withoutACauseHasNoError() {
      assertThat(letter(message, poison(null)).headers().contains("sl-dl-error")).isFalse();
    }

    @Test
    void thatIsRejectedAgainShowsTheLastRejectionOnly() {
      Message<byte[]> first = letter(message, poison(DOWN));
      Message<byte[]> second = letter(first, Outcome.reject(DeadLetterReason.MANUAL, null));
      assertThat(second.headers().get("sl-dl-reason")).isEqualTo("MANUAL");
      assertThat(second.headers().contains("sl-dl-error")).isFalse();
      assertThat(second.headers().size()).isEqualTo(first.headers().size() - 1);
    }

    @Test
    void countsTheAttemptsThatWereMadeInPlace() {
      Reject reject = new Reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, DOWN);
      assertThat(letter(message, reject.withAttempts(7)).headers().get("sl-dl-attempt"))
          .isEqualTo("7");
      assertThat(letter(message, reject.withAttempts(3)).headers().get("sl-dl-attempt"))
          .isEqualTo("4"); // the source knows better
    }

    @Test
    void namesTheChildrenThatFailed() {
      Reject reject = new Reject(DeadLetterReason.POISON, null);
      Message<byte[]> letter =
          letter(message, reject.withFailedChildren(List.of("a", "b", Reject.OTHERS)));
      assertThat(letter.headers().get("sl-failed-children")).isEqualTo("a,b,*");
      assertThat(letter(letter, poison(null)).headers().contains("sl-failed-children")).isFalse();
    }

    @Test
    void namesOnlyChildrenThatFitInAHeader() {
      Reject reject = new Reject(DeadLetterReason.POISON, null);
      List<String> many = IntStream.range(0, 500).mapToObj(i -> "child-" + i).toList();
      String names =
          letter(message, reject.withFailedChildren(many)).headers().get("sl-failed-children");
      assertThat(names).startsWith("child-0,child-1,").endsWith(",*").hasSizeLessThan(4100);
      assertThat(
              letter(message, reject.withFailedChildren(List.of("a,b", "c\n", "d")))
                  .headers()
                  .get("sl-failed-children"))
          .isEqualTo("d,*");
    }

    @Test
    void doesNotExpireButTellsWhenTheMessageDid() {
      Message<byte[]> letter =
          letter(message.expiringAt(NOW), Outcome.reject(DeadLetterReason.EXPIRED, null));
      assertThat(letter.expiresAt()).isNull();
      assertThat(letter.headers().get("sl-dl-expires-at")).isEqualTo(NOW.toString());
      assertThat(letter(message, poison(null)).headers().contains("sl-dl-expires-at")).isFalse();
    }

    @Test
    void takesAnyErrorMessageInItsHeader() {
      String nasty = "line one\nline two\0\ud800 " + "x".repeat(10_000);
      Headers headers = letter(message, poison(new IllegalStateException(nasty))).headers();
      assertThat(headers.get("sl-dl-error"))
          .startsWith("java.lang.IllegalStateException: line one line two")
          .doesNotContain("\n", "\0", "\ud800")
          .hasSizeLessThanOrEqualTo(512);
    }

    @Test
    void ofAnExceptionWithoutAMessageNamesItsClass() {
      assertThat(letter(message, poison(new IllegalStateException())).headers().get("sl-dl-error"))
          .isEqualTo("java.lang.IllegalStateException");
    }

    private Message<byte[]> letter(Message<byte[]> rejected, Outcome reject) {
      RecordingOutbound target = new RecordingOutbound();
      StepVerifier.create(options.deadLetters(target).deadLetter(rejected, ORIGIN, (Reject) reject))
          .expectComplete()
          .verify(TIMEOUT);
      return target.sent.get(0);
    }
  }

  @Nested
  class Sending {

    @Test
    void withoutATargetFailsAndNamesTheMessageAndWhatToConfigure() {
      IllegalArgumentException cause = new IllegalArgumentException("weight: -1");
      StepVerifier.create(options.deadLetter(message, ORIGIN, (Reject) poison(cause)))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOf(NoDeadLetterTarget.class)
                      .hasCause(cause)
                      .hasMessage(
                          "bags 3:17 was rejected (POISON) and no dead-letter target is configured"
                              + " (expected: Flow.deadLetter or ReceiveOptions.deadLetters)"))
          .verify(TIMEOUT);
    }

    @Test
    void happensOnSubscription() {
      RecordingOutbound target = new RecordingOutbound();
      Mono<Void> send = send(target);
      assertThat(target.sent).isEmpty();
      send.block();
      assertThat(target.sent).hasSize(1);
    }

    @Test
    void completesOnlyWhenTheTargetHasConfirmed() {
      RecordingOutbound target = new RecordingOutbound(attempt -> Mono.never());
      StepVerifier.withVirtualTime(() -> send(target))
          .expectSubscription()
          .expectNoEvent(Duration.ofDays(1))
          .thenCancel()
          .verify(TIMEOUT);
      assertThat(target.sent).hasSize(1);
    }

    @Test
    void isTriedAgainUntilTheTargetTakesIt() {
      RecordingOutbound target = RecordingOutbound.failingUntil(50, DOWN);
      StepVerifier.withVirtualTime(() -> send(target))
          .expectSubscription()
          .thenAwait(Duration.ofMinutes(10))
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(target.sent).hasSize(50);
    }

    @Test
    void isTriedAgainWhenTheTargetThrows() {
      RecordingOutbound target =
          new RecordingOutbound(
              attempt -> {
                if (attempt == 1) {
                  throw DOWN;
                }
                return Mono.just(new Receipt("target", "id", "1"));
              });
      StepVerifier.withVirtualTime(() -> send(target))
          .expectSubscription()
          .thenAwait(Duration.ofSeconds(1))
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(target.sent).hasSize(2);
    }

    /** 100 ms, 200 ms, 400 ms, … 10 s, each made up to a half longer or shorter at random. */
    @Test
    void waitsLongerEachTimeUpToTenSeconds() {
      RecordingOutbound target = RecordingOutbound.failingUntil(Integer.MAX_VALUE, DOWN);
      StepVerifier.withVirtualTime(() -> send(target))
          .expectSubscription()
          .expectNoEvent(Duration.ofMillis(49))
          .then(() -> assertThat(target.sent).hasSize(1))
          .thenAwait(Duration.ofMillis(101))
          .then(() -> assertThat(target.sent).hasSizeBetween(2, 3))
          .thenAwait(Duration.ofMinutes(2))
          .then(target.sent::clear)
          .thenAwait(Duration.ofSeconds(100))
          .then(() -> assertThat(target.sent).hasSizeBetween(9, 21))
          .thenCancel()
          .verify(TIMEOUT);
    }

    @Test
    void stopsWhenItIsCancelled() {
      RecordingOutbound target = RecordingOutbound.failingUntil(Integer.MAX_VALUE, DOWN);
      VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
      try {
        Disposable sending = send(target).subscribe();
        time.advanceTimeBy(Duration.ofMinutes(1));
        int tries = target.sent.size();
        assertThat(tries).isGreaterThan(5);

        sending.dispose();
        time.advanceTimeBy(Duration.ofMinutes(10));

        assertThat(target.sent).hasSize(tries);
      } finally {
        VirtualTimeScheduler.reset();
      }
    }

    @Test
    void withoutAReceiptIsNotConfirmed() {
      RecordingOutbound target =
          new RecordingOutbound(
              attempt -> attempt == 1 ? Mono.empty() : Mono.just(new Receipt("target", "id", "1")));
      StepVerifier.withVirtualTime(() -> send(target))
          .expectSubscription()
          .thenAwait(Duration.ofSeconds(1))
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(target.sent).hasSize(2);
    }

    private Mono<Void> send(RecordingOutbound target) {
      return options.deadLetters(target).deadLetter(message, ORIGIN, (Reject) poison(null));
    }
  }

  @Nested
  class Listening {

    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final DeadLetterListener listener =
        new DeadLetterListener() {
          @Override
          public void refused(Origin origin, long failures, Throwable failure) {
            heard.add(origin.position() + " refused " + failures + ": " + failure.getMessage());
          }

          @Override
          public void over(Origin origin) {
            heard.add(origin.position() + " over");
          }
        };

    @Test
    void hearsNothingOfALetterThatIsTaken() {
      send(new RecordingOutbound()).block(TIMEOUT);
      assertThat(heard).isEmpty();
    }

    @Test
    void hearsEachRefusalAndThatItIsOver() {
      StepVerifier.withVirtualTime(() -> send(RecordingOutbound.failingUntil(3, DOWN)))
          .expectSubscription()
          .then(() -> assertThat(heard).containsExactly("3:17 refused 1: target is down"))
          .thenAwait(Duration.ofMinutes(1))
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(heard)
          .containsExactly(
              "3:17 refused 1: target is down", "3:17 refused 2: target is down", "3:17 over");
    }

    @Test
    void hearsThatItIsOverWhenItIsCancelledWhileItWaits() {
      StepVerifier.withVirtualTime(() -> send(RecordingOutbound.failingUntil(9, DOWN)))
          .expectSubscription()
          .expectNoEvent(Duration.ofMillis(1))
          .thenCancel()
          .verify(TIMEOUT);
      assertThat(heard).containsExactly("3:17 refused 1: target is down", "3:17 over");
    }

    @RepeatedTest(200)
    void hearsTheEndOnceAndLastWhenACancelRaces() {
      Sinks.One<Receipt> answer = Sinks.one();
      Disposable sending = send(new RecordingOutbound(attempt -> answer.asMono())).subscribe();
      RaceTestUtils.race(() -> answer.tryEmitError(DOWN), sending::dispose);
      assertThat(heard).isIn(List.of(), List.of("3:17 refused 1: target is down", "3:17 over"));
    }

    private Mono<Void> send(RecordingOutbound target) {
      return options
          .deadLetters(target)
          .deadLetterListener(listener)
          .deadLetter(message, ORIGIN, (Reject) poison(null));
    }
  }

  private static Outcome poison(Throwable cause) {
    return Outcome.reject(DeadLetterReason.POISON, cause);
  }
}
