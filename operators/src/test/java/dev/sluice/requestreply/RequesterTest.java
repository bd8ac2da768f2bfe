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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Recipient;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.codec.UnreadablePayload;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.requestreply.ReplyMarks.What;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import dev.sluice.test.TestDelivery;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.retry.Retry;

/** What becomes of a request, whoever replies. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class RequesterTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel questions = TestChannel.create("questions");
  private final TestChannel replies = TestChannel.create("replies");
  private final Outbound<String> to = Outbound.encoding(StringCodec.utf8(), questions);
  private Requester<String> requester = requester(s -> s);

  private Requester<String> requester(UnaryOperator<RequesterSpec> spec) {
    return Requester.over(
        replies,
        StringCodec.utf8(),
        s -> spec.apply(s.timeout(TIMEOUT).maxPending(3).maxBuffered(4)));
  }

  @AfterEach
  void nothingIsLeft() {
    requester.stop(Duration.ZERO).block(TIMEOUT);
    assertThat(requester.stats().pending()).isZero();
    assertThat(replies.deliveries())
        .allSatisfy(d -> assertThat(d.outcome()).isEqualTo(Outcome.ack()));
    VirtualTimeScheduler.reset();
  }

  /** The request that was sent as the n-th. */
  private Message<byte[]> sent(int n) {
    return questions.sent().get(n);
  }

  private void reply(int n, What what, long number, String payload) {
    replies.offer(
        ReplyMarks.reply(sent(n), what, number, payload.getBytes(StandardCharsets.UTF_8), true));
  }

  private Mono<String> ask(String question) {
    return requester.request(to, Message.of(question));
  }

  private Flux<String> askForMany(String question) {
    return requester.stream(to, Message.of(question));
  }

  @Nested
  class Replies {

    @Test
    void eachRequestGetsItsOwnAnswerWhateverTheOrder() {
      StepVerifier.create(Flux.just("a", "b", "c").flatMap(RequesterTest.this::ask))
          .then(() -> assertThat(requester.stats().pending()).isEqualTo(3))
          .then(() -> reply(1, What.LAST, 0, "B"))
          .then(() -> reply(2, What.LAST, 0, "C"))
          .then(() -> reply(0, What.LAST, 0, "A"))
          .expectNext("B", "C", "A")
          .verifyComplete();
      assertThat(requester.stats().answered()).isEqualTo(3);
    }

    @Test
    void aRequestSaysWhereAndByWhenItsReplyIsAwaited() {
      ask("a").subscribe();
      ask("b").subscribe();
      assertThat(Objects.requireNonNull(sent(0).replyTo()).channel()).isEqualTo("replies");
      assertThat(Objects.requireNonNull(sent(0).replyTo()).token()).isNotBlank();
      assertThat(sent(1).replyTo()).isEqualTo(sent(0).replyTo());
      assertThat(sent(0).expiresAt())
          .isEqualTo(Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS)).plus(TIMEOUT));
    }

    @Test
    void nothingIsSentBeforeSomebodySubscribesAndThenTheSameIdEachTime() {
      Mono<String> asked = ask("a");
      assertThat(questions.sent()).isEmpty();
      StepVerifier.create(asked.retry(1))
          .then(() -> replies.offer(ReplyMarks.error(sent(0), 0, transientRefusal(), false)))
          .then(() -> reply(1, What.LAST, 0, "A"))
          .expectNext("A")
          .verifyComplete();
      assertThat(sent(1).id()).isEqualTo(sent(0).id());
    }

    @Test
    void anEndWithoutAnAnswerIsEmpty() {
      StepVerifier.create(ask("a")).then(() -> reply(0, What.END, 0, "")).verifyComplete();
    }

    @Test
    void manyAnswersComeInTheirOrderUntilTheEnd() {
      StepVerifier.create(askForMany("a"))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .then(() -> reply(0, What.VALUE, 1, "2"))
          .expectNext("1", "2")
          .then(() -> assertThat(requester.stats().pending()).isOne())
          .then(() -> reply(0, What.END, 2, ""))
          .verifyComplete();
    }

    @Test
    void repliesThatComeAgainAreCountedAndIgnored() {
      StepVerifier.create(askForMany("a"))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .then(() -> reply(0, What.VALUE, 1, "2"))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .then(() -> reply(0, What.VALUE, 1, "2"))
          .then(() -> reply(0, What.LAST, 2, "3"))
          .expectNext("1", "2", "3")
          .verifyComplete();
      assertThat(requester.stats().duplicates()).isEqualTo(2);
    }

    @Test
    void aMissingReplyFailsTheRequestInsteadOfPassingUnseen() {
      StepVerifier.create(askForMany("a"))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .then(() -> reply(0, What.VALUE, 2, "3"))
          .expectNext("1")
          .verifyErrorSatisfies(
              e ->
                  assertThat(e)
                      .hasMessage(
                          "request "
                              + sent(0).id()
                              + " to questions: reply 2 (expected: 1, none lost, in order)"));
    }

    @Test
    void anEndThatComesTooEarlyFailsTheRequest() {
      StepVerifier.create(askForMany("a"))
          .then(() -> reply(0, What.END, 1, ""))
          .verifyError(IllegalStateException.class);
    }

    @Test
    void aMonoTakesTheFirstOfManyAndTheOthersAreLate() {
      StepVerifier.create(ask("a"))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .expectNext("1")
          .verifyComplete();
      reply(0, What.VALUE, 1, "2");
      assertThat(requester.stats().late()).isOne();
    }

    @Test
    void aRefusalIsAnErrorThatSaysWhatTheReplierSaid() {
      Refusal refusal = new Refusal("NoSeats", "flight 1 is full", Kind.POISON);
      StepVerifier.create(ask("a"))
          .then(() -> replies.offer(ReplyMarks.error(sent(0), 0, refusal, false)))
          .verifyErrorSatisfies(
              e -> {
                assertThat(e).hasMessage("questions: NoSeats: flight 1 is full");
                assertThat(((RequestFailed) e).refusal()).isEqualTo(refusal);
                assertThat(((RequestFailed) e).kind()).isEqualTo(Kind.POISON);
              });
    }

    @Test
    void whatAStrangerRepliesIsAnAnswerAndTheEnd() {
      StepVerifier.create(ask("a"))
          .then(
              () -> {
                Message<byte[]> reply =
                    Message.builder("A".getBytes(StandardCharsets.UTF_8))
                        .correlationId(sent(0).id())
                        .header("x", "y")
                        .headers(sent(0).headers())
                        .build();
                String token =
                    Objects.requireNonNull(Objects.requireNonNull(sent(0).replyTo()).token());
                replies.offer(
                    reply.withHeaders(reply.headers().withReserved("sl-reply-for", token)));
              })
          .expectNext("A")
          .verifyComplete();
    }

    @Test
    void aReplyOfAKindThatNobodyKnowsFailsTheRequest() {
      StepVerifier.create(ask("a"))
          .then(
              () -> {
                Message<byte[]> reply = ReplyMarks.reply(sent(0), What.LAST, 0, new byte[0], false);
                replies.offer(
                    reply.withHeaders(reply.headers().withReserved("sl-reply", "surprise")));
              })
          .verifyError(IllegalStateException.class);
    }

    @Test
    void anAnswerThatCannotBeReadFailsItsRequestAlone() {
      TestChannel numberReplies = TestChannel.create("numbers");
      Requester<Integer> numbers =
          Requester.over(numberReplies, JacksonCodec.json(Integer.class), o -> o.timeout(TIMEOUT));
      StepVerifier.create(numbers.request(to, Message.of("a")))
          .then(() -> numberReplies.offer(replyOf(0, "{")))
          .verifyError(UnreadablePayload.class);
      StepVerifier.create(numbers.request(to, Message.of("b")))
          .then(() -> numberReplies.offer(replyOf(1, "7")))
          .expectNext(7)
          .verifyComplete();
      numbers.stop(Duration.ZERO).block(TIMEOUT);
    }

    private Message<byte[]> replyOf(int n, String payload) {
      return ReplyMarks.reply(
          sent(n), What.LAST, 0, payload.getBytes(StandardCharsets.UTF_8), false);
    }

    @Test
    void repliesForAnotherInstanceAreCountedAndAcknowledged() {
      ask("a").subscribe();
      Message<byte[]> reply = ReplyMarks.reply(sent(0), What.LAST, 0, new byte[0], false);
      replies.offer(reply.withHeaders(reply.headers().withReserved("sl-reply-for", "another")));
      replies.offer(reply.withHeaders(reply.headers().without("sl-reply-for")));
      replies.offer(Message.of(new byte[0]));
      assertThat(requester.stats().foreign()).isEqualTo(3);
      assertThat(requester.stats().pending()).isOne();
    }
  }

  private static Refusal transientRefusal() {
    return new Refusal("Busy", "", Kind.TRANSIENT);
  }

  @Nested
  class Time {

    @Test
    void aRequestWithoutAReplyFailsAndIsForgotten() {
      StepVerifier.create(ask("a"))
          .then(() -> time.advanceTimeBy(TIMEOUT.minusMillis(1)))
          .then(() -> assertThat(requester.stats().pending()).isOne())
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1)))
          .verifyErrorSatisfies(
              e ->
                  assertThat(e)
                      .isInstanceOf(TimeoutException.class)
                      .hasMessage(
                          "request "
                              + sent(0).id()
                              + " to questions: no end of its replies within PT5S"));
      assertThat(requester.stats().pending()).isZero();
      assertThat(requester.stats().timedOut()).isOne();
      reply(0, What.LAST, 0, "A");
      assertThat(requester.stats().late()).isOne();
    }

    @Test
    void theTimeIsForAllReplies() {
      StepVerifier.create(askForMany("a"))
          .then(() -> time.advanceTimeBy(TIMEOUT.dividedBy(2)))
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .expectNext("1")
          .then(() -> time.advanceTimeBy(TIMEOUT.dividedBy(2)))
          .verifyError(TimeoutException.class);
    }

    @Test
    void anEarlierDeadlineOfTheContextCounts() {
      Instant deadline = Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS)).plusSeconds(1);
      StepVerifier.create(ask("a").contextWrite(c -> c.put(Recipient.DEADLINE, deadline)))
          .then(() -> assertThat(sent(0).expiresAt()).isEqualTo(deadline))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .verifyError(TimeoutException.class);
    }

    @Test
    void anEarlierExpiryOfTheRequestCountsAndOneThatHasPassedIsNotSent() {
      Instant now = Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
      Message<String> soon = Message.of("a").expiringAt(now.plusSeconds(1));
      StepVerifier.create(requester.request(to, soon))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .verifyError(TimeoutException.class);
      StepVerifier.create(requester.request(to, soon)).verifyError(TimeoutException.class);
      assertThat(questions.sent()).hasSize(1);
    }

    @Test
    void noTimerIsLeftBehindAnAnswer() {
      ask("a").subscribe();
      reply(0, What.LAST, 0, "A");
      time.advanceTimeBy(TIMEOUT.multipliedBy(2));
      assertThat(requester.stats().timedOut()).isZero();
    }
  }

  @Nested
  class Sending {

    @Test
    void aRequestThatCertainlyWasNotSentFailsAtOnce() {
      questions.onSend(
          (message, accepted) -> Mono.error(SendFailed.notSent("questions", "full", null)));
      StepVerifier.create(ask("a")).verifyError(SendFailed.class);
      assertThat(requester.stats().pending()).isZero();
    }

    @Test
    void oneThatMayHaveArrivedGoesOnWaiting() {
      questions.onSend(
          (message, accepted) ->
              accepted.then(Mono.error(SendFailed.unknown("questions", "no answer", null))));
      StepVerifier.create(ask("a"))
          .then(() -> reply(0, What.LAST, 0, "A"))
          .expectNext("A")
          .verifyComplete();
      StepVerifier.create(ask("b"))
          .then(() -> time.advanceTimeBy(TIMEOUT))
          .verifyErrorSatisfies(
              e ->
                  assertThat(e)
                      .isInstanceOf(TimeoutException.class)
                      .hasCauseInstanceOf(SendFailed.class));
    }

    @Test
    void aReplyThatIsQuickerThanTheReceiptCounts() {
      questions.onSend((message, accepted) -> accepted.delayElement(Duration.ofSeconds(1), time));
      StepVerifier.create(ask("a"))
          .then(() -> assertThat(questions.sent()).hasSize(1))
          .then(() -> reply(0, What.LAST, 0, "A"))
          .expectNext("A")
          .verifyComplete();
      time.advanceTimeBy(Duration.ofSeconds(1));
    }

    @Test
    void aSenderThatThrowsFailsTheRequest() {
      Outbound<String> broken =
          new Outbound<>() {
            @Override
            public String name() {
              return "broken";
            }

            @Override
            public Mono<dev.sluice.channel.Receipt> send(Message<String> message) {
              throw new IllegalStateException("broken");
            }
          };
      StepVerifier.create(requester.request(broken, Message.of("a"))).verifyErrorMessage("broken");
      assertThat(requester.stats().pending()).isZero();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void forgetsTheRequestAndItsReplyIsLate() {
      StepVerifier.create(ask("a"))
          .then(() -> assertThat(requester.stats().pending()).isOne())
          .thenCancel()
          .verify();
      assertThat(requester.stats().pending()).isZero();
      reply(0, What.LAST, 0, "A");
      assertThat(requester.stats().late()).isOne();
    }

    @Test
    void doesNotSendWhatWasNotSentYet() {
      questions.onSend((message, accepted) -> accepted.delaySubscription(TIMEOUT.dividedBy(2)));
      StepVerifier.create(ask("a"))
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1)))
          .thenCancel()
          .verify();
      time.advanceTimeBy(TIMEOUT);
      assertThat(questions.sent()).isEmpty();
    }

    @Test
    void discardsAnswersThatWait() {
      StepVerifier.create(askForMany("a"), 1)
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .expectNext("1")
          .then(() -> reply(0, What.VALUE, 1, "2"))
          .then(() -> reply(0, What.VALUE, 2, "3"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("2", "3");
    }
  }

  @Nested
  class Bounds {

    @Test
    void oneRequestTooManyIsNotSent() {
      for (String question : List.of("a", "b", "c")) {
        ask(question).subscribe();
      }
      StepVerifier.create(ask("d")).verifyErrorMessage("pending: 3 requests (expected: fewer)");
      assertThat(questions.sent()).hasSize(3);
      assertThat(requester.stats().pending()).isEqualTo(3);
      reply(0, What.LAST, 0, "A");
      ask("d").subscribe();
      assertThat(questions.sent()).hasSize(4);
    }

    @Test
    void theSameRequestTwiceAtOnceIsRefused() {
      Mono<String> asked = ask("a");
      asked.subscribe();
      StepVerifier.create(asked).verifyError(IllegalStateException.class);
      assertThat(requester.stats().pending()).isOne();
    }

    @Test
    void answersWaitForTheirRequest() {
      StepVerifier.create(askForMany("a"), 0)
          .then(() -> reply(0, What.VALUE, 0, "1"))
          .then(() -> reply(0, What.LAST, 1, "2"))
          .then(() -> assertThat(requester.stats().pending()).isZero())
          .thenRequest(1)
          .expectNext("1")
          .thenRequest(1)
          .expectNext("2")
          .verifyComplete();
    }

    @Test
    void oneAnswerTooManyFailsTheRequestAndNoOther() {
      ask("b").subscribe();
      StepVerifier.create(askForMany("a"), 0)
          .then(
              () -> {
                for (int i = 0; i < 5; i++) {
                  reply(1, What.VALUE, i, "" + i);
                }
              })
          .thenRequest(10)
          .expectNext("0", "1", "2", "3")
          .expectErrorMatches(reactor.core.Exceptions::isOverflow)
          .verifyThenAssertThat()
          .hasDiscardedExactly("4");
      assertThat(requester.stats().pending()).isOne();
    }

    @Test
    void optionsAreChecked() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> requester(s -> s.maxPending(0)))
          .withMessage("maxPending: 0 (expected: 1..10000000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> requester(s -> s.maxBuffered(0)))
          .withMessage("maxBuffered: 0 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> requester(s -> s.timeout(Duration.ZERO)))
          .withMessage("timeout: PT0S (expected: PT0.001S..PT24H)");
    }
  }

  @Nested
  class Stop {

    @Test
    void waitsForWhatIsOutAndTakesNothingNew() {
      StepVerifier.create(ask("a"))
          .then(
              () -> {
                requester.stop(Duration.ofSeconds(2)).subscribe();
                StepVerifier.create(ask("b")).verifyError(RequesterStopped.class);
                assertThat(questions.sent()).hasSize(1);
                reply(0, What.LAST, 0, "A");
              })
          .expectNext("A")
          .verifyComplete();
      StepVerifier.create(requester.stop(Duration.ZERO)).verifyComplete();
      assertThat(requester.stats().listening()).isFalse();
    }

    @Test
    void failsWhatIsOutWhenTheTimeIsUp() {
      StepVerifier.create(ask("a"))
          .then(() -> requester.stop(Duration.ofSeconds(2)).subscribe())
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
          .verifyError(RequesterStopped.class);
    }

    @Test
    void aReplyChannelThatFailsIsReceivedFromAgain() {
      StepVerifier.create(ask("a"))
          .then(() -> replies.fail(new IllegalStateException("broken")))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> reply(0, What.LAST, 0, "A"))
          .expectNext("A")
          .verifyComplete();
      assertThat(requester.stats().listening()).isTrue();
    }

    @Test
    void oneThatIsGoneForGoodFailsWhatWaits() {
      requester.stop(Duration.ZERO).block(TIMEOUT);
      requester = requester(s -> s.restart(Retry.max(0)));
      StepVerifier.create(ask("a"))
          .then(() -> replies.fail(new IllegalStateException("broken")))
          .verifyError(RequesterStopped.class);
      StepVerifier.create(ask("b")).verifyError(RequesterStopped.class);
      assertThat(requester.stats().listening()).isFalse();
    }
  }

  @Test
  void itsNumbersAreMetersOfItsReplyChannel() {
    ask("a").subscribe();
    ask("b").subscribe();
    reply(0, What.LAST, 0, "A");
    reply(0, What.LAST, 0, "A");
    assertThat(MeterReadings.of(requester).read())
        .containsEntry("sluice.rpc.pending{channel=replies}", 1.0)
        .containsEntry("sluice.rpc.answered{channel=replies}", 1.0)
        .containsEntry("sluice.rpc.late{channel=replies}", 1.0)
        .containsEntry("sluice.rpc.timeouts{channel=replies}", 0.0);
  }

  @Test
  void aRecipientIsCalledWhatItsChannelIs() {
    Recipient<String, String> recipient = requester.recipient(to);
    assertThat(recipient.name()).isEqualTo("questions");
    StepVerifier.create(Flux.<String>from(recipient.ask("a")))
        .then(() -> reply(0, What.LAST, 0, "A"))
        .expectNext("A")
        .verifyComplete();
  }

  @Test
  void aRequestTellsItsState() {
    Scannable[] request = new Scannable[1];
    askForMany("a")
        .doOnSubscribe(s -> request[0] = Scannable.from(s))
        .subscribe(value -> {}, e -> {}, () -> {}, reactor.util.context.Context.empty());
    assertThat(request[0].scan(Scannable.Attr.NAME)).isEqualTo("questions");
    assertThat(request[0].scan(Scannable.Attr.TERMINATED)).isFalse();
    reply(0, What.LAST, 0, "A");
    assertThat(request[0].scan(Scannable.Attr.TERMINATED)).isTrue();
    assertThat(request[0].scan(Scannable.Attr.CAPACITY)).isEqualTo(4);
  }

  @Test
  void everyReplyIsAcknowledged() {
    ask("a").subscribe();
    reply(0, What.LAST, 0, "A");
    reply(0, What.LAST, 0, "A");
    assertThat(replies.deliveries())
        .hasSize(2)
        .extracting(TestDelivery::outcome)
        .containsOnly(Outcome.ack());
  }
}
