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
package dev.sluice.memory;

import static dev.sluice.memory.MemoryChannelTest.message;
import static org.assertj.core.api.Assertions.assertThat;
import static reactor.test.util.RaceTestUtils.race;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Two things at the same moment, on real threads. A message is never lost and never twice. */
@ExtendWith(LeakCheck.class)
class MemoryChannelRaceTest {

  private static final int ROUNDS = 500;
  private static final Outcome ACK = Outcome.ack();
  private static final ReceiveOptions OPTIONS = ReceiveOptions.defaults();

  @Nested
  class WakeUps {

    @Test
    void sendAgainstRequest() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS);
        race(() -> send(channel), () -> consumer.request(1));
        consumer.await().settlement().settle(ACK);
        consumer.cancel();
      }
    }

    @Test
    void sendAgainstTheCancelOfTheConsumerThatIsWokenFirst() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer leaving = TestConsumer.of(channel, OPTIONS).unbounded();
        TestConsumer staying = TestConsumer.of(channel, OPTIONS).unbounded();
        race(() -> send(channel), leaving::cancel);
        // released by the cancel if it got there first
        staying.await().settlement().settle(ACK);
        staying.cancel();
        assertThat(channel.stats().waiting()).isZero();
      }
    }

    /** The same, step by step: the cancel comes after the wake-up and before it is followed. */
    @Test
    void ofAConsumerThatLeavesIsPassedOn() {
      StepScheduler steps = new StepScheduler();
      MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.scheduler(steps));
      TestConsumer leaving = TestConsumer.of(channel, OPTIONS).unbounded();
      TestConsumer staying = TestConsumer.of(channel, OPTIONS).unbounded();
      steps.run();
      send(channel);
      leaving.cancel();
      steps.run();
      staying.next().settlement().settle(ACK);
      staying.cancel();
    }

    @Test
    void ofOneConsumerLeadsToThatOfTheNextWhileThereIsMore() {
      StepScheduler steps = new StepScheduler();
      MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.scheduler(steps));
      for (int i = 0; i < 3; i++) {
        send(channel);
      }
      TestConsumer slow = TestConsumer.of(channel, OPTIONS).requesting(3);
      steps.run();
      List<TestConsumer> waiting =
          Stream.generate(() -> TestConsumer.of(channel, OPTIONS).requesting(1)).limit(3).toList();
      steps.run();

      channel.expireLeases();
      steps.run();

      for (TestConsumer consumer : waiting) {
        consumer.next().settlement().settle(ACK);
        consumer.cancel();
      }
      slow.cancel();
    }

    @Test
    void settlementOfAFullWindowAgainstSend() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS.maxUnsettled(1)).unbounded();
        send(channel);
        Settlement first = consumer.await().settlement();
        race(() -> first.settle(ACK), () -> send(channel));
        consumer.await().settlement().settle(ACK);
        consumer.cancel();
      }
    }

    @Test
    void twoConsumersWithOneRequestEachGetOneMessageEach() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer one = TestConsumer.of(channel, OPTIONS);
        TestConsumer other = TestConsumer.of(channel, OPTIONS);
        race(
            () -> send(channel), () -> one.request(1), () -> send(channel), () -> other.request(1));
        Delivery<byte[]> first = one.await();
        Delivery<byte[]> second = other.await();
        assertThat(first.origin().position()).isNotEqualTo(second.origin().position());
        one.cancel();
        other.cancel();
      }
    }

    @Test
    void delaysThatEndWhileOthersBegin() throws Exception {
      for (int round = 0; round < 50; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS).unbounded();
        send(channel);
        send(channel);
        Settlement first = consumer.await().settlement();
        Settlement second = consumer.await().settlement();
        race(
            () -> first.settle(Outcome.retry(Duration.ofMillis(1), null)),
            () -> second.settle(Outcome.retry(Duration.ofNanos(1), null)));
        consumer.await().settlement().settle(ACK);
        consumer.await().settlement().settle(ACK);
        consumer.cancel();
      }
    }
  }

  @Nested
  class Ownership {

    @Test
    void ackAgainstTheEndOfTheLease() {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        Delivery<byte[]> delivery = take(channel, OPTIONS);
        Ending ending = new Ending(delivery.settlement());
        race(() -> delivery.settlement().settle(ACK), channel::expireLeases);
        ending.check(channel);
      }
    }

    @Test
    void ackAgainstCancel() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS).requesting(1);
        send(channel);
        Settlement settlement = consumer.await().settlement();
        Ending ending = new Ending(settlement);
        AtomicInteger accepted = new AtomicInteger();
        race(() -> accepted.addAndGet(settlement.settle(ACK) ? 1 : 0), consumer::cancel);
        ending.check(channel);
        assertThat(ending.durable.get()).isEqualTo(accepted.get());
      }
    }

    @Test
    void cancelAgainstTheEndOfTheLease() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags");
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS).requesting(1);
        send(channel);
        consumer.await();
        race(channel::expireLeases, consumer::cancel);
        assertThat(channel.stats().waiting()).isEqualTo(1);
        assertThat(channel.stats().unsettled()).isZero();
        assertThat(channel.stats().consumers()).isZero();
      }
    }

    @Test
    void requestAgainstCancelLeavesTheMessageInTheChannel() {
      for (int round = 0; round < ROUNDS; round++) {
        VirtualTimeScheduler inline = VirtualTimeScheduler.create();
        MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.scheduler(inline));
        send(channel);
        TestConsumer consumer = TestConsumer.of(channel, OPTIONS);
        race(() -> consumer.request(1), consumer::cancel);
        consumer.drain().forEach(d -> assertThat(d.settlement().isSettled()).isTrue());
        assertThat(channel.stats().waiting()).isEqualTo(1);
        assertThat(channel.stats().unsettled()).isZero();
      }
    }

    @Test
    void theConfirmationOfADeadLetterAgainstTheEndOfThePatience() {
      for (int round = 0; round < ROUNDS; round++) {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.scheduler(time));
        Sinks.Empty<Void> confirmation = Sinks.empty();
        send(channel);
        TestConsumer consumer =
            TestConsumer.of(channel, OPTIONS.deadLetters(confirming(confirmation))).requesting(1);
        Settlement settlement = consumer.next().settlement();
        Ending ending = new Ending(settlement);
        settlement.settle(Outcome.reject(DeadLetterReason.POISON, null));
        consumer.cancel();
        race(() -> time.advanceTimeBy(MemoryConsumer.FLUSH), confirmation::tryEmitEmpty);
        ending.check(channel);
      }
    }

    private Outbound<byte[]> confirming(Sinks.Empty<Void> confirmation) {
      return new Outbound<>() {
        @Override
        public String name() {
          return "dead";
        }

        @Override
        public Mono<Receipt> send(Message<byte[]> message) {
          return confirmation.asMono().thenReturn(new Receipt("dead", message.id(), "1"));
        }
      };
    }
  }

  @Nested
  class Capacity {

    @Test
    void roomAgainstTheCancelOfASendThatWaits() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.capacity(1));
        Delivery<byte[]> delivery = take(channel, OPTIONS);
        AtomicInteger receipts = new AtomicInteger();
        Disposable waiting =
            channel.send(message("b")).subscribe(receipt -> receipts.incrementAndGet());
        race(() -> delivery.settlement().settle(ACK), waiting::dispose);
        MemoryChannel.Stats stats = channel.stats();
        assertThat(stats.waiting()).isGreaterThanOrEqualTo(receipts.get());
        assertThat(stats.waitingSends()).isZero();
      }
    }

    @Test
    void manySendersNeverOverfillTheChannel() throws Exception {
      for (int round = 0; round < ROUNDS; round++) {
        MemoryChannel channel = MemoryChannel.create("bags", spec -> spec.capacity(3));
        AtomicInteger receipts = new AtomicInteger();
        Runnable send =
            () -> channel.send(message("a")).subscribe(receipt -> receipts.incrementAndGet());
        race(send, send, send, send, send);
        assertThat(receipts).hasValue(3);
        assertThat(channel.stats().waiting()).isEqualTo(3);
        assertThat(channel.stats().waitingSends()).isEqualTo(2);
      }
    }
  }

  private static void send(MemoryChannel channel) {
    channel.send(message("a")).subscribe();
  }

  /** A delivery whose consumer wants no other. */
  private static Delivery<byte[]> take(MemoryChannel channel, ReceiveOptions options) {
    TestConsumer consumer = TestConsumer.of(channel, options).requesting(1);
    send(channel);
    try {
      return consumer.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** How a settlement ends: durable and consumed, or lost and still there, never both. */
  private static final class Ending {
    final AtomicInteger durable = new AtomicInteger();
    final AtomicInteger stale = new AtomicInteger();
    final AtomicInteger lost = new AtomicInteger();
    private final Settlement settlement;

    Ending(Settlement settlement) {
      this.settlement = settlement;
      settlement
          .durable()
          .subscribe(v -> {}, e -> stale.incrementAndGet(), durable::incrementAndGet);
      settlement.lost().subscribe(v -> {}, e -> {}, lost::incrementAndGet);
    }

    void check(MemoryChannel channel) {
      assertThat(settlement.isSettled()).isTrue();
      assertThat(durable.get() + stale.get()).isEqualTo(1);
      assertThat(lost.get()).isEqualTo(stale.get());
      assertThat(channel.stats().waiting()).isEqualTo(stale.get());
      assertThat(channel.stats().unsettled()).isZero();
    }
  }

  /** Runs tasks when the test says so, on its thread; delayed ones never. */
  private static final class StepScheduler implements Scheduler {

    private final Queue<Runnable> tasks = new ArrayDeque<>();

    void run() {
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
      }
    }

    @Override
    public Disposable schedule(Runnable task) {
      tasks.add(task);
      return Disposables.disposed();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      return Disposables.disposed();
    }

    @Override
    public long now(TimeUnit unit) {
      return 0;
    }

    @Override
    public Worker createWorker() {
      return new Worker() {
        @Override
        public Disposable schedule(Runnable task) {
          return StepScheduler.this.schedule(task);
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
          return Disposables.disposed();
        }

        @Override
        public void dispose() {
          // tasks that were scheduled still run
        }
      };
    }
  }
}
