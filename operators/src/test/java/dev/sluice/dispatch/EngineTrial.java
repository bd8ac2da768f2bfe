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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Comparator;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.SignalType;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * One run of the engine in which everything is drawn from a seed: keys, bounds, what workers do (at
 * once or on other threads, fail, hang, emit much or nothing), holds that others end, retries that
 * sleep or do not, timeouts, demand, and how it ends: completed, failed, or cancelled from outside
 * or from inside. Threads make the rest.
 *
 * <p>Whatever happens: of one key one worker runs at a time, in order; there are never more workers
 * than the concurrency, nor more elements admitted than the look-ahead; each element that was taken
 * is finished, abandoned or discarded, exactly one of them; each value is emitted or discarded; and
 * nothing is left.
 */
final class EngineTrial implements Work<Integer, String, String> {

  private enum End {
    COMPLETE,
    SOURCE_ERROR,
    CANCEL_OUTSIDE,
    CANCEL_INSIDE
  }

  private final long seed;
  private final Scheduler threads;
  private final int elements;
  private final int keys;
  private final int concurrency;
  private final int lookAhead;
  private final boolean holds;
  private final @Nullable Duration timeout;
  private final int mostDemand; // 0: unbounded
  private final boolean asynchronousSource;
  private final End end;
  private final int endAt;
  private final boolean urgent;
  private final boolean gated;

  private final AtomicIntegerArray taken;
  private final AtomicIntegerArray fates; // finished, abandoned or discarded
  private final AtomicIntegerArray letGo; // finished from a hold, unless the drain abandoned it
  private final AtomicIntegerArray busy; // by key
  private final int[] last; // by key, inside the drain
  private final AtomicInteger admitted = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger permissions = new AtomicInteger(); // taken and not accounted for
  private final AtomicInteger valuesMade = new AtomicInteger();
  private final AtomicInteger valuesSeen = new AtomicInteger();
  private final AtomicReference<@Nullable String> broken = new AtomicReference<>();
  private final AtomicReference<@Nullable LaneGauges> gauges = new AtomicReference<>();
  private final CountDownLatch over = new CountDownLatch(1);
  private final CountDownLatch sourceQuiet = new CountDownLatch(1);

  EngineTrial(long seed, int elements, Scheduler threads) {
    Random random = new Random(seed);
    this.seed = seed;
    this.threads = threads;
    this.elements = elements;
    this.keys = 1 + random.nextInt(random.nextBoolean() ? 5 : 1 + elements / 5);
    this.concurrency = 1 + random.nextInt(random.nextBoolean() ? 4 : 64);
    this.lookAhead = concurrency + random.nextInt(random.nextBoolean() ? 2 : 400);
    this.holds = random.nextBoolean();
    this.timeout = random.nextInt(3) == 0 ? Duration.ofMillis(20) : null;
    this.mostDemand = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(40);
    this.asynchronousSource = random.nextBoolean();
    this.end = End.values()[random.nextInt(End.values().length)];
    this.endAt = random.nextInt(elements);
    this.urgent = random.nextInt(3) == 0;
    this.gated = random.nextInt(3) == 0;
    this.taken = new AtomicIntegerArray(elements);
    this.fates = new AtomicIntegerArray(elements);
    this.letGo = new AtomicIntegerArray(elements);
    this.busy = new AtomicIntegerArray(keys);
    this.last = new int[keys];
    java.util.Arrays.fill(last, -1);
  }

  // == the engine's behaviour, inside the drain ==

  @Override
  public Object key(Integer element) {
    return element % keys;
  }

  @Override
  public @Nullable ReadyOrder<Integer> order() {
    return urgent ? ReadyOrder.mostUrgentFirst(Comparator.comparing(i -> i % 3)) : null;
  }

  /** Closed now and then, for a while or until somebody requests something. */
  private final class DrawnGate implements Gate {
    @Override
    public long take(boolean requested) {
      ThreadLocalRandom random = ThreadLocalRandom.current();
      int draw = random.nextInt(20);
      if (draw == 0) {
        return 1 + random.nextInt(200_000);
      }
      if (draw < 4 && !requested && mostDemand > 0) {
        return UNTIL_REQUESTED;
      }
      permissions.incrementAndGet();
      return 0;
    }

