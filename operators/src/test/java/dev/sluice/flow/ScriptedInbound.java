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

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;

/**
 * A channel whose messages a test offers and whose deliveries a test can look at. It does what the
 * contract of {@link Inbound} asks for: a message that was given back keeps its place, permits
 * bound what is out, dead letters are confirmed before a message is forgotten, a stop waits and
 * then gives back the rest.
 *
 * <p>Everything happens in a loop of events: whoever brings the first event runs it, as a test
 * without threads wants it. One consumer at a time.
 */
final class ScriptedInbound implements Inbound {

  /** A message at its place in the channel. */
  private record Entry(long place, Message<byte[]> message, int attempt) {}

  private final String name;
  private final Scheduler timer;

  /** Every delivery that was emitted, in order. */
  final List<Core> deliveries = new CopyOnWriteArrayList<>();

  /** The most deliveries that were out at once. */
  volatile int mostOut;

  /** What the consumer asked for. */
  volatile @Nullable ReceiveOptions options;

  volatile boolean cancelled;

  private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();
  private final AtomicInteger wip = new AtomicInteger();

  // == inside the loop only ==
  private final PriorityQueue<Entry> waiting =
      new PriorityQueue<>(Comparator.comparingLong(Entry::place));
  private long places;
  private @Nullable Consumer consumer;

  ScriptedInbound(String name, Scheduler timer) {
    this.name = name;
    this.timer = timer;
  }

  // == the test's side ==

  /** Offers messages whose group is their first letter. */
  void offer(String... payloads) {
    for (String payload : payloads) {
      offer(
          Message.of(payload.getBytes(StandardCharsets.UTF_8)).withGroup(payload.substring(0, 1)));
    }
  }

  void offer(Message<byte[]> message) {
    offer(message, 1);
  }

  /** Offers a message that has been delivered before. */
  void offer(Message<byte[]> message, int attempt) {
    run(() -> waiting.add(new Entry(places++, message, attempt)));
  }

  /** Ends the consumer with an error. */
  void fail(Throwable error) {
    run(() -> terminate(error));
  }

  /** The decisions for a message, oldest first; null for one that is still out. */
  List<@Nullable Outcome> outcomes(String payload) {
    List<@Nullable Outcome> outcomes = new ArrayList<>();
    deliveries.stream()
        .filter(c -> c.payload().equals(payload))
        .forEach(c -> outcomes.add(c.outcome()));
    return outcomes;
  }

  /** The payloads that are not forgotten yet and not out, in their order. */
  List<String> waiting() {
    AtomicReference<List<String>> payloads = new AtomicReference<>(List.of());
    run(
        () ->
            payloads.set(
                waiting.stream()
                    .sorted(Comparator.comparingLong(Entry::place))
                    .map(entry -> text(entry.message()))
                    .toList()));
    return payloads.get();
  }

  private static String text(Message<byte[]> message) {
    return new String(message.payload(), StandardCharsets.UTF_8);
  }

