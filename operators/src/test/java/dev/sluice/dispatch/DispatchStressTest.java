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
package dev.sluice.dispatch;

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.GroupVerdict;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.BitSet;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** Many keys, many threads, many fates: nothing is lost, repeated, overlapped or overtaken. */
class DispatchStressTest {

  private static final int ELEMENTS = 100_000;

  private static final Scheduler threads = Schedulers.newParallel("stress", 4, true);

  @AfterAll
  static void stop() {
    threads.dispose();
  }

  /** Watches what runs: never two workers of a key, never one of a key out of turn. */
  private static final class KeyWatch {
    private final AtomicIntegerArray busy;
    private final int[] last; // guarded by busy
    private final AtomicInteger running = new AtomicInteger();
    private final int concurrency;
    private final AtomicReference<String> broken = new AtomicReference<>();

    KeyWatch(int keys, int concurrency) {
      this.busy = new AtomicIntegerArray(keys);
      this.last = new int[keys];
      this.concurrency = concurrency;
      java.util.Arrays.fill(last, -1);
    }

    void begins(int key, int element, boolean again) {
      if (running.incrementAndGet() > concurrency) {
        broken.set("more than " + concurrency + " workers");
      }
      if (!busy.compareAndSet(key, 0, 1)) {
        broken.set("two workers of key " + key);
      }
      if (again ? last[key] != element : last[key] >= element) {
        broken.set(element + " of key " + key + " after " + last[key]);
      }
      last[key] = element;
    }

    void ends(int key) {
      busy.set(key, 0);
      running.decrementAndGet();
    }

    void assertUnbroken() {
      assertThat(broken.get()).isNull();
    }
  }

  private static final class Gauges implements ConvoyListener<Object> {
    private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();

    @Override
    public void subscribed(LaneGauges gauges) {
      this.gauges.set(gauges);
    }

    LaneGauges get() {
      return gauges.get();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1,1", "255,1", "256,1", "257,1", "10000,1", "100000,1",
    "1,8", "255,8", "256,8", "257,8", "10000,8", "100000,8",
    "1,256", "255,256", "256,256", "257,256", "10000,256", "100000,256"
  })
  void completesForAnyNumberOfKeysWithScalarAndWithAsynchronousWorkers(int keys, int concurrency) {
    run(keys, concurrency, element -> false);
    run(keys, concurrency, element -> element % 10 == 0);
  }

  private interface Asynchronously {
    boolean test(int element);
  }

  private static void run(int keys, int concurrency, Asynchronously asynchronously) {
    int lookAhead = Math.max(1024, concurrency);
    KeyWatch watch = new KeyWatch(keys, concurrency);
    Gauges gauges = new Gauges();
    AtomicInteger admitted = new AtomicInteger();
    AtomicInteger mostAdmitted = new AtomicInteger();
    BitSet seen = new BitSet(ELEMENTS);

    Flux.range(0, ELEMENTS)
        .doOnNext(i -> mostAdmitted.accumulateAndGet(admitted.incrementAndGet(), Math::max))
        .transform(
            groupedConvoy(
                i -> i % keys,
                i -> worker(i, keys, watch, admitted, asynchronously.test(i)),
                c -> c.concurrency(concurrency).lookAhead(lookAhead).listener(gauges)))
        .doOnNext(
            i -> {
              assertThat(seen.get(i)).isFalse();
              seen.set(i);
            })
        .blockLast(Duration.ofSeconds(60));

    watch.assertUnbroken();
    assertThat(seen.cardinality()).isEqualTo(ELEMENTS);
    assertThat(mostAdmitted.get()).isLessThanOrEqualTo(lookAhead);
    assertQuiet(gauges.get());
  }

  private static Publisher<Integer> worker(
      int i, int keys, KeyWatch watch, AtomicInteger admitted, boolean asynchronously) {
    watch.begins(i % keys, i, false);
    if (!asynchronously) {
      watch.ends(i % keys);
      admitted.decrementAndGet();
      return Mono.just(i);
    }
    return Mono.fromCallable(
            () -> {
              watch.ends(i % keys);
              admitted.decrementAndGet();
              return i;
            })
        .hide()
        .subscribeOn(Schedulers.parallel());
  }

  private static void assertQuiet(LaneGauges gauges) {
    assertThat(gauges.lanes()).isZero();
    assertThat(gauges.running()).isZero();
    assertThat(gauges.sleeping()).isZero();
    assertThat(gauges.admitted()).isZero();
  }