    @Override
    public void giveBack() {
      permissions.decrementAndGet();
    }

    @Override
    public void ended(long nanos, @Nullable Throwable error) {
      permissions.decrementAndGet();
      if (nanos < 0) {
        breaks("a worker that took " + nanos + " ns");
      }
    }
  }

  @Override
  public @Nullable Gate gate(Scheduler timer) {
    return gated ? new DrawnGate() : null;
  }

  @Override
  public Publisher<? extends String> start(Lane<Integer> lane) {
    int element = lane.element();
    int key = element % keys;
    if (!busy.compareAndSet(key, 0, 1)) {
      breaks("two workers of key " + key);
    }
    if (running.incrementAndGet() > concurrency) {
      breaks("more than " + concurrency + " workers");
    }
    if (lane.attempt() > 1 ? last[key] != element : last[key] >= element) {
      breaks(element + " of key " + key + " after " + last[key]);
    }
    last[key] = element;
    ThreadLocalRandom random = ThreadLocalRandom.current();
    if (random.nextInt(30) == 0) {
      lane.skipWorker();
      return Mono.empty();
    }
    boolean fails = lane.attempt() <= 3 && element % 5 == 0 && random.nextBoolean();
    if (fails && random.nextInt(3) == 0) {
      throw new IllegalStateException("start of " + element);
    }
    if (random.nextInt(3) == 0) {
      return fails ? Mono.error(new TimeoutException()) : scalar(random.nextBoolean());
    }
    int values = element % 7 == 0 ? 100 : random.nextInt(3);
    Flux<String> worker = Flux.range(0, values).map(i -> make());
    if (fails) {
      worker = random.nextBoolean() ? worker.concatWith(boom()) : boom();
    } else if (timeout != null && lane.attempt() == 1 && random.nextInt(40) == 0) {
      worker = worker.concatWith(Mono.never());
    }
    return switch (random.nextInt(3)) {
      case 0 -> worker;
      case 1 -> worker.subscribeOn(threads);
      default -> worker.delaySubscription(Duration.ofNanos(50_000), threads);
    };
  }

  private Mono<String> scalar(boolean empty) {
    return empty ? Mono.empty() : Mono.just(make());
  }

  private static Flux<String> boom() {
    return Flux.error(new TimeoutException("boom"));
  }

  private String make() {
    valuesMade.incrementAndGet();
    return "v";
  }

  @Override
  public String emit(Lane<Integer> lane, String value) {
    return value;
  }

  @Override
  public Verdict completed(Lane<Integer> lane) {
    return ended(lane, ThreadLocalRandom.current().nextInt(20) == 0);
  }

  @Override
  public Verdict failed(Lane<Integer> lane, Throwable error, boolean once) {
    return ended(lane, !once);
  }

  /** The slot is free; the key is, when the element is finished or waits for another run. */
  private Verdict ended(Lane<Integer> lane, boolean again) {
    running.decrementAndGet();
    int element = lane.element();
    Verdict verdict = again && lane.attempt() < 50 ? retry() : Verdict.NEXT;
    if (!holds || ThreadLocalRandom.current().nextInt(4) == 0) {
      release(element, verdict);
      if (verdict == Verdict.NEXT) {
        fates.incrementAndGet(element);
      }
      return verdict;
    }
    Runnable endOfHold =
        () -> {
          release(element, verdict);
          if (verdict == Verdict.NEXT) {
            letGo.set(element, 1);
          }
          lane.finish(verdict);
        };
    if (ThreadLocalRandom.current().nextBoolean()) {
      threads.schedule(endOfHold);
    } else {
      endOfHold.run();
    }
    return Verdict.HOLD;
  }