  // == the channel ==

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    this.options = options;
    return Flux.from(
        subscriber -> {
          Consumer subscription = new Consumer(Operators.toCoreSubscriber(subscriber), options);
          run(() -> consumer = subscription);
          subscription.actual.onSubscribe(subscription);
          options.stop().subscribe(grace -> run(() -> subscription.stop(grace)));
        });
  }

  @Override
  public Mono<Long> depth() {
    return Mono.empty();
  }

  @Override
  public ChannelInfo info() {
    return new ChannelInfo(name, Set.of());
  }

  private void run(Runnable event) {
    events.add(event);
    if (wip.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      for (Runnable next = events.poll(); next != null; next = events.poll()) {
        next.run();
      }
      emit();
      missed = wip.addAndGet(-missed);
    } while (missed != 0);
  }

  private void emit() {
    for (Consumer c = consumer; c != null && c.wantsMore(); c = consumer) {
      Entry entry = waiting.poll();
      if (entry == null) {
        break;
      }
      c.emit(entry);
    }
    Consumer c = consumer;
    if (c != null && c.stopping && c.out.isEmpty()) {
      terminate(null);
    }
  }

  private void terminate(@Nullable Throwable error) {
    Consumer c = consumer;
    if (c == null) {
      return;
    }
    consumer = null;
    c.deadline.dispose();
    c.giveBack(Outcome.Release.Why.STOPPED);
    if (error == null) {
      c.actual.onComplete();
    } else {
      c.actual.onError(error);
    }
  }

  private final class Consumer implements Subscription {
    final CoreSubscriber<? super Delivery<byte[]>> actual;
    final ReceiveOptions options;
    final List<Core> out = new ArrayList<>();
    final Disposable.Swap deadline = Disposables.swap();
    long requested;
    boolean stopping;

    Consumer(CoreSubscriber<? super Delivery<byte[]>> actual, ReceiveOptions options) {
      this.actual = actual;
      this.options = options;
    }

    boolean wantsMore() {
      return !stopping && requested > 0 && out.size() < options.maxUnsettled();
    }

    void emit(Entry entry) {
      if (requested != Long.MAX_VALUE) {
        requested--;
      }
      Core core = new Core(this, entry);
      out.add(core);
      mostOut = Math.max(mostOut, out.size());
      deliveries.add(core);
      actual.onNext(
          new Delivery<>(
              entry.message(), LeakDetector.track(core, "by a scripted channel"), core.origin));
    }

    @Override
    public void request(long n) {
      run(() -> requested = Operators.addCap(requested, n));
    }

    @Override
    public void cancel() {
      cancelled = true;
      run(
          () -> {
            if (consumer == this) {
              consumer = null;
              giveBack(Outcome.Release.Why.CANCELLED);
            }
          });
    }

    void stop(Duration grace) {
      stopping = true;
      deadline.update(
          timer.schedule(
              () -> run(() -> giveBack(Outcome.Release.Why.STOPPED)),
              grace.toMillis(),
              TimeUnit.MILLISECONDS));
    }

    void giveBack(Outcome.Release.Why why) {
      List.copyOf(out).forEach(core -> core.settle(Outcome.release(why)));
    }
  }

  /** What the channel keeps of a delivery. */
  final class Core extends SettlementCore {

    private final Consumer consumer;
    private final Entry entry;
    final Origin origin;

    private Core(Consumer consumer, Entry entry) {
      this.consumer = consumer;
      this.entry = entry;
      this.origin =
          new Origin(
              name,
              Long.toString(entry.place()),
              entry.attempt(),
              consumer.options.clock().instant(),
              1);
    }

    String payload() {
      return text(entry.message());
    }

    /** The lease runs out: the message goes to somebody else. */
    void lose() {
      markLost();
      run(() -> consumer.out.remove(this));
    }

    @Override
    protected void onDecided(Outcome outcome) {
      run(() -> take(outcome));
    }

    private void take(Outcome outcome) {
      if (outcome instanceof Outcome.Reject reject) {
        consumer
            .options
            .deadLetter(entry.message(), origin, reject)
            .subscribe(ok -> {}, error -> run(() -> refused(error)), () -> run(this::gone));
      } else if (outcome instanceof Outcome.Retry retry) {
        back(entry.attempt() + 1, retry.delay());
      } else if (outcome instanceof Outcome.Release release) {
        back(entry.attempt(), release.delay());
      } else {
        gone();
      }
    }

    private void gone() {
      consumer.out.remove(this);
      markDurable();
    }

    private void refused(Throwable error) {
      waiting.add(entry);
      consumer.out.remove(this);
      markDone();
      terminate(error);
    }

    private void back(int attempt, Duration delay) {
      Entry again = new Entry(entry.place(), entry.message(), attempt);
      if (delay.isZero()) {
        waiting.add(again);
      } else {
        timer.schedule(
            () -> run(() -> waiting.add(again)), delay.toMillis(), TimeUnit.MILLISECONDS);
      }
      gone();
    }

    @Override
    public String toString() {
      return name + ' ' + entry.place() + ' ' + payload();
    }
  }

  @Override
  public String toString() {
    return name + Arrays.toString(deliveries.toArray());
  }
}
