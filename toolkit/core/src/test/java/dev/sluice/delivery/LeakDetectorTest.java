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
package dev.sluice.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.Outcome.Retry;
import dev.sluice.message.Message;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** The build runs the tests with {@code -Dsluice.leak=paranoid}. */
class LeakDetectorTest {

  private static final Logger LOG = (Logger) LoggerFactory.getLogger(LeakDetector.class);

  private final CountDownLatch logged = new CountDownLatch(1);
  private final ListAppender<ILoggingEvent> appender =
      new ListAppender<>() {
        @Override
        protected void append(ILoggingEvent event) {
          super.append(event);
          logged.countDown();
        }
      };
  private final CountDownLatch decided = new CountDownLatch(1);
  private final ProbeSettlement core = new ProbeSettlement(decided::countDown);
  private long leaksBefore;

  @BeforeEach
  void captureTheLog() {
    appender.start();
    LOG.addAppender(appender);
    LOG.setAdditive(false);
    leaksBefore = LeakDetector.leaks();
  }

  @AfterEach
  void releaseTheLog() {
    LOG.detachAppender(appender);
    LOG.setAdditive(true);
  }

  @Nested
  class ADroppedDelivery {

    @Test
    void isReportedWithItsAssemblyLineAndSettledAsACountedRetry() throws Exception {
      new Delivery<>(Message.of("x"), track(), new Origin("orders", "1", 1, Instant.EPOCH, 1));

      awaitDecision();

      assertThat(core.decided)
          .singleElement()
          .isInstanceOfSatisfying(
              Retry.class,
              retry -> {
                assertThat(retry.delay()).isZero();
                assertThat(retry.cause())
                    .isInstanceOf(LeakedDelivery.class)
                    .hasMessageContaining("LeakDetectorTest.java:");
              });
      assertThat(LeakDetector.leaks()).isEqualTo(leaksBefore + 1);
      assertThat(appender.list)
          .singleElement()
          .satisfies(
              event -> {
                assertThat(event.getLevel()).isEqualTo(Level.ERROR);
                assertThat(event.getFormattedMessage())
                    .startsWith("LEAK: probe was dropped undecided and is retried;")
                    .containsPattern("at dev\\.sluice\\.delivery\\.LeakDetectorTest.*:\\d+");
              });
    }

    @Test
    void isFoundAlthoughSomebodyWaitsForItsLoss() throws Exception {
      Settlement handle = track();
      handle.lost().subscribe();
      handle.durable().subscribe();
      handle.onDone(outcome -> {});
      handle = null;
      awaitDecision();
    }

    @Test
    void isFoundThroughTheChildrenThatHeldIt() throws Exception {
      SplitSettlement split = new SplitSettlement(track());
      Settlement child = Objects.requireNonNull(split.child());
      split.producerDone(Outcome.ack());
      split = null;
      assertThat(core.isSettled()).isFalse();
      Reference.reachabilityFence(child);
      child = null;
      awaitDecision();
    }

    @Test
    void isFoundThroughAChildWhoseLossSomebodyAwaits() throws Exception {
      SplitSettlement split = new SplitSettlement(track());
      Settlement child = Objects.requireNonNull(split.child());
      child.lost().subscribe();
      child.durable().subscribe();
      split = null;
      child = null;
      awaitDecision();
    }

    @Test
    void isFoundThroughAnAggregateWhoseLossSomebodyAwaits() throws Exception {
      JoinSettlement join = new JoinSettlement(List.of(track()));
      join.lost().subscribe();
      join.durable().subscribe();
      join = null;
      awaitDecision();
    }

    @Test
    void isFoundWhenTheGuardOfASplitIsDropped() throws Exception {
      SplitSettlement split = new SplitSettlement(track());
      Objects.requireNonNull(split.child()).settle(Outcome.ack());
      split = null;
      awaitDecision();
    }
  }

  @Nested
  class ADeliveryInGoodHands {

    @Test
    void isNotReportedOnceItWasSettled() throws Exception {
      Settlement handle = track();
      handle.settle(Outcome.ack());
      handle = null;

      collectGarbage();

      assertThat(core.decided).containsExactly(Outcome.ack());
      assertNothingReported();
    }

    @Test
    void isNotReportedWhenTheSourceSettledIt() throws Exception {
      Settlement handle = track();
      core.settle(Outcome.release(Why.STOPPED));
      handle = null;

      collectGarbage();

      assertThat(core.decided).containsExactly(Outcome.release(Why.STOPPED));
      assertNothingReported();
    }