  /** Retries, sleeping lanes, slow demand, several values per worker, all at random. */
  @RepeatedTest(30)
  void keepsOrderAndLosesNothingUnderRetriesAndSlowDemand(RepetitionInfo round)
      throws InterruptedException {
    Random seeds = new Random(round.getCurrentRepetition());
    int elements = 5_000;
    int keys = 1 + seeds.nextInt(600);
    int concurrency = 1 + seeds.nextInt(64);
    int lookAhead = concurrency + seeds.nextInt(500);
    KeyWatch watch = new KeyWatch(keys, concurrency);
    int[] valuesSeen = new int[elements];
    int[] lastOfKey = new int[keys];
    AtomicReference<String> broken = new AtomicReference<>();
    CountDownLatch over = new CountDownLatch(1);
    Gauges gauges = new Gauges();

    Flux.range(0, elements)
        .transform(
            GroupedStress.convoy(
                keys,
                watch::begins,
                watch::ends,
                c ->
                    c.concurrency(concurrency)
                        .lookAhead(lookAhead)
                        .listener(gauges)
                        .onFailure(
                            f -> f.retry(50, Duration.ofNanos(1000)).then(GroupVerdict.FAIL_FLOW))))
        .subscribe(
            new BaseSubscriber<Integer>() {
              private int credit;

              @Override
              protected void hookOnSubscribe(Subscription s) {
                ask();
              }

              @Override
              protected void hookOnNext(Integer i) {
                valuesSeen[i]++;
                if (lastOfKey[i % keys] > i) {
                  broken.set(i + " after " + lastOfKey[i % keys]);
                }
                lastOfKey[i % keys] = i;
                if (--credit == 0) {
                  Schedulers.single().schedule(this::ask);
                }
              }

              private void ask() {
                int n = 1 + ThreadLocalRandom.current().nextInt(20);
                credit = n;
                request(n);
              }

              @Override
              protected void hookOnError(Throwable t) {
                broken.set(t.toString());
              }

              @Override
              protected void hookFinally(reactor.core.publisher.SignalType type) {
                over.countDown();
              }
            });

    assertThat(over.await(60, TimeUnit.SECONDS)).as("%s", gauges.get().admitted()).isTrue();
    watch.assertUnbroken();
    assertThat(broken.get()).isNull();
    for (int i = 0; i < elements; i++) {
      assertThat(valuesSeen[i]).as("values of %d", i).isEqualTo(GroupedStress.values(i));
    }
    assertQuiet(gauges.get());
  }

  /** Each element meets exactly one fate when a cancel comes at a random moment. */
  @RepeatedTest(200)
  void everyElementHasOneFateWhenCancelledAtRandom(RepetitionInfo round)
      throws InterruptedException {
    int elements = 2_000;
    Queue<Integer> discarded = new ConcurrentLinkedQueue<>();
    AtomicIntegerArray taken = new AtomicIntegerArray(elements);
    AtomicIntegerArray worked = new AtomicIntegerArray(elements);
    CountDownLatch sourceQuiet = new CountDownLatch(1);
    BaseSubscriber<String> subscriber =
        new BaseSubscriber<>() {
          @Override
          public Context currentContext() {
            return Operators.enableOnDiscard(
                Context.empty(),
                o -> {
                  if (o instanceof Integer i) {
                    discarded.add(i);
                  }
                });
          }
        };
    Flux.range(0, elements)
        .doOnNext(i -> taken.incrementAndGet(i))
        .subscribeOn(Schedulers.parallel()) // no queue, whose discards would be counted too
        .doFinally(s -> sourceQuiet.countDown())
        .transform(
            groupedConvoy(
                (Integer i) -> i % 37,
                i -> {
                  worked.incrementAndGet(i);
                  Mono<String> value = Mono.just("v");
                  return i % 3 == 0 ? value : value.hide().subscribeOn(Schedulers.parallel());
                },
                c -> c.concurrency(8).lookAhead(64)))
        .subscribe(subscriber);
    Schedulers.single()
        .schedule(subscriber::cancel, 20L * round.getCurrentRepetition(), TimeUnit.MICROSECONDS);

    assertThat(sourceQuiet.await(30, TimeUnit.SECONDS)).isTrue();
    Await.until(
        () -> {
          for (int i = 0; i < elements; i++) {
            int fates = worked.get(i) + count(discarded, i);
            if (fates != taken.get(i)) {
              return i + ": taken " + taken.get(i) + ", fates " + fates;
            }
          }
          return null;
        });
  }

