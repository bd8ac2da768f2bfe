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

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.Inbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome.Release;
import dev.sluice.message.Message;
import dev.sluice.priority.PrioritySpec;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.retry.Retry;

/** Priority in a flow: of channels, and of the messages of one. Levels are the first characters. */
class PriorityFlowTest extends FlowFixture {

  private final List<String> started = new ArrayList<>();
  private final Map<String, Sinks.Empty<String>> work = new HashMap<>();

  /** Work that lasts until the test ends it. */
  private Mono<String> worker(String text) {
    started.add(text);
    return work.computeIfAbsent(text, t -> Sinks.empty()).asMono();
  }

  private void done(String text) {
    work.get(text).tryEmitEmpty().orThrow();
  }

  @Nested
  class OfChannels {

    private final TestChannel urgent = TestChannel.create("urgent");
    private final TestChannel normal = TestChannel.create("normal");

    private Flow<String> merged(UnaryOperator<PrioritySpec<Message<byte[]>>> spec) {
      return Flow.priorityMerge(List.of(urgent, normal), spec)
          .clock(clock)
          .onError(policy)
          .deadLetter(deadLetters)
          .decode(StringCodec.utf8());
    }

    private FlowHandle oneWorker(Flow<String> flow) {
      return flow.compete(PriorityFlowTest.this::worker, c -> c.concurrency(1).lookAhead(1))
          .start();
    }

    @Test
    void theMostUrgentThatWaitsGoesFirst() {
      FlowHandle handle = oneWorker(merged(p -> p));
      normal.offer("n1", "n2");
      urgent.offer("u1");
      normal.offer("n3");
      urgent.offer("u2");
      for (String next : List.of("n1", "u1", "u2", "n2", "n3")) {
        assertThat(started).last().isEqualTo(next);
        done(next);
      }
      assertThat(urgent.outcomes("u2")).containsExactly(ACK);
      assertThat(normal.outcomes("n3")).containsExactly(ACK);
      assertThat(handle.name()).isEqualTo("urgent, normal");
      assertSettled(handle);
    }

    @Test
    void theLessUrgentHaveAWindowOfTheirOwn() {
      FlowHandle handle = oneWorker(merged(p -> p).maxUnsettled(2));
      normal.offer("n1", "n2", "n3", "n4");
      urgent.offer("u1", "u2", "u3");
      assertThat(normal.mostUnsettled()).isEqualTo(2);
      assertThat(urgent.mostUnsettled()).isEqualTo(2);
      assertThat(handle.stats().maxUnsettled()).isEqualTo(4);
      for (String next : List.of("n1", "u1", "u2", "u3", "n2")) {
        assertThat(started).last().isEqualTo(next);
        done(next);
      }
      handle.stop(Duration.ZERO).subscribe();
    }

    @Test
    void whatStillWaitsWhenTheGraceIsOverGoesBack() {
      FlowHandle handle = oneWorker(merged(p -> p));
      normal.offer("n1", "n2");
      urgent.offer("u1");
      handle.stop(Duration.ofSeconds(5)).subscribe();
      assertThat(handle.stats().state()).isEqualTo(State.STOPPING);
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(started).containsExactly("n1");
      for (TestChannel channel : List.of(urgent, normal)) {
        assertThat(channel.unsettled()).isEmpty();
      }
      assertThat(urgent.waitingTexts()).containsExactly("u1");
      assertThat(normal.waitingTexts()).containsExactly("n1", "n2");
    }

    @Test
    void stopsInPeaceWhenThereIsTime() {
      FlowHandle handle = oneWorker(merged(p -> p));
      normal.offer("n1", "n2");
      urgent.offer("u1");
      handle.stop(Duration.ofSeconds(5)).subscribe();
      for (String next : List.of("n1", "u1", "n2")) {
        done(next);
      }
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(handle.stats().acknowledged()).isEqualTo(3);
    }

    @Test
    void anErrorOfOneEndsTheFlowAndGivesEverythingBack() {
      FlowHandle handle = oneWorker(merged(p -> p.delayError(true)));
      normal.offer("n1", "n2");
      urgent.fail(new IllegalStateException("boom"));
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(normal.isCancelled()).isTrue();
      assertThat(normal.waitingTexts()).containsExactly("n1", "n2");
    }

    @Test
    void afterARestartAllAreReceived() {
      FlowHandle handle = oneWorker(merged(p -> p).restart(Retry.indefinitely()));
      normal.offer("n1");
      urgent.fail(new IllegalStateException("boom"));
      assertThat(started).containsExactly("n1", "n1");
      urgent.offer("u1");
      done("n1");
      done("u1");
      assertThat(handle.stats().restarts()).isEqualTo(1);
      assertThat(normal.outcomes("n1")).last().isEqualTo(ACK);
      assertThat(urgent.outcomes("u1")).containsExactly(ACK);
    }

