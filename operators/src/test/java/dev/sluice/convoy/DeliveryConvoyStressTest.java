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
package dev.sluice.convoy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.dispatch.Await;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Deliveries of many groups with fates drawn at random, on several threads: workers that fail and
 * emit much or nothing, values that are acknowledged, come back, are rejected or hang, effects that
 * take time, deliveries that are lost, a cancel. Every delivery is decided once, and of a group one
 * runs at a time, in order, after the one before it is done or lost.
 */
@ExtendWith(LeakCheck.class)
class DeliveryConvoyStressTest {

  private static final Scheduler threads = Schedulers.newParallel("stress", 4, true);

  @AfterAll
  static void stop() {
    threads.dispose();
  }

  private static final class Trial {
    private final long seed;
    private final int deliveries = 400;
    private final int groups;
    private final boolean cancels;
    private final int cancelAt;
    private final int concurrency;
    private final int lookAhead;

    private final List<Effect> effects = new CopyOnWriteArrayList<>();
    private final Effect[] byNumber = new Effect[deliveries];
    private final List<Delivery<Integer>> held = new CopyOnWriteArrayList<>();
    private final AtomicIntegerArray busy;
    private final int[] last; // by group, written by one worker of it at a time
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicReference<@Nullable String> broken = new AtomicReference<>();
    private final AtomicReference<@Nullable LaneGauges> gauges = new AtomicReference<>();

    Trial(long seed) {
      Random random = new Random(seed);
      this.seed = seed;
      this.groups = 1 + random.nextInt(50);
      this.cancels = random.nextInt(3) == 0;
      this.cancelAt = random.nextInt(5_000);
      this.concurrency = 1 + random.nextInt(16);
      this.lookAhead = concurrency + random.nextInt(100);
      this.busy = new AtomicIntegerArray(groups);
      this.last = new int[groups];
      Arrays.fill(last, -1);
    }

    /** What the source keeps of a delivery. Some are lost, and of those the values may hang. */
    private final class Effect extends SettlementCore {
      final int number;
      final boolean loses = ThreadLocalRandom.current().nextInt(15) == 0;
      final boolean hangs = loses && ThreadLocalRandom.current().nextBoolean();
      final AtomicInteger decisions = new AtomicInteger();
      volatile boolean over;

      Effect(int number) {
        this.number = number;
      }

      void mayBeLost() {
        if (loses) {
          threads.schedule(
              () -> {
                over = true;
                markLost();
              },
              ThreadLocalRandom.current().nextInt(20_000),
              TimeUnit.MICROSECONDS);
        }
      }

      @Override
      protected void onDecided(Outcome outcome) {
        decisions.incrementAndGet();
        sometimeLater(
            () -> {
              over = true;
              markDurable();
            });
      }

      @Override
      public String toString() {
        return "delivery " + number + " of trial " + seed;
      }
    }

    private Delivery<Integer> deliver(int number) {
      Effect effect = new Effect(number);
      byNumber[number] = effect;
      effects.add(effect);
      Delivery<Integer> delivery =
          new Delivery<>(
              Message.of(number).withGroup("g" + number % groups),
              LeakDetector.track(effect, "in a trial"),
              new Origin("trial", Integer.toString(number), 1, Instant.EPOCH, 1));
      effect.mayBeLost();
      return delivery;
    }

    private Publisher<Integer> work(int number) {
      int group = number % groups;
      if (!busy.compareAndSet(group, 0, 1)) {
        breaks("two workers of group " + group);
      }
      int before = last[group];
      if (before > number) {
        breaks(number + " after " + before);
      }
      if (before >= 0 && before < number && !byNumber[before].over) {
        breaks(number + " before " + before + " was done");
      }
      last[group] = number;
      ThreadLocalRandom random = ThreadLocalRandom.current();
      Flux<Integer> values =
          random.nextInt(8) == 0
              ? Flux.error(new TimeoutException("work of " + number))
              : Flux.range(0, random.nextInt(4)).map(i -> number);
      if (random.nextInt(3) == 0) {
        busy.set(group, 0);
        return random.nextBoolean() ? Mono.just(number) : Mono.empty();
      }
      return (random.nextBoolean() ? values : values.subscribeOn(threads))
          .doOnTerminate(() -> busy.set(group, 0))
          .doOnCancel(() -> busy.set(group, 0));
    }