  private static int count(Queue<Integer> queue, int value) {
    int n = 0;
    for (Integer i : queue) {
      if (i == value) {
        n++;
      }
    }
    return n;
  }

  @RepeatedTest(60)
  void allInvariantsHoldInARandomTrial(RepetitionInfo round) throws InterruptedException {
    new EngineTrial(round.getCurrentRepetition(), 1_000, threads).run();
  }

  /** Other seeds each time; a failure names its seed. */
  @Test
  @Tag("soak")
  void allInvariantsHoldInThousandsOfRandomTrials() throws InterruptedException {
    long first = System.nanoTime();
    for (int i = 0; i < 3_000; i++) {
      new EngineTrial(first + i, 3_000, threads).run();
    }
  }

  @Test
  void fiftyThousandKeysLeaveNothingBehind() {
    passOnce(50_000);
  }

  @Test
  @Tag("soak")
  void aMillionKeysLeaveNothingBehind() {
    passOnce(1_000_000);
  }

  /** Equal by number, heavy enough that a million of them would be felt. */
  private record HeavyKey(int number, byte[] weight) {
    @Override
    public boolean equals(Object o) {
      return o instanceof HeavyKey key && key.number == number;
    }

    @Override
    public int hashCode() {
      return number;
    }
  }

  /** Each key passes once; the subscription stays, the keys and their lanes must not. */
  private static void passOnce(int keys) {
    Queue<WeakReference<Object>> seen = new ConcurrentLinkedQueue<>();
    Gauges gauges = new Gauges();
    AtomicInteger mostLanes = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    Disposable subscription =
        Flux.range(0, keys)
            .concatWith(Flux.never())
            .transform(
                groupedConvoy(
                    i -> {
                      Object key = new HeavyKey(i, new byte[1_000]);
                      if (i % 10 == 0 || i == keys - 1) {
                        seen.add(new WeakReference<>(key));
                      }
                      return key;
                    },
                    i -> {
                      mostLanes.accumulateAndGet(gauges.get().lanes(), Math::max);
                      return i % 4 == 0 ? Mono.just(i).hide().subscribeOn(threads) : Mono.just(i);
                    },
                    (ConvoySpec<Integer> c) -> c.concurrency(64).lookAhead(1024).listener(gauges)))
            .subscribe(i -> done.incrementAndGet());
    Await.until(() -> done.get() == keys ? null : done + " of " + keys + " keys are done");
    Await.until(() -> gauges.get().admitted() == 0 ? null : "not quiet");

    assertQuiet(gauges.get());
    assertThat(mostLanes.get()).isLessThanOrEqualTo(64); // a lane is opened when a slot is free
    Await.until(
        () -> {
          System.gc();
          long kept = seen.stream().filter(key -> key.get() != null).count();
          return kept == 0 ? null : kept + " keys are still reachable";
        });
    subscription.dispose();
  }

  @Test
  void aHotKeyDoesNotKeepTheOthersFromRunning() {
    int cold = 1_000;
    AtomicInteger hotRunning = new AtomicInteger();
    AtomicInteger coldDone = new AtomicInteger();
    reactor.core.publisher.Sinks.Empty<Integer> gate = reactor.core.publisher.Sinks.empty();
    // every tenth element is of the hot key, whose first worker does not end before all cold ones
    Flux.range(0, cold)
        .flatMapIterable(i -> i % 10 == 0 ? java.util.List.of(-1, i) : java.util.List.of(i))
        .transform(
            groupedConvoy(
                i -> i,
                i -> {
                  if (i >= 0) {
                    if (coldDone.incrementAndGet() == cold) {
                      gate.tryEmitEmpty();
                    }
                    return Mono.just(i);
                  }
                  hotRunning.incrementAndGet();
                  return gate.asMono().thenReturn(i);
                },
                (ConvoySpec<Integer> c) -> c.concurrency(4).lookAhead(256)))
        .blockLast(Duration.ofSeconds(30));
    assertThat(coldDone).hasValue(cold);
    assertThat(hotRunning).hasValue(cold / 10);
  }
}
