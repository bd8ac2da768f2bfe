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
package dev.sluice.saga;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** The textbook's coordinator: its net effect is right, whatever becomes of one of its messages. */
@Timeout(120)
@ExtendWith(LeakCheck.class)
class MessagedSagaTest {

  private static final MessagedSaga.Road SAFE = (message, send) -> send;

  /** How the steps go. */
  private enum Story {
    ALL_DONE,
    LAST_REFUSES,
    LAST_FAILS_IN_DOUBT,
    MIDDLE_REFUSES;

    void tell(MessagedSaga saga) {
      switch (this) {
        case LAST_REFUSES -> saga.refusing = "c";
        case LAST_FAILS_IN_DOUBT -> saga.failing = "c";
        case MIDDLE_REFUSES -> saga.refusing = "b";
        case ALL_DONE -> {}
      }
    }
  }

  /** What becomes of one message. */
  private enum Mishap {
    /** It never arrives. */
    LOST,
    /** It never arrives, and the sender hears that nobody knows. */
    LOST_UNKNOWN,
    /** It arrives twice at once. */
    DOUBLED,
    /** It arrives, and again long after the end. */
    REPEATED_LATE,
    /** It arrives after the next one that is sent, or when the acknowledgement is overdue. */
    OVERTAKEN,
    /** It arrives when the saga has given it up, and may be compensating. */
    LATE,
    /** It arrives long after the end. */
    VERY_LATE
  }

  /** One message of the saga meets with a mishap; the others pass. */
  private static final class Fault implements MessagedSaga.Road {
    private final int which;
    private final Mishap mishap;
    final AtomicInteger sent = new AtomicInteger();
    private final AtomicReference<@Nullable Mono<Receipt>> keptBack = new AtomicReference<>();

    Fault(int which, Mishap mishap) {
      this.which = which;
      this.mishap = mishap;
    }

    @Override
    public Mono<Receipt> apply(Message<byte[]> message, Mono<Receipt> send) {
      Receipt pretended = new Receipt("road", message.id(), "lost");
      if (sent.getAndIncrement() != which) {
        Mono<Receipt> kept = keptBack.getAndSet(null);
        return kept == null ? send : send.doOnNext(receipt -> kept.subscribe());
      }
      return switch (mishap) {
        case LOST -> Mono.just(pretended);
        case LOST_UNKNOWN ->
            Mono.error(dev.sluice.channel.SendFailed.unknown("road", "no answer", null));
        case DOUBLED -> send.then(send);
        case REPEATED_LATE -> send.doOnNext(receipt -> later(send, Duration.ofSeconds(300)));
        case OVERTAKEN -> {
          keptBack.set(send);
          Mono.delay(MessagedSaga.ACK_WITHIN.plusMillis(1))
              .subscribe(
                  tick -> {
                    Mono<Receipt> kept = keptBack.getAndSet(null);
                    if (kept != null) {
                      kept.subscribe();
                    }
                  });
          yield Mono.just(pretended);
        }
        case LATE -> {
          later(send, MessagedSaga.ACK_WITHIN.plusMillis(500));
          yield Mono.just(pretended);
        }
        case VERY_LATE -> {
          later(send, Duration.ofSeconds(300));
          yield Mono.just(pretended);
        }
      };
    }

    private static void later(Mono<Receipt> send, Duration delay) {
      Mono.delay(delay).subscribe(tick -> send.subscribe());
    }
  }

