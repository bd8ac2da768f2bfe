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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.message.Message;
import dev.sluice.retry.RetrySpec;
import dev.sluice.retry.Retrying;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What a flow tries again, where it waits meanwhile, and who must wait for it. */
class RetryFlowTest extends FlowFixture {

  private static final UnaryOperator<RetrySpec> SPEC =
      r -> r.immediate(1).backoff(2, Duration.ofSeconds(1), Duration.ofSeconds(30));

  private static final Duration DELAY = Duration.ofMinutes(5);

  private final TestChannel waiting = TestChannel.create("orders.retry");

  /** What was worked on, and when. */
  private final List<String> tried = new ArrayList<>();

  private final Map<String, Integer> failures = new HashMap<>();

  /** A channel that cannot delay, as Kafka. */
  private final Inbound log =
      new Inbound() {
        @Override
        public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
          return source.receive(options);
        }

        @Override
        public Mono<Long> depth() {
          return source.depth();
        }

        @Override
        public ChannelInfo info() {
          return new ChannelInfo("orders", Set.of(Capability.ORDERED_GROUPS));
        }
      };

  /** The text, unless it is still to fail. */
  private String work(String text) {
    tried.add(text + '@' + clock.instant().toEpochMilli() / 1_000);
    if (failures.merge(text, -1, Integer::sum) >= 0) {
      throw new IllegalStateException(text);
    }
    return text;
  }

  private void failing(String text, int times) {
    failures.put(text, times);
  }

  private Flow<String> from(Inbound inbound, UnaryOperator<RetrySpec> spec) {
    return Flow.from(inbound)
        .clock(clock)
        .onError(policy)
        .retry(spec)
        .deadLetter(deadLetters)
        .decode(StringCodec.utf8());
  }

  private FlowHandle mapping(Inbound inbound, UnaryOperator<RetrySpec> spec) {
    return from(inbound, spec).map(RetryFlowTest.this::work).to(target).start();
  }

  private FlowHandle convoy(Inbound inbound, UnaryOperator<RetrySpec> spec) {
    return from(inbound, spec)
        .groupedConvoy(Message::group, text -> Mono.fromSupplier(() -> work(text)))
        .to(target)
        .start();
  }

  private static Message<byte[]> alone(String text) {
    return Message.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  private String attemptsOfLetter() {
    return deadLetters.sent().get(0).headers().get("sl-dl-attempt");
  }

  @Nested
  class InPlace {

    @Test
    void comesAtOnceAndThenAfterLongerAndLongerWaits() {
      failing("a1", 3);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1");
      pass(Duration.ofSeconds(10));
      assertThat(tried).containsExactly("a1@0", "a1@0", "a1@1", "a1@3");
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void endsWithTheDeadLetters() {
      failing("a1", 4);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1");
      pass(Duration.ofMinutes(10));
      assertThat(tried).hasSize(4);
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "a1");
      assertThat(attemptsOfLetter()).isEqualTo("4");
      assertSettled(handle);
    }

    @Test
    void happensInTheLanesOfAConvoyAndDoesNotMultiply() {
      failing("a1", 100);
      FlowHandle handle = convoy(source, SPEC);
      source.offer("a1", "b1");
      pass(Duration.ofMinutes(10));
      assertThat(tried).containsExactly("a1@0", "a1@0", "b1@0", "a1@1", "a1@3");
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "a1");
      assertThat(attemptsOfLetter()).isEqualTo("4");
      assertSettled(handle);
    }

    @Test
    void isForWhatIsSentToo() {
      int[] refusals = {2};
      shipments.onSend(
          (message, accepted) ->
              refusals[0]-- > 0
                  ? Mono.error(SendFailed.notSent("shipments", "busy", null))
                  : accepted);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1");
      pass(Duration.ofSeconds(10));
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void isTheErrorPolicyUnlessItSaysOtherwise() {
      failing("a1", 100);
      mapping(source, r -> r);
      source.offer("a1");
      pass(Duration.ofMinutes(10));
      assertThat(tried).containsExactly("a1@0", "a1@1", "a1@3");
    }

    @Test
    void isWhatALaterErrorPolicySays() {
      failing("a1", 100);
      from(source, SPEC)
          .onError(policy.retries(0))
          .map(RetryFlowTest.this::work)
          .to(target)
          .start();
      source.offer("a1");
      pass(Duration.ofMinutes(10));
      assertThat(tried).containsExactly("a1@0");
    }

    @Test
    void isNotForPoison() {
      FlowHandle handle =
          from(source, SPEC.andThen(r -> r.delayed(10, DELAY))::apply)
              .map(
                  text -> {
                    tried.add(text);
                    throw new IllegalArgumentException(text);
                  })
              .start();
      source.offer("a1");
      pass(Duration.ofHours(10));
      assertThat(tried).containsExactly("a1");
      assertDeadLetters(DeadLetterReason.POISON, "a1");
      assertSettled(handle);
    }

    @Test
    void isNotForWhatTheClassifierCallsFatal() {
      FlowHandle handle =
          from(source, r -> r.classifier(error -> dev.sluice.delivery.ErrorClassifier.Kind.FATAL))
              .map(RetryFlowTest.this::work)
              .start();
      failing("a1", 100);
      source.offer("a1");
      assertThat(tried).containsExactly("a1@0");
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("a1");
      assertThat(letters()).isEmpty();
    }
  }

  @Nested
  class Order {

    @Test
    void isKeptWhileAMessageOfTheGroupWaits() {
      failing("a1", 3);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1", "a2", "b1", "a3");
      assertThat(shipments.sentTexts()).containsExactly("b1");
      pass(Duration.ofSeconds(10));
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2", "a3");
      assertSettled(handle);
    }

    @Test
    void isKeptWhileAMessageOfTheGroupIsDelayedInPlace() {
      failing("a1", 5);
      FlowHandle handle = mapping(log, SPEC.andThen(r -> r.delayed(1, DELAY))::apply);
      source.offer("a1", "a2", "b1");
      pass(Duration.ofMinutes(4));
      assertThat(shipments.sentTexts()).containsExactly("b1");
      assertThat(source.unsettled()).hasSize(2);
      pass(Duration.ofMinutes(2));
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void mayBeGivenUp() {
      failing("a1", 3);
      mapping(source, SPEC.andThen(RetrySpec::unordered)::apply);
      source.offer("a1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a2");
      pass(Duration.ofSeconds(10));
      assertThat(shipments.sentTexts()).containsExactly("a2", "a1");
    }

    /** R36: nothing of its group overtakes a duplicate of what is in progress elsewhere. */
    @Test
    void isKeptWhileAMessageIsInProgressElsewhere() {
      ScriptedStore store = new ScriptedStore(time);
      Started other = store.takeOver(new IdempotencyKey("charge", "a1"), Duration.ofMinutes(10));
      FlowHandle handle =
          from(source, SPEC)
              .idempotent("charge", Message::payload, store, spec -> spec)
              .map(RetryFlowTest.this::work)
              .to(target)
              .start();
      source.offer("a1", "a2", "b1");
      pass(Duration.ofMinutes(1)); // 60 times given back, far more than the attempts that it has
      assertThat(shipments.sentTexts()).containsExactly("b1");
      assertThat(letters()).isEmpty();
      store.release(other).block();
      pass(Duration.ofSeconds(2));
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
      assertSettled(handle);
    }

    @Test
    void ofGroupsCannotBeKeptAndGroupsCollected() {
      Flow<?> flow = from(log, SPEC).aggregate(10, Duration.ofSeconds(1), a -> a.byGroup(10));
      assertThatIllegalArgumentException()
          .isThrownBy(flow::start)
          .withMessageContaining("retry: ordered")
          .withMessageContaining("expected: unordered");
    }
  }

  @Nested
  class Delayed {

    private final UnaryOperator<RetrySpec> twice =
        SPEC.andThen(r -> r.backoff(0, Duration.ZERO, Duration.ZERO).delayed(2, DELAY))::apply;

    @Test
    void aMessageWithoutAGroupWaitsAtTheChannel() {
      failing("x", 3);
      FlowHandle handle = mapping(source, twice);
      source.offer(alone("x"));
      assertThat(source.outcomes("x")).hasSize(1);
      assertThat(source.outcomes("x").get(0)).isInstanceOf(Outcome.Retry.class);
      assertThat(source.unsettled()).isEmpty();
      pass(DELAY.minusSeconds(1));
      assertThat(tried).containsExactly("x@0", "x@0");
      pass(Duration.ofSeconds(2));
      assertThat(tried).containsExactly("x@0", "x@0", "x@300", "x@300");
      assertThat(shipments.sentTexts()).containsExactly("x");
      assertSettled(handle);
    }

    @Test
    void aGroupWaitsAtAChannelThatKeepsItsOrder() {
      source.exclusiveGroups();
      failing("a1", 2);
      FlowHandle handle = convoy(source, twice);
      source.offer("a1", "a2", "b1");
      assertThat(shipments.sentTexts()).containsExactly("b1");
      assertThat(source.unsettled()).isEmpty();
      pass(DELAY);
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
      assertSettled(handle);
    }

    @Test
    void endsWithTheDeadLetters() {
      failing("x", 100);
      FlowHandle handle = mapping(source, twice);
      source.offer(alone("x"));
      pass(Duration.ofHours(1));
      assertThat(tried).containsExactly("x@0", "x@0", "x@300", "x@300", "x@600", "x@600");
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "x");
      assertSettled(handle);
    }

    @Test
    void inPlaceEndsWithTheDeadLettersAndAllAttemptsCounted() {
      failing("a1", 100);
      FlowHandle handle = convoy(log, twice);
      source.offer("a1", "a2");
      pass(Duration.ofHours(1));
      assertThat(tried)
          .containsExactly("a1@0", "a1@0", "a1@300", "a1@300", "a1@600", "a1@600", "a2@600");
      assertThat(attemptsOfLetter()).isEqualTo("6");
      assertSettled(handle);
    }
  }

  @Nested
  class Through {

    private final UnaryOperator<RetrySpec> spec =
        r -> r.backoff(0, Duration.ZERO, Duration.ZERO).delayed(2, DELAY).through(waiting);

    @Test
    void aCopyWaitsAndComesAgainWhenItIsDue() {
      failing("x", 1);
      FlowHandle handle = mapping(log, spec);
      source.offer(alone("x"));
      assertThat(source.outcomes("x")).containsExactly(Outcome.deferred());
      Message<byte[]> copy = waiting.sent().get(0);
      assertThat(copy.id()).isEqualTo(source.deliveries().get(0).message().id());
      assertThat(copy.headers().get(Retrying.RETRIES_HEADER)).isEqualTo("1");
      assertThat(copy.headers().get(Retrying.NOT_BEFORE_HEADER)).isEqualTo("1970-01-01T00:05:00Z");
      pass(DELAY.minusSeconds(1));
      assertThat(tried).containsExactly("x@0");
      pass(Duration.ofSeconds(1));
      assertThat(tried).containsExactly("x@0", "x@300");
      assertThat(shipments.sentTexts()).containsExactly("x");
      assertThat(waiting.unsettled()).isEmpty();
      assertSettled(handle);
    }

    @Test
    void theMessageIsNotAcknowledgedBeforeTheCopyIsConfirmed() {
      Sinks.Empty<Void> gate = Sinks.empty();
      int[] refusals = {3};
      waiting.onSend(
          (message, accepted) ->
              refusals[0]-- > 0
                  ? Mono.error(SendFailed.notSent("orders.retry", "down", null))
                  : accepted.delaySubscription(gate.asMono()));
      failing("x", 1);
      FlowHandle handle = mapping(log, spec);
      source.offer(alone("x"));
      pass(Duration.ofMinutes(1));
      assertThat(waiting.attempted()).hasSize(4);
      assertThat(source.outcomes("x")).containsOnlyNulls();
      assertThat(handle.stats().unsettled()).isEqualTo(1);
      gate.tryEmitEmpty();
      assertThat(source.outcomes("x")).containsExactly(Outcome.deferred());
      pass(Duration.ofMinutes(6));
      assertThat(shipments.sentTexts()).containsExactly("x");
    }

    @Test
    void endsWithTheDeadLetters() {
      failing("x", 100);
      FlowHandle handle = mapping(log, spec);
      source.offer(alone("x"));
      pass(Duration.ofHours(1));
      assertThat(tried).containsExactly("x@0", "x@300", "x@600");
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "x");
      assertThat(attemptsOfLetter()).isEqualTo("3");
      assertSettled(handle);
    }

    @Test
    void aMessageOfAGroupWaitsInPlace() {
      failing("a1", 1);
      mapping(log, spec);
      source.offer("a1", "a2");
      pass(DELAY);
      assertThat(waiting.attempted()).isEmpty();
      assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    }

    @Test
    void aCopyThatIsRefusedForGoodWaitsInPlace() {
      waiting.onSend(
          (message, accepted) ->
              Mono.error(SendFailed.permanent("orders.retry", "too large", null)));
      failing("x", 1);
      mapping(log, spec);
      source.offer(alone("x"));
      pass(DELAY);
      assertThat(source.outcomes("x")).containsExactly(ACK);
      assertThat(shipments.sentTexts()).containsExactly("x");
    }

    @Test
    void whatIsNotDueStaysThereWhenTheFlowStops() {
      failing("x", 1);
      FlowHandle handle = mapping(log, spec);
      source.offer(alone("x"));
      handle.stop(Duration.ofSeconds(1)).subscribe();
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
      assertThat(waiting.waitingTexts()).containsExactly("x");
      assertSettled(handle);
    }

    @Test
    void aFlowThatIsCancelledWhileItSendsGivesTheMessageBack() {
      waiting.onSend((message, accepted) -> Mono.never());
      failing("x", 1);
      FlowHandle handle = mapping(log, spec);
      source.offer(alone("x"));
      source.fail(new IllegalStateException("gone"));
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("x");
      assertThat(source.unsettled()).isEmpty();
    }

    @Test
    void isForChannelsThatCannotDelay() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> mapping(source, spec))
          .withMessageContaining("through: orders.retry (expected: none; orders has DELAY");
    }
  }

  @Nested
  class TheEnd {

    @Test
    void givesBackWhatWaits() {
      failing("a1", 3);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1", "a2");
      pass(Duration.ofMillis(100));
      handle.stop(Duration.ofMillis(100)).subscribe();
      pass(Duration.ofMillis(100));
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2");
      assertSettled(handle);
    }

    @Test
    void ofTheOwnershipIsSeenWhenItsTimeComes() {
      failing("a1", 3);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1", "a2");
      source.lose(delivery -> delivery.text().equals("a1"));
      pass(Duration.ofSeconds(2));
      assertThat(tried).containsExactly("a1@0", "a1@0", "a2@1");
      assertThat(source.outcomes("a1")).containsExactly(Outcome.release(Why.LOST));
      assertThat(handle.stats().unsettled()).isZero();
    }

    @Test
    void comesWhenWhatWaitedIsDone() {
      failing("a1", 3);
      FlowHandle handle = mapping(source, SPEC);
      source.offer("a1");
      handle.stop(Duration.ofSeconds(30)).subscribe();
      pass(Duration.ofSeconds(3));
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
      assertSettled(handle);
    }
  }

  @Nested
  class Options {

    @Test
    void areChecked() {
      refused(r -> r.immediate(-1), "immediate: -1 (expected: 0..1000)");
      refused(r -> r.backoff(1001, Duration.ZERO, DELAY), "backoff: 1001 (expected: 0..1000)");
      refused(r -> r.backoff(1, DELAY, Duration.ZERO), "max: PT0S (expected: PT5M..PT8760H)");
      refused(r -> r.jitter(2), "jitter: 2.0 (expected: 0..1)");
      refused(r -> r.delayed(-1, DELAY), "delayed: -1 (expected: 0..1000000)");
      refused(r -> r.delayed(1, Duration.ofDays(366)), "delay: PT8784H (expected: PT0S..PT8760H)");
    }

    private void refused(UnaryOperator<RetrySpec> spec, String message) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().retry(spec))
          .withMessage(message);
    }
  }
}