  private static Verdict retry() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return Verdict.retry(
        random.nextBoolean() ? Duration.ZERO : Duration.ofNanos(random.nextInt(300_000)));
  }

  private void release(int element, Verdict verdict) {
    busy.set(element % keys, 0);
    if (verdict == Verdict.NEXT) {
      admitted.decrementAndGet();
    }
  }

  @Override
  public void abandoned(Lane<Integer> lane) {
    fates.incrementAndGet(lane.element());
  }

  // == around it ==

  private void breaks(String how) {
    broken.compareAndSet(null, how);
  }

  private final class Subscriber extends BaseSubscriber<String> {
    private int credit; // only ever touched by the one who may signal next

    @Override
    public Context currentContext() {
      return Operators.enableOnDiscard(
          Context.empty(),
          o -> {
            if (o instanceof Integer element) {
              fates.incrementAndGet(element);
            } else {
              valuesSeen.incrementAndGet();
            }
          });
    }

    @Override
    protected void hookOnSubscribe(Subscription s) {
      ask();
    }

    @Override
    protected void hookOnNext(String value) {
      int seen = valuesSeen.incrementAndGet();
      if (end == End.CANCEL_INSIDE && seen == 1 + endAt / 2) {
        cancel();
      } else if (mostDemand > 0 && --credit == 0) {
        threads.schedule(this::ask);
      }
    }

    private void ask() {
      if (mostDemand == 0) {
        requestUnbounded();
      } else {
        int n = 1 + ThreadLocalRandom.current().nextInt(mostDemand);
        credit = n;
        request(n);
      }
    }

    @Override
    protected void hookOnError(Throwable error) {
      if (end != End.SOURCE_ERROR || !"source".equals(error.getMessage())) {
        breaks(error.toString());
      }
    }

    @Override
    protected void hookFinally(SignalType type) {
      over.countDown();
    }
  }

  /** Runs it and checks everything; the message of a failure names the seed. */
  void run() throws InterruptedException {
    Flux<Integer> numbers = Flux.range(0, end == End.SOURCE_ERROR ? endAt : elements);
    if (end == End.SOURCE_ERROR) {
      numbers = numbers.concatWith(Flux.error(new IllegalStateException("source")));
    }
    Flux<Integer> source =
        numbers.doOnNext(
            i -> {
              taken.incrementAndGet(i);
              if (admitted.incrementAndGet() > lookAhead) {
                breaks("more than " + lookAhead + " admitted");
              }
            });
    if (asynchronousSource) {
      source = source.subscribeOn(threads);
    }
    Subscriber subscriber = new Subscriber();
    DispatchOptions options =
        new DispatchOptions(
            "trial", Concurrency.fixed(concurrency), lookAhead, timeout, threads, gauges::set);
    FluxDispatch.create(source.doFinally(signal -> sourceQuiet.countDown()), () -> this, options)
        .subscribe(subscriber);
    if (end == End.CANCEL_OUTSIDE) {
      threads.schedule(subscriber::cancel, endAt, TimeUnit.MICROSECONDS);
    }
    assertThat(over.await(60, TimeUnit.SECONDS)).as("%s is over: %s", this, gauges.get()).isTrue();
    assertThat(sourceQuiet.await(60, TimeUnit.SECONDS)).as("%s", this).isTrue();
    Await.until(this::unaccounted);
    assertThat(broken.get()).as("%s", this).isNull();
  }

  private @Nullable String unaccounted() {
    for (int i = 0; i < elements; i++) {
      int all = fates.get(i) == 0 ? letGo.get(i) : fates.get(i);
      if (all != taken.get(i)) {
        return this + ": " + i + " taken " + taken.get(i) + " times, fates " + all;
      }
    }
    if (valuesMade.get() != valuesSeen.get()) {
      return this + ": values made " + valuesMade + ", emitted or discarded " + valuesSeen;
    }
    if (permissions.get() != 0) {
      return this + ": permissions of the gate " + permissions;
    }
    LaneGauges g = gauges.get();
    if (g == null || g.lanes() + g.running() + g.sleeping() + g.admitted() != 0) {
      return this + ": not quiet";
    }
    return null;
  }

  @Override
  public String toString() {
    return "trial "
        + seed
        + " (keys "
        + keys
        + ", concurrency "
        + concurrency
        + ", lookAhead "
        + lookAhead
        + (holds ? ", holds" : "")
        + (timeout == null ? "" : ", timeout")
        + (urgent ? ", urgent" : "")
        + (gated ? ", gated" : "")
        + ", demand "
        + mostDemand
        + (asynchronousSource ? ", asynchronous" : "")
        + ", "
        + end
        + " at "
        + endAt
        + ")";
  }
}