  @TestFactory
  Stream<DynamicTest> theNetEffectIsRightWhateverBecomesOfOneMessage() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Story story : Story.values()) {
      int messages = messagesOf(story);
      for (int which = 0; which < messages; which++) {
        for (Mishap mishap : Mishap.values()) {
          int message = which;
          tests.add(
              DynamicTest.dynamicTest(
                  story + ", message " + message + " of " + messages + " " + mishap,
                  () -> disturbed(story, message, mishap)));
        }
      }
    }
    assertThat(tests).hasSizeGreaterThan(7 * (6 + 10 + 10 + 6) - 1);
    return tests.stream();
  }

  private static int messagesOf(Story story) {
    Fault none = new Fault(-1, Mishap.LOST);
    assertNetEffect(story, none);
    return none.sent.get();
  }

  private static void disturbed(Story story, int which, Mishap mishap) {
    Fault fault = new Fault(which, mishap);
    assertNetEffect(story, fault);
    assertThat(fault.sent.get()).as("messages").isGreaterThan(which);
  }

  private static void assertNetEffect(Story story, Fault fault) {
    try (MessagedSaga saga = new MessagedSaga(fault)) {
      story.tell(saga);
      AtomicReference<@Nullable SagaResult<String>> ended = new AtomicReference<>();
      saga.run(fault).subscribe(ended::set);
      saga.passAllTime();

      SagaResult<String> result = Objects.requireNonNull(ended.get(), () -> "no end: " + saga.log);
      boolean completed = result instanceof SagaResult.Completed;
      if (story != Story.ALL_DONE) {
        assertThat(completed).as("%s", result).isFalse();
      } else if (completed) {
        assertThat(result).isEqualTo(new SagaResult.Completed<>("abc"));
      }
      assertThat(result).as("%s", saga.log).isNotInstanceOf(SagaResult.Parked.class);
      for (String step : MessagedSaga.STEPS) {
        assertThat(saga.effect(step))
            .as("net effect of %s, %s: %s", step, result, saga.log)
            .isEqualTo(completed ? 1 : 0);
        assertThat(saga.log.stream().filter(("do " + step)::equals).count())
            .as("%s", saga.log)
            .isLessThanOrEqualTo(step.equals(saga.failing) ? 2 : 1);
      }
      assertThat(saga.pending()).isZero();
    }
  }

  @Test
  void eachAcknowledgementTriggersTheNextStep() {
    try (MessagedSaga saga = new MessagedSaga(SAFE)) {
      saga.run(SAFE).subscribe();
      assertThat(saga.log).containsExactly("do a", "do b", "do c");
      assertThat(saga.acks.sent()).hasSize(3);
    }
  }

  @Test
  void noAcknowledgementInTimeTriggersTheCompensation() {
    MessagedSaga.Road noAckOfC =
        (message, send) ->
            message.causationId() != null && message.correlationId() != null && isOf(message, "c")
                ? Mono.just(new Receipt("road", message.id(), "lost"))
                : send;
    try (MessagedSaga saga = new MessagedSaga(noAckOfC)) {
      AtomicReference<@Nullable SagaResult<String>> ended = new AtomicReference<>();
      saga.run(SAFE).subscribe(ended::set);
      saga.time.advanceTimeBy(MessagedSaga.ACK_WITHIN.minusMillis(1));
      assertThat(saga.log).containsExactly("do a", "do b", "do c");
      saga.time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(saga.log).contains("undo c abc");
      assertThat(saga.effect("c")).isZero();
    }
  }

  /** A reply has no trace of its step but its payload. */
  private static boolean isOf(Message<byte[]> message, String step) {
    return new String(message.payload(), java.nio.charset.StandardCharsets.UTF_8).endsWith(step);
  }

  @Test
  void aCompensationThatComesBeforeItsStepLeavesATombstone() {
    // the step's message is kept back until its compensation was acknowledged
    AtomicReference<@Nullable Mono<Receipt>> kept = new AtomicReference<>();
    MessagedSaga.Road keepsC =
        (message, send) -> {
          boolean first = "do".equals(message.headers().get("sl-saga-work"));
          String key = message.headers().get("sl-saga-step");
          if (first && key != null && key.endsWith("/c")) {
            kept.set(send);
            return Mono.just(new Receipt("road", message.id(), "kept"));
          }
          return send;
        };
    try (MessagedSaga saga = new MessagedSaga(SAFE)) {
      AtomicReference<@Nullable SagaResult<String>> ended = new AtomicReference<>();
      saga.run(keepsC).subscribe(ended::set);
      saga.time.advanceTimeBy(MessagedSaga.ACK_WITHIN);
      saga.passAllTime();
      assertThat(ended.get()).isInstanceOf(SagaResult.Compensated.class);
      assertThat(saga.log).containsExactly("do a", "do b", "undo b ab", "undo a a");
      // now it comes; by its own expiry it would not be worked on, so let it not expire
      Message<byte[]> step =
          StepMessages.of(keyOf(saga), false, Message.of("ab"), dev.sluice.codec.StringCodec.utf8())
              .replyTo(dev.sluice.message.ReplyTo.channel("acks"));
      saga.queue("c").send(step).subscribe();
      assertThat(saga.log).doesNotContain("do c");
      Message<byte[]> answer = saga.acks.sent().get(saga.acks.sent().size() - 1);
      assertThat(answer.headers().get("sl-reply-code")).isEqualTo("Compensated");
    }
  }

  private static String keyOf(MessagedSaga saga) {
    return Objects.requireNonNull(saga.queue("c").sent().get(0).headers().get("sl-saga-step"));
  }

  @Test
  void aRefusalIsRememberedAlthoughTheNextTimeItWouldNotBe() {
    try (MessagedSaga saga = new MessagedSaga(SAFE)) {
      saga.refusing = "c";
      saga.run(SAFE).subscribe();
      saga.refusing = null;
      Message<byte[]> again = saga.queue("c").sent().get(0);
      saga.queue("c").send(again).subscribe();
      saga.passAllTime();
      assertThat(saga.log).containsExactly("do a", "do b", "do c", "undo b ab", "undo a a");
      assertThat(saga.effect("c")).isZero();
    }
  }

  @Test
  void aMessageThatIsNoStepIsRefused() {
    try (MessagedSaga saga = new MessagedSaga(SAFE)) {
      saga.queue("a")
          .send(Message.of(new byte[0]).replyTo(dev.sluice.message.ReplyTo.channel("acks")))
          .subscribe();
      assertThat(saga.acks.sent().get(0).headers().get("sl-reply-code")).isEqualTo("NotAStep");
      assertThat(saga.log).isEmpty();
    }
  }
}