    @Test
    void aFunctionThatThrowsIsTheFateOfItsMessage() {
      for (boolean fair : new boolean[] {true, false}) {
        FlowHandle handle =
            merged(
                    p ->
                        fair
                            ? p.fairBy(PriorityFlowTest::poisoned)
                            : p.weighted(PriorityFlowTest::poisoned, 2, 1))
                .map(this::seen)
                .start();
        normal.offer("n1", "x", "n2");
        urgent.offer("u1");
        assertThat(handle.stats().acknowledged()).isEqualTo(3);
        assertThat(handle.stats().rejected()).isEqualTo(1);
        assertSettled(handle);
        handle.stop(Duration.ZERO).subscribe();
      }
      assertThat(started).containsExactly("n1", "n2", "u1", "n1", "n2", "u1");
      assertDeadLetters(DeadLetterReason.POISON, "x", "x");
    }

    private String seen(String text) {
      started.add(text);
      return text;
    }

    @Test
    void badInputIsTold() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Flow.priorityMerge(List.<Inbound>of()))
          .withMessage("levels: 0 (expected: 1..64)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merged(p -> p.weighted(1, 2, 3)))
          .withMessage("quanta: [1, 2, 3] (expected: one for each of the 2 levels)");
    }
  }

  private static int poisoned(Message<byte[]> message) {
    if (text(message).startsWith("x")) {
      throw new IllegalArgumentException("poison");
    }
    return 1;
  }

  @Nested
  class OfMessages {

    private final Comparator<Message<String>> byLevel =
        Comparator.comparing(message -> message.payload().charAt(0));

    private FlowHandle oneWorker(Flow<String> flow) {
      return flow.compete(PriorityFlowTest.this::worker, c -> c.concurrency(1).lookAhead(1))
          .start();
    }

    @Test
    void theMostUrgentThatWaitsGoesFirstAndEqualOnesKeepTheirOrder() {
      FlowHandle handle = oneWorker(flow().prioritize(byLevel, p -> p));
      source.offer("2a", "2b", "1a", "0a", "1b");
      for (String next : List.of("2a", "0a", "1a", "1b", "2b")) {
        assertThat(started).last().isEqualTo(next);
        done(next);
      }
      assertSettled(handle);
      assertThat(handle.stats().acknowledged()).isEqualTo(5);
    }

    @Test
    void anOldMessageIsAsUrgentAsAYoungOneOfTheLevelAbove() {
      oneWorker(
          flow()
              .prioritize(
                  m -> m.payload().charAt(0) - '0', Duration.ofSeconds(10), p -> p.timer(time)));
      source.offer("0first", "1old");
      time.advanceTimeBy(Duration.ofSeconds(9));
      source.offer("0within");
      time.advanceTimeBy(Duration.ofSeconds(2));
      source.offer("0after");
      for (String next : List.of("0first", "0within", "1old", "0after")) {
        assertThat(started).last().isEqualTo(next);
        done(next);
      }
    }

    @Test
    void aComparatorThatThrowsIsTheFateOfOneMessage() {
      FlowHandle handle =
          oneWorker(
              flow()
                  .prioritize(
                      (a, b) -> {
                        if (a.payload().equals("x")) {
                          throw new IllegalArgumentException("poison");
                        }
                        return byLevel.compare(a, b);
                      },
                      p -> p));
      source.offer("1a", "2b", "x", "1c");
      for (String next : List.of("1a", "1c", "2b")) {
        assertThat(started).last().isEqualTo(next);
        done(next);
      }
      assertDeadLetters(DeadLetterReason.POISON, "x");
      assertSettled(handle);
    }

    @Test
    void soIsALevelThatThrowsOrIsOutOfRange() {
      FlowHandle handle =
          flow()
              .prioritize(m -> Integer.parseInt(m.payload()), Duration.ofSeconds(10), p -> p)
              .map(
                  text -> {
                    started.add(text);
                    return text;
                  })
              .start();
      source.offer("1", "x", "64", "0");
      assertThat(started).containsExactly("1", "0");
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      assertDeadLetters(DeadLetterReason.POISON, "x", "64");
      assertSettled(handle);
    }

    @Test
    void whatHasExpiredWhileItWaitedIsRejected() {
      FlowHandle handle = oneWorker(flow().prioritize(byLevel, p -> p));
      source.offer("1a");
      source.offer(
          Message.builder("2b".getBytes(StandardCharsets.UTF_8))
              .expiresAt(clock.instant().plusSeconds(1))
              .build());
      time.advanceTimeBy(Duration.ofSeconds(2));
      done("1a");
      assertThat(started).containsExactly("1a");
      assertDeadLetters(DeadLetterReason.EXPIRED, "2b");
      assertSettled(handle);
    }

    @Test
    void whatWaitsGoesBackWhenTheFlowStops() {
      FlowHandle handle = oneWorker(flow().prioritize(byLevel, p -> p));
      source.offer("1a", "2b", "0c");
      handle.stop(Duration.ZERO).subscribe();
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(source.waitingTexts()).containsExactly("1a", "2b", "0c");
      assertThat(source.outcomes("2b")).singleElement().isInstanceOf(Release.class);
      assertSettled(handle);
    }

    @Test
    void theWindowHasToFitIntoWhatMayBeUnsettled() {
      Flow<String> flow = flow().maxUnsettled(100).prioritize(byLevel, p -> p.window(101));
      assertThatIllegalArgumentException()
          .isThrownBy(flow::start)
          .withMessageContaining("maxUnsettled: 100 (expected: >= 101");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().prioritize(byLevel, p -> p.window(0)))
          .withMessage("window: 0 (expected: 1..1048576)");
    }
  }
}
