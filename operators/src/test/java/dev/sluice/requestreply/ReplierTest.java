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
package dev.sluice.requestreply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Recipient;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.message.ReplyTo;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What becomes of a request in the flow that replies, and what the requester hears of it. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class ReplierTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
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
          return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
        }
      };
  private final TestChannel questions = TestChannel.create("questions");
  private final TestChannel replies = TestChannel.create("replies");
  private final TestChannel dead = TestChannel.create("dead");
  private final Outbound<String> to = Outbound.encoding(StringCodec.utf8(), questions);
  private final Requester<String> requester =
      Requester.over(replies, StringCodec.utf8(), s -> s.timeout(TIMEOUT));
  private final List<FlowHandle> flows = new ArrayList<>();

  @BeforeEach
  void clock() {
    time.advanceTimeBy(Duration.ofHours(1)); // not the epoch
  }

  @AfterEach
  void stop() {
    flows.forEach(flow -> flow.stop(Duration.ZERO).block(TIMEOUT));
    requester.stop(Duration.ZERO).block(TIMEOUT);
    assertThat(requester.stats().pending()).isZero();
    VirtualTimeScheduler.reset();
  }

  private void answering(Function<String, Publisher<String>> answer) {
    answering(answer, s -> s);
  }

  private void answering(
      Function<String, Publisher<String>> answer, UnaryOperator<ReplierSpec> spec) {
    flows.add(
        Flow.from(questions)
            .clock(clock)
            .onError(
                ErrorPolicy.defaults()
                    .retries(2)
                    .backoff(Duration.ofMillis(10), Duration.ofMillis(10))
                    .jitter(0))
            .deadLetter(dead)
            .decode(StringCodec.utf8())
            .replyWith(
                Replier.replier(Replier.among(List.of(replies)), StringCodec.utf8(), answer, spec))
            .start());
  }

  private Mono<String> ask(String question) {
    return requester.request(to, Message.of(question));
  }

  private List<String> letters() {
    return dead.sent().stream()
        .map(letter -> TestChannel.text(letter) + ' ' + letter.headers().get("sl-dl-reason"))
        .toList();
  }

  private FlowHandle.Stats stats() {
    return flows.get(0).stats();
  }

  @Test
  void anAnswerComesBackAndThenTheRequestIsAcknowledged() {
    answering(text -> Mono.just(text.toUpperCase(java.util.Locale.ROOT)));
    StepVerifier.create(ask("a")).expectNext("A").verifyComplete();
    assertThat(stats().acknowledged()).isOne();
    assertThat(replies.sent()).hasSize(1);
    Message<byte[]> reply = replies.sent().get(0);
    assertThat(reply.causationId()).isEqualTo(questions.sent().get(0).id());
    assertThat(reply.expiresAt()).isEqualTo(questions.sent().get(0).expiresAt());
    assertThat(reply.group()).isNull();
  }

  @Test
  void noAnswerIsAReplyToo() {
    answering(text -> Mono.empty());
    StepVerifier.create(ask("a")).verifyComplete();
  }

  @Test
  void manyAnswersComeBackInOrderAndThenTheEnd() {
    answering(text -> Flux.range(0, 20).map(i -> text + i));
    StepVerifier.create(requester.stream(to, Message.of("a")))
        .expectNextCount(19)
        .expectNext("a19")
        .verifyComplete();
    assertThat(replies.sent()).hasSize(21);
    assertThat(replies.sent())
        .extracting(Message::group)
        .containsOnly(questions.sent().get(0).id());
    assertThat(stats().acknowledged()).isOne();
  }

  @Test
  void theRequestIsNotAcknowledgedBeforeTheReplyIsConfirmed() {
    replies.onSend((message, accepted) -> accepted.delayElement(Duration.ofSeconds(1), time));
    answering(Mono::just);
    Mono<String> asked = ask("a").cache();
    asked.subscribe();
    assertThat(replies.sent()).hasSize(1);
    assertThat(stats().acknowledged()).isZero();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(stats().acknowledged()).isOne();
    StepVerifier.create(asked).expectNext("a").verifyComplete();
  }

  @Test
  void aReplyThatCannotBeSentIsTriedAgainWithoutTheWork() {
    AtomicInteger sends = new AtomicInteger();
    AtomicInteger works = new AtomicInteger();
    replies.onSend(
        (message, accepted) ->
            sends.incrementAndGet() < 3
                ? Mono.error(SendFailed.notSent("replies", "full", null))
                : accepted);
    answering(text -> Mono.fromSupplier(() -> text + works.incrementAndGet()));
    Mono<String> asked = ask("a").cache();
    asked.subscribe();
    time.advanceTimeBy(Duration.ofSeconds(1));
    StepVerifier.create(asked).expectNext("a1").verifyComplete();
    assertThat(stats().acknowledged()).isOne();
  }

  @Test
  void oneThatNeverCanIsARequestThatIsTriedAgainAndThenADeadLetter() {
    replies.onSend(
        (message, accepted) -> Mono.error(SendFailed.permanent("replies", "gone", null)));
    answering(Mono::just);
    ask("a").onErrorComplete().subscribe();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(letters()).containsExactly("a POISON");
  }

  @Test
  void anErrorOfTheAnswerIsAReplyAndTheRequestIsDone() {
    answering(text -> Mono.error(new IllegalStateException("no idea")));
    StepVerifier.create(ask("a"))
        .verifyErrorSatisfies(
            e -> {
              assertThat(e).hasMessage("questions: IllegalStateException: no idea");
              assertThat(((RequestFailed) e).kind()).isEqualTo(ErrorClassifier.Kind.TRANSIENT);
            });
    assertThat(stats().acknowledged()).isOne();
    assertThat(letters()).isEmpty();
  }

  @Test
  void soAreAFunctionThatThrowsOneThatReturnsNullAndAnErrorAfterSomeAnswers() {
    answering(
        text -> {
          if (text.equals("many")) {
            return Flux.just("1", "2").concatWith(Mono.error(new IllegalStateException("tired")));
          }
          if (text.equals("throw")) {
            throw new IllegalArgumentException("never");
          }
          return text.equals("null") ? null : Mono.error(new Refused());
        });
    StepVerifier.create(ask("throw"))
        .verifyErrorMessage("questions: IllegalArgumentException: never");
    StepVerifier.create(ask("null"))
        .verifyErrorMessage("questions: NullPointerException: the function returned null");
    StepVerifier.create(ask("refused"))
        .verifyErrorSatisfies(
            e -> assertThat(((RequestFailed) e).kind()).isEqualTo(ErrorClassifier.Kind.POISON));
    StepVerifier.create(requester.stream(to, Message.of("many")))
        .expectNext("1", "2")
        .verifyErrorMessage("questions: IllegalStateException: tired");
  }

  private static final class Refused extends RuntimeException
      implements ErrorClassifier.Classified {
    private static final long serialVersionUID = 1L;

    @Override
    public ErrorClassifier.Kind kind() {
      return ErrorClassifier.Kind.POISON;
    }
  }

  @Test
  void whatIsSaidOfAnErrorCanBeLess() {
    answering(
        text -> Mono.error(new IllegalStateException("password 123")),
        s -> s.refusal(e -> new Refusal("failed", "", ErrorClassifier.Kind.TRANSIENT)));
    StepVerifier.create(ask("a")).verifyErrorMessage("questions: failed");
  }

  @Test
  void anExpiredRequestIsNotWorkedOn() {
    List<String> worked = new ArrayList<>();
    StepVerifier.create(ask("a"))
        .then(() -> time.advanceTimeBy(TIMEOUT))
        .verifyError(TimeoutException.class);
    answering(
        text -> {
          worked.add(text);
          return Mono.just(text);
        });
    StepVerifier.create(ask("b")).expectNext("b").verifyComplete();
    assertThat(worked).containsExactly("b");
    assertThat(letters()).containsExactly("a EXPIRED");
    assertThat(replies.sent()).hasSize(1);
  }

  @Test
  void workIsCancelledWhenNobodyWaitsAnyMoreAndThenThereIsNoReply() {
    List<Object> seen = new ArrayList<>();
    answering(
        text ->
            Mono.deferContextual(
                context -> {
                  seen.add(context.get(Recipient.DEADLINE));
                  return Mono.<String>never().doOnCancel(() -> seen.add("cancelled"));
                }));
    StepVerifier.create(ask("a"))
        .then(() -> time.advanceTimeBy(TIMEOUT))
        .verifyError(TimeoutException.class);
    assertThat(seen).containsExactly(questions.sent().get(0).expiresAt(), "cancelled");
    assertThat(replies.sent()).isEmpty();
    assertThat(letters()).containsExactly("a EXPIRED");
  }

  @Test
  void aReplyGoesOnlyWhereItMay() {
    List<String> worked = new ArrayList<>();
    answering(
        text -> {
          worked.add(text);
          return Mono.just(text);
        });
    questions.offer(
        Message.of("evil".getBytes(StandardCharsets.UTF_8)).replyTo(ReplyTo.channel("payroll")));
    questions.offer("nowhere");
    assertThat(letters()).containsExactly("evil UNROUTABLE", "nowhere UNROUTABLE");
    assertThat(worked).isEmpty();
  }

  @Test
  void aRequestThatComesAgainIsAnsweredWithTheSameIds() {
    answering(text -> Flux.just("1", "2"));
    StepVerifier.create(requester.stream(to, Message.of("a")))
        .expectNext("1", "2")
        .verifyComplete();
    questions.offer(questions.sent().get(0));
    assertThat(replies.sent()).hasSize(6);
    assertThat(replies.sent().subList(0, 3).stream().map(Message::id))
        .containsExactlyElementsOf(replies.sent().subList(3, 6).stream().map(Message::id).toList());
    assertThat(requester.stats().late()).isEqualTo(3);
  }

  @Test
  void theListOfChannelsHasEachNameOnce() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Replier.among(List.of(replies, replies)))
        .withMessage("channels: two called replies (expected: different names)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> answering(Mono::just, s -> s.concurrency(0)))
        .withMessage("concurrency: 0 (expected: >= 1)");
  }

  @Test
  void aRefusalSaysWhatFits() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Refusal("", "", ErrorClassifier.Kind.POISON));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Refusal("a", "", ErrorClassifier.Kind.FATAL))
        .withMessage("kind: FATAL (expected: TRANSIENT or POISON)");
    assertThat(Refusal.of("a\nb\ud800", "x".repeat(5000), ErrorClassifier.Kind.POISON))
        .isEqualTo(new Refusal("ab", "x".repeat(2000), ErrorClassifier.Kind.POISON));
  }
}