    private void decide(Delivery<Integer> value) {
      if (byNumber[value.message().payload()].hangs) {
        held.add(value); // or it would be a leak, which is found
        return;
      }
      sometimeLater(() -> value.settlement().settle(anyOutcome()));
    }

    private static Outcome anyOutcome() {
      ThreadLocalRandom random = ThreadLocalRandom.current();
      Duration delay = Duration.ofNanos(random.nextInt(300_000));
      return switch (random.nextInt(20)) {
        case 0 -> Outcome.reject(DeadLetterReason.POISON, null);
        case 1 -> Outcome.retry(delay, new TimeoutException("further down"));
        case 2 -> new Outcome.Release(Outcome.Release.Why.BUSY, delay);
        default -> Outcome.ack();
      };
    }

    private void sometimeLater(Runnable what) {
      switch (ThreadLocalRandom.current().nextInt(3)) {
        case 0 -> what.run();
        case 1 -> threads.schedule(what);
        default ->
            threads.schedule(what, ThreadLocalRandom.current().nextInt(500), TimeUnit.MICROSECONDS);
      }
    }

    private void breaks(String how) {
      broken.compareAndSet(null, how + " in trial " + seed);
    }

    void run() {
      DeliveryConvoy<Integer, Integer> convoy =
          GroupedConvoy.<Integer, Integer>ofDeliveries(
                  Message::group,
                  this::work,
                  c ->
                      c.concurrency(concurrency)
                          .lookAhead(lookAhead)
                          .lossGrace(Duration.ofMillis(5))
                          .timer(threads)
                          .listener(
                              new ConvoyListener<>() {
                                @Override
                                public void subscribed(LaneGauges g) {
                                  gauges.set(g);
                                }
                              }))
              .onError(
                  ErrorPolicy.defaults().retries(5).backoff(Duration.ZERO, Duration.ofMillis(1)));
      Disposable subscription =
          Flux.range(0, deliveries)
              .map(this::deliver)
              .transform(convoy)
              .subscribe(this::decide, error -> breaks(error.toString()), ended::incrementAndGet);
      if (cancels) {
        threads.schedule(subscription::dispose, cancelAt, TimeUnit.MICROSECONDS);
      }
      Await.until(
          () -> ended.get() == 1 || subscription.isDisposed() ? null : "not over: trial " + seed);
      Await.until(this::undecided);

      assertThat(broken.get()).isNull();
      LaneGauges g = gauges.get();
      assertThat(List.of(g.lanes(), g.running(), g.sleeping(), g.admitted())).containsOnly(0);
      if (!cancels) {
        assertThat(effects).hasSize(deliveries);
      }
      held.forEach(value -> value.settlement().settle(Outcome.ack()));
      for (Effect effect : effects) {
        assertThat(effect.decisions).as("%s", effect).hasValueLessThanOrEqualTo(1);
      }
    }

    private @Nullable String undecided() {
      for (Effect effect : effects) {
        // after a cancel nobody watches the values that hang
        if (!effect.isSettled() && !(cancels && effect.hangs)) {
          return effect + " is not settled";
        }
      }
      return null;
    }
  }

  @RepeatedTest(20)
  void everyDeliveryIsDecidedOnceAndInTheOrderOfItsGroup(RepetitionInfo round) {
    new Trial(round.getCurrentRepetition()).run();
  }

  /** Other seeds each time; a failure names its seed. */
  @Test
  @Tag("soak")
  void everyDeliveryIsDecidedOnceInThousandsOfTrials() {
    long first = System.nanoTime();
    for (int i = 0; i < 3_000; i++) {
      new Trial(first + i).run();
    }
  }
}
