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

import static dev.sluice.gather.ScatterGather.scatterGather;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.Recipient;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.gather.Incomplete;
import dev.sluice.gather.Recipients;
import dev.sluice.gather.ScatterGather;
import dev.sluice.gather.ScatterSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;
import reactor.test.publisher.TestPublisher;

/** What a gather does with its message. */
class ScatterGatherFlowTest extends FlowFixture {

  private final List<String> askedFor = new ArrayList<>();
  private TestPublisher<String> slow = TestPublisher.create();

  private ScatterGather<String, String> scatter(UnaryOperator<ScatterSpec<String>> spec) {
    return scatterGather(
        Recipients.of(
            Recipient.of("quick", text -> Mono.just(text + "?")),
            Recipient.of(
                "slow",
                text -> {
                  askedFor.add(text);
                  slow = TestPublisher.create();
                  return slow.mono();
                })),
        s -> spec.apply(s.within(Duration.ofSeconds(1))));
  }

  @AfterEach
  void resetHooks() {
    Hooks.resetOnNextDropped();
  }

  @Test
  void goesOnWithWhatWasMadeOfTheAnswersAndAcknowledgesWhenThatIsDone() {
    FlowHandle handle =
        flow()
            .scatterGather(scatter(s -> s), (text, gathered) -> text + gathered.answers())
            .to(target)
            .start();
    source.offer("a", "b");
    assertThat(source.unsettled()).hasSize(2);
    assertThat(askedFor).containsExactly("a", "b"); // both at once
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shipments.sentTexts()).containsExactlyInAnyOrder("a[a?]", "b[b?]");
    assertThat(source.outcomes("a")).containsExactly(ACK);
    assertSettled(handle);
  }

  @Test
  void anIncompleteOneIsTriedAgainWithAllItsRecipientsAndThenRejected() {
    FlowHandle handle =
        flow()
            .scatterGather(scatter(s -> s.onIncomplete(Incomplete.ERROR)), (text, gathered) -> text)
            .to(target)
            .start();
    source.offer("a");
    time.advanceTimeBy(Duration.ofSeconds(60));
    assertThat(askedFor).containsExactly("a", "a", "a");
    assertThat(letters()).hasSize(1);
    assertThat(shipments.sentTexts()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void aFunctionThatThrowsOrGivesNullIsTheFateOfItsMessage() {
    FlowHandle handle =
        flow()
            .scatterGather(
                scatter(s -> s.first(1)),
                (text, gathered) -> {
                  if (text.equals("x")) {
                    throw new IllegalArgumentException("poison");
                  }
                  return text;
                })
            .to(target)
            .start();
    source.offer("a", "x", "b");
    assertThat(shipments.sentTexts()).containsExactly("a", "b");
    assertDeadLetters(DeadLetterReason.POISON, "x");
    assertSettled(handle);
  }

  @Test
  void answersThatNobodyGetsAreDiscarded() {
    List<Object> discarded = new ArrayList<>();
    ScatterGather<String, String> failing = scatter(s -> s.first(2).onIncomplete(Incomplete.ERROR));
    for (boolean throwing : new boolean[] {true, false}) {
      Sinks.One<String> answer = Sinks.one();
      ScatterGather<String, String> one =
          scatterGather(
              Recipients.of(Recipient.of("one", text -> answer.asMono())),
              (ScatterSpec<String> s) -> s);
      FlowHandle handle =
          flow()
              .transformDeliveries(
                  deliveries ->
                      deliveries.contextWrite(
                          context -> Operators.enableOnDiscard(context, o -> {})))
              .scatterGather(
                  throwing ? one : failing,
                  (text, gathered) -> {
                    throw new IllegalArgumentException("poison");
                  })
              .transformDeliveries(
                  deliveries ->
                      deliveries.contextWrite(
                          context ->
                              Operators.enableOnDiscard(
                                  context,
                                  o -> {
                                    if (o instanceof String) {
                                      discarded.add(o);
                                    }
                                  })))
              .start();
      source.offer("a");
      answer.tryEmitValue("answer");
      time.advanceTimeBy(Duration.ofSeconds(60));
      assertThat(discarded).containsOnly(throwing ? "answer" : "a?").isNotEmpty();
      discarded.clear();
      handle.stop(Duration.ZERO).subscribe();
      assertSettled(handle);
    }
  }

  @Test
  void aStopCancelsWhoeverIsBeingAskedAndGivesTheMessageBack() {
    AtomicInteger combined = new AtomicInteger();
    FlowHandle handle =
        flow()
            .scatterGather(scatter(s -> s), (text, gathered) -> combined.incrementAndGet())
            .start();
    source.offer("a");
    slow.assertSubscribers(1);
    handle.stop(Duration.ZERO).subscribe();
    slow.assertNoSubscribers();
    assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
    assertThat(source.waitingTexts()).containsExactly("a");
    assertThat(combined).hasValue(0);
    assertSettled(handle);
  }
}