    @Test
    void isHeldByItsChildren() throws Exception {
      SplitSettlement split = new SplitSettlement(track());
      Settlement child = Objects.requireNonNull(split.child());
      split.producerDone(Outcome.ack());
      split = null;

      collectGarbage();
      assertNothingReported();

      child.settle(Outcome.ack());
      assertThat(core.decided).containsExactly(Outcome.ack());
    }

    @Test
    void isHeldByAnotherMessageUnderTheSameSettlement() throws Exception {
      Delivery<Integer> mapped =
          new Delivery<>(Message.of("x"), track(), new Origin("orders", "1", 1, Instant.EPOCH, 1))
              .with(Message.of(1));

      collectGarbage();
      assertNothingReported();

      assertThat(mapped.settlement().settle(Outcome.ack())).isTrue();
    }

    private void assertNothingReported() {
      assertThat(LeakDetector.leaks()).isEqualTo(leaksBefore);
      assertThat(appender.list).isEmpty();
    }
  }

  @Nested
  class AHandle {

    @Test
    void showsWhatTheCoreShows() {
      Settlement handle = track();
      assertThat(handle).hasToString("probe");
      assertThat(handle.isSettled()).isFalse();
      assertThat(handle.outcome()).isNull();

      assertThat(handle.settle(Outcome.ack())).isTrue();
      assertThat(handle.settle(Outcome.ack())).isFalse();

      assertThat(handle.isSettled()).isTrue();
      assertThat(handle.outcome()).isEqualTo(Outcome.ack());
      assertThat(handle.isLost()).isFalse();
      core.lose();
      assertThat(handle.isLost()).isTrue();
    }
  }

  @Nested
  class Levels {

    @Test
    void testsRunParanoid() {
      assertThat(LeakDetector.level()).isEqualTo(LeakDetector.Level.PARANOID);
    }

    @ParameterizedTest
    @CsvSource({"off,OFF", "OFF,OFF", "sampled,SAMPLED", "Paranoid,PARANOID"})
    void areReadWithoutRegardToCase(String value, LeakDetector.Level level) {
      assertThat(LeakDetector.parse(value)).isEqualTo(level);
      assertThat(appender.list).isEmpty();
    }

    @Test
    void anUnknownOneIsReportedAndMeansSampled() {
      assertThat(LeakDetector.parse("always")).isEqualTo(LeakDetector.Level.SAMPLED);
      assertThat(appender.list)
          .singleElement()
          .satisfies(
              event ->
                  assertThat(event.getFormattedMessage())
                      .isEqualTo(
                          "sluice.leak: always (expected: off, sampled or paranoid);"
                              + " using sampled"));
    }

    @Test
    void offWatchesNothing() {
      assertThat(LeakDetector.track(LeakDetector.Level.OFF, core, "here")).isSameAs(core);
    }

    @Test
    void sampledWatchesOneInAHundredAndTwentyEight() {
      List<Settlement> handles =
          Stream.generate(() -> LeakDetector.track(LeakDetector.Level.SAMPLED, core, "here"))
              .limit(128 * 200)
              .toList();
      long watched = handles.stream().filter(TrackedSettlement.class::isInstance).count();
      core.settle(Outcome.ack());
      assertThat(watched).isBetween(100L, 300L);
    }
  }

  private Settlement track() {
    return LeakDetector.track(core, LeakDetector.assembly());
  }

  /** The log line is the last that the detector does. */
  private void awaitDecision() throws InterruptedException {
    for (int i = 0; i < 100 && decided.getCount() != 0; i++) {
      System.gc();
      decided.await(20, TimeUnit.MILLISECONDS);
    }
    assertThat(decided.getCount()).as("the leak was found").isZero();
    assertThat(logged.await(10, TimeUnit.SECONDS)).as("the leak was logged").isTrue();
  }

  /** Twice, so that what the first round has found has been acted on. */
  private static void collectGarbage() {
    IntStream.range(0, 2)
        .forEach(
            i -> {
              WeakReference<Object> sentinel = new WeakReference<>(new Object());
              for (int n = 0; n < 100 && sentinel.get() != null; n++) {
                System.gc();
              }
              assertThat(sentinel.get()).isNull();
            });
  }
}
