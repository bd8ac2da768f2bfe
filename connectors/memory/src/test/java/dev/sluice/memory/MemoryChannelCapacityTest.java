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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.channel.SendFailed.Certainty;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.memory.MemoryChannel.Stats;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What is the memory channel's own: its bounds, its gauges, its options. */
@ExtendWith(LeakCheck.class)
class MemoryChannelCapacityTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Outcome ACK = Outcome.ack();

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final MemoryChannel channel =
      MemoryChannel.create("bags", spec -> spec.scheduler(time).capacity(2));
  private final TestConsumer consumer = TestConsumer.of(channel, ReceiveOptions.defaults());
  private final List<String> sent = new ArrayList<>();

  @AfterEach
  void cancel() {
    consumer.cancel();
  }

  @Nested
  class AFullChannel {

    @Test
    void makesSendsWaitForRoomInTheirOrder() {
      send("a", "b", "c", "d");
      assertThat(sent).containsExactly("a", "b");

      consumer.requesting(1).next().settlement().settle(ACK);
      assertThat(sent).containsExactly("a", "b", "c");

      consumer.unbounded();
      consumer.drain().forEach(delivery -> delivery.settlement().settle(ACK));
      assertThat(sent).containsExactly("a", "b", "c", "d");
    }

    @Test
    void countsWhatIsOut() {
      send("a", "b");
      Delivery<byte[]> out = consumer.requesting(1).next();
      send("c");
      assertThat(sent).containsExactly("a", "b");
      out.settlement().settle(ACK);
      assertThat(sent).containsExactly("a", "b", "c");
    }

    @Test
    void hasRoomForWhatComesBack() {
      send("a", "b", "c");
      consumer.requesting(1).next().settlement().settle(Outcome.retry(Duration.ZERO, null));
      assertThat(sent).containsExactly("a", "b");
      assertThat(channel.stats().waiting()).isEqualTo(2);
    }

    @Test
    void letsNoLaterSendOvertakeOneThatWaits() {
      send("a", "b", "c");
      // c is waiting for room; once a is gone there is room for c only
      consumer.requesting(1).next().settlement().settle(ACK);
      send("d");
      assertThat(sent).containsExactly("a", "b", "c");
    }

    @Test
    void refusesMoreSendsThanItHoldsMessages() {
      send("a", "b", "c", "d");
      StepVerifier.create(channel.send(message("e")))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOfSatisfying(
                          SendFailed.class,
                          failed -> assertThat(failed.certainty()).isEqualTo(Certainty.NOT_SENT))
                      .hasMessage("bags: full: 2 messages and as many sends that wait"))
          .verify(TIMEOUT);
      assertThat(channel.stats().waitingSends()).isEqualTo(2);
    }

    @Test
    void doesNotSendWhatWasCancelledWhileItWaited() {
      send("a", "b");
      Disposable waiting = channel.send(message("c")).subscribe();
      assertThat(channel.stats().waitingSends()).isEqualTo(1);
      waiting.dispose();
      assertThat(channel.stats().waitingSends()).isZero();
      consumer.unbounded();
      assertThat(consumer.bodies(2)).containsExactly("a", "b");
      consumer.drain().forEach(delivery -> delivery.settlement().settle(ACK));
      consumer.nothing();
    }

    @Test
    void slowsTheSourceOfSendAllDown() {
      List<Receipt> receipts = new ArrayList<>();
      MemoryChannel large =
          MemoryChannel.create("bags", spec -> spec.scheduler(time).capacity(300));
      AtomicReference<Long> asked = new AtomicReference<>(0L);
      Flux<Message<byte[]>> source =
          Flux.range(0, 1_000)
              .map(i -> message(Integer.toString(i)))
              .doOnRequest(n -> asked.updateAndGet(before -> before + n));
      large.sendAll(source).subscribe(receipts::add);
      assertThat(receipts).hasSize(300);
      assertThat(asked.get()).isEqualTo(556);
      assertThat(large.stats().waitingSends()).isEqualTo(256);

      TestConsumer drain = TestConsumer.of(large, ReceiveOptions.defaults()).unbounded();
      for (int i = 0; i < 1_000; i++) {
        Delivery<byte[]> delivery = drain.next();
        assertThat(TestConsumer.body(delivery)).isEqualTo(Integer.toString(i));
        delivery.settlement().settle(ACK);
      }
      assertThat(receipts).hasSize(1_000);
      drain.cancel();
    }
  }

  @Nested
  class Gauges {

    @Test
    void showWhatTheChannelHolds() {
      MemoryChannel held = MemoryChannel.create("bags", spec -> spec.scheduler(time).capacity(9));
      for (String body : List.of("x1", "x2", "x3")) {
        held.send(message(body).withGroup("x")).block();
      }
      held.send(message("a")).block();
      held.send(message("b")).block();
      TestConsumer taking = TestConsumer.of(held, ReceiveOptions.defaults()).requesting(2);
      taking.next();
      taking.next().settlement().settle(Outcome.retry(Duration.ofSeconds(1), null));

      assertThat(held.stats()).isEqualTo(new Stats(4, 1, 1, 1, 1, 0, 1, 9));

      taking.cancel();
      assertThat(held.stats()).isEqualTo(new Stats(5, 2, 1, 0, 1, 0, 0, 9));
    }

    @Test
    void areZeroWhenEverythingIsDone() {
      for (int i = 0; i < 2; i++) {
        channel.send(message("x").withGroup("group " + i)).block();
      }
      consumer.unbounded();
      consumer.drain().forEach(delivery -> delivery.settlement().settle(ACK));
      assertThat(channel.stats()).isEqualTo(new Stats(0, 0, 0, 0, 0, 0, 1, 2));
    }

    @Test
    void countEachSubscriptionOnce() {
      Flux<Delivery<byte[]>> deliveries = channel.receive(ReceiveOptions.defaults());
      List<Disposable> consumers =
          IntStream.range(0, 3).mapToObj(i -> deliveries.subscribe()).toList();
      assertThat(channel.stats().consumers()).isEqualTo(4);
      consumers.forEach(Disposable::dispose);
      consumers.forEach(Disposable::dispose);
      assertThat(channel.stats().consumers()).isEqualTo(1);
    }
  }

  @Nested
  class Scheduling {

    /** Or an idle channel would be kept in memory by the timer of its longest lease. */
    @Test
    void leavesNoTimerWhenNothingIsOutAndNothingSleeps() {
      DelayCounter counter = new DelayCounter(time);
      MemoryChannel timed = MemoryChannel.create("bags", spec -> spec.scheduler(counter));
      timed.send(message("a")).block();
      TestConsumer taking = TestConsumer.of(timed, ReceiveOptions.defaults()).unbounded();
      assertThat(counter.pending).as("the end of the lease").hasValue(1);

      taking.next().settlement().settle(Outcome.retry(Duration.ofSeconds(1), null));
      assertThat(counter.pending).as("the end of the delay").hasValue(1);
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(counter.pending).as("the end of the next lease").hasValue(1);

      taking.next().settlement().settle(ACK);
      assertThat(counter.pending).hasValue(0);
      taking.cancel();
    }

    @Test
    void hasOneTimerForAllThatIsOut() {
      DelayCounter counter = new DelayCounter(time);
      MemoryChannel timed = MemoryChannel.create("bags", spec -> spec.scheduler(counter));
      IntStream.range(0, 100).forEach(i -> timed.send(message("m")).block());
      TestConsumer taking = TestConsumer.of(timed, ReceiveOptions.defaults()).unbounded();
      assertThat(counter.pending).hasValue(1);
      List<Delivery<byte[]>> out = taking.drain();
      for (int i = 0; i < out.size(); i++) {
        Duration delay = Duration.ofSeconds(out.size() - i);
        out.get(i).settlement().settle(Outcome.retry(delay, null));
        assertThat(counter.pending).hasValue(1);
      }
      taking.cancel();
    }

    @Test
    void leavesNoTimerWhenAConsumerHasEnded() {
      DelayCounter counter = new DelayCounter(time);
      MemoryChannel timed = MemoryChannel.create("bags", spec -> spec.scheduler(counter));
      timed.send(message("a")).block();
      TestConsumer stopping =
          TestConsumer.of(timed, ReceiveOptions.defaults().stop(Mono.just(Duration.ofSeconds(30))))
              .unbounded();
      stopping.completed();
      TestPublisher<Duration> stop = TestPublisher.create();
      TestConsumer slow =
          TestConsumer.of(timed, ReceiveOptions.defaults().stop(stop.mono())).unbounded();
      stop.emit(Duration.ofSeconds(30));
      assertThat(counter.pending).as("the end of the lease and of the grace").hasValue(2);
      slow.next().settlement().settle(ACK);
      slow.completed();
      assertThat(counter.pending).hasValue(0);
    }

    @Test
    void isShownToWhoScans() {
      Flux<Delivery<byte[]>> deliveries =
          MemoryChannel.create("bags").receive(ReceiveOptions.defaults());
      assertThat(Scannable.from(deliveries).scan(Scannable.Attr.RUN_ON))
          .isSameAs(Schedulers.parallel());
      assertThat(Scannable.from(deliveries).scan(Scannable.Attr.NAME)).isEqualTo("bags");
    }

    @Test
    void theEndOfTheSchedulerEndsTheConsumer() {
      Scheduler scheduler = Schedulers.newSingle("short-lived");
      MemoryChannel mortal = MemoryChannel.create("bags", spec -> spec.scheduler(scheduler));
      TestConsumer orphan = TestConsumer.of(mortal, ReceiveOptions.defaults());
      scheduler.dispose();
      orphan.requesting(1);
      assertThat(orphan.failure()).isInstanceOf(RejectedExecutionException.class);
      assertThat(mortal.stats().consumers()).isZero();
    }
  }

  @Nested
  class Consumer {

    @Test
    void showsItsState() {
      AtomicReference<Scannable> scannable = new AtomicReference<>();
      channel
          .receive(ReceiveOptions.defaults().maxUnsettled(7))
          .doOnSubscribe(s -> scannable.set(Scannable.from(s)))
          .subscribe(consumerOf(3));
      Scannable state = scannable.get();
      assertThat(state.scan(Scannable.Attr.NAME)).isEqualTo("bags");
      assertThat(state.scan(Scannable.Attr.CAPACITY)).isEqualTo(7);
      assertThat(state.scan(Scannable.Attr.REQUESTED_FROM_DOWNSTREAM)).isEqualTo(3);
      assertThat(state.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.ASYNC);
      assertThat(state.scan(Scannable.Attr.TERMINATED)).isFalse();
      assertThat(state.scan(Scannable.Attr.CANCELLED)).isFalse();
      assertThat(state.scan(Scannable.Attr.ACTUAL)).isNotNull();
      ((Subscription) state).cancel();
      assertThat(state.scan(Scannable.Attr.CANCELLED)).isTrue();
    }

    private BaseSubscriber<Delivery<byte[]>> consumerOf(long demand) {
      return new BaseSubscriber<>() {
        @Override
        protected void hookOnSubscribe(Subscription subscription) {
          request(demand);
        }
      };
    }
  }

  @Nested
  class Options {

    @Test
    void haveLimits() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MemoryChannel.create("bags", spec -> spec.capacity(0)))
          .withMessage("capacity: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MemoryChannel.create("bags", spec -> spec.maxLease(Duration.ZERO)))
          .withMessage("maxLease: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> MemoryChannel.create("bags", spec -> spec.maxLease(Duration.ofDays(366))))
          .withMessage("maxLease: PT8784H (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MemoryChannel.create(" "))
          .withMessage("name: \" \" (expected: not blank)");
      assertThatNullPointerException()
          .isThrownBy(() -> MemoryChannel.create("bags", spec -> spec.scheduler(null)))
          .withMessage("scheduler");
      assertThatNullPointerException()
          .isThrownBy(() -> MemoryChannel.create("bags", spec -> null))
          .withMessage("spec");
      assertThatNullPointerException().isThrownBy(() -> channel.send(null)).withMessage("message");
      assertThatNullPointerException()
          .isThrownBy(() -> channel.receive(null))
          .withMessage("options");
    }

    @Test
    void defaultToAHundredThousandMessages() {
      assertThat(MemoryChannel.create("bags").stats().capacity()).isEqualTo(100_000);
    }
  }

  private void send(String... bodies) {
    for (String body : bodies) {
      channel.send(message(body)).subscribe(receipt -> sent.add(body));
    }
  }

  /** Counts the delayed tasks that have neither run nor been disposed of. */
  private static final class DelayCounter implements Scheduler {

    final AtomicInteger pending = new AtomicInteger();
    private final Scheduler scheduler;

    DelayCounter(Scheduler scheduler) {
      this.scheduler = scheduler;
    }

    @Override
    public Disposable schedule(Runnable task) {
      return scheduler.schedule(task);
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      Pending counted = new Pending(task);
      Disposable scheduled = scheduler.schedule(counted, delay, unit);
      return () -> {
        scheduled.dispose();
        counted.end();
      };
    }

    @Override
    public long now(TimeUnit unit) {
      return scheduler.now(unit);
    }

    @Override
    public Worker createWorker() {
      Worker worker = scheduler.createWorker();
      List<Pending> delayed = new ArrayList<>();
      return new Worker() {
        @Override
        public Disposable schedule(Runnable task) {
          return worker.schedule(task);
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
          Pending counted = new Pending(task);
          delayed.add(counted);
          return worker.schedule(counted, delay, unit);
        }

        @Override
        public void dispose() {
          worker.dispose();
          delayed.forEach(Pending::end);
        }
      };
    }

    private final class Pending implements Runnable {
      private final Runnable task;
      private final AtomicBoolean ended = new AtomicBoolean();

      Pending(Runnable task) {
        this.task = task;
        pending.incrementAndGet();
      }

      @Override
      public void run() {
        end();
        task.run();
      }

      void end() {
        if (ended.compareAndSet(false, true)) {
          pending.decrementAndGet();
        }
      }
    }
  }
}
