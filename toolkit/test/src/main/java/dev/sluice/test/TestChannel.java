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
package dev.sluice.test;

import dev.sluice.Experimental;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A channel for tests, without threads and on virtual time: a test offers messages, says what
 * becomes of sends, takes deliveries away, lets the source fail, and looks at everything.
 *
 * <pre>{@code
 * TestChannel orders = TestChannel.create("orders").groupBy(text -> text.substring(0, 1));
 * TestChannel shipments = TestChannel.create("shipments");
 * shipments.onSend((message, accepted) -> accepted.delaySubscription(Duration.ofSeconds(1)));
 *
 * Flow.from(orders).groupedConvoy(Message::group, this::ship).to(shipments).start();
 * orders.offer("a1", "a2", "b1");
 * VirtualTimeScheduler.get().advanceTimeBy(Duration.ofSeconds(2));
 *
 * assertThat(shipments.sentTexts()).containsExactly("a1", "b1", "a2");
 * assertThat(orders.outcomes("a1")).containsExactly(Outcome.ack());
 * }</pre>
 *
 * <p>It keeps the contract of {@link dev.sluice.channel.Inbound}: a message that was given back
 * keeps its place and its id, a retry is counted and not delivered before its delay, no more than
 * {@code maxUnsettled} deliveries are out, a rejected message is forgotten when its dead letter is
 * confirmed, a stop waits and then gives back the rest. What is sent to it waits in it like what
 * was offered. One consumer at a time.
 *
 * <p>Everything happens at once, on the thread that brings it about, except for what takes time;
 * that is on {@code Schedulers.parallel()}, so on virtual time where {@code VirtualTimeScheduler}
 * is installed. Thread-safe.
 */
@Experimental
public final class TestChannel implements Channel {

  /*
   * Threads: whoever brings an event runs the loop of events until none is left; run() may be
   * called from any thread and from inside the loop. What is marked so belongs to the loop.
   */

  /** How long decided effects may still take after a consumer has ended. */
  private static final Duration FLUSH = Duration.ofSeconds(10);

  /** A message at its place in the channel. */
  private record Entry(long place, Message<byte[]> message, int attempt) {}

  private final String name;
  private final @Nullable Scheduler timer;
  private volatile boolean exclusiveGroups;
  private volatile Function<String, @Nullable String> group = text -> null;
  private volatile Duration effectDelay = Duration.ZERO;
  private volatile Duration durableDelay = Duration.ZERO;
  private volatile BiFunction<
          ? super Message<byte[]>, ? super Mono<Receipt>, ? extends Mono<Receipt>>
      script = (message, accepted) -> accepted;

  private final List<TestDelivery> deliveries = new CopyOnWriteArrayList<>();
  private final List<Message<byte[]>> attempted = new CopyOnWriteArrayList<>();
  private final List<Message<byte[]>> sent = new CopyOnWriteArrayList<>();
  private volatile int mostUnsettled;
  private volatile @Nullable ReceiveOptions options;
  private volatile boolean cancelled;

  private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();
  private final AtomicInteger wip = new AtomicInteger();

  // == written inside the loop only ==
  private final NavigableMap<Long, Entry> waiting = new ConcurrentSkipListMap<>();
  private final NavigableMap<Long, Entry> sleeping = new ConcurrentSkipListMap<>();
  private long places;
  private long epoch = 1;
  private @Nullable Consumer consumer;

  private TestChannel(String name, @Nullable Scheduler timer) {
    this.name = new ChannelInfo(name, Set.of()).name();
    this.timer = timer;
  }

  /** A channel that takes its time from {@code Schedulers.parallel()}, virtual or not. */
  public static TestChannel create(String name) {
    return new TestChannel(name, null);
  }

  /** A channel that takes its time from {@code timer}. */
  public static TestChannel create(String name, Scheduler timer) {
    return new TestChannel(name, Objects.requireNonNull(timer, "timer"));
  }

  // == the script ==

  /**
   * Delivers at most one message of a group at a time, as {@link Capability#EXCLUSIVE_GROUPS} says.
   */
  public TestChannel exclusiveGroups() {
    exclusiveGroups = true;
    return this;
  }

  /** The group of texts that are offered. Defaults to none. */
  public TestChannel groupBy(Function<String, @Nullable String> group) {
    this.group = Objects.requireNonNull(group, "group");
    return this;
  }

  /**
   * How long it takes until a decision has taken effect. Defaults to no time at all.
   *
   * @param delay zero or more
   */
  public TestChannel settlesAfter(Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay: " + delay + " (expected: >= PT0S)");
    }
    effectDelay = delay;
    return this;
  }

  /**
   * How long after it has taken effect a decision survives a crash, as a commit of Kafka does.
   * Until then a delivery that is {@linkplain TestDelivery#lose lost} was done in vain. Defaults to
   * no time at all.
   *
   * @param delay zero or more
   */
  public TestChannel durableAfter(Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay: " + delay + " (expected: >= PT0S)");
    }
    durableDelay = delay;
    return this;
  }

  /**
   * What becomes of sends, from now on. The function is called for each send with the message and
   * with the send as it would be, and returns the send as it shall be:
   *
   * <pre>{@code
   * (message, accepted) -> accepted                                              // the default
   * (message, accepted) -> accepted.delaySubscription(ofSeconds(1))              // slow
   * (message, accepted) -> Mono.never()                                          // hangs
   * (message, accepted) -> Mono.error(SendFailed.notSent("out", "busy", null))   // fails
   * (message, accepted) ->                                                       // the receipt is lost
   *     accepted.then(Mono.error(SendFailed.unknown("out", "no answer", null)))
   * }</pre>
   */
  public TestChannel onSend(
      BiFunction<? super Message<byte[]>, ? super Mono<Receipt>, ? extends Mono<Receipt>> script) {
    this.script = Objects.requireNonNull(script, "script");
    return this;
  }

  // == what a test does ==

  /** Offers texts as messages, in this order. */
  public void offer(String... texts) {
    for (String text : texts) {
      offer(
          Message.builder(text.getBytes(StandardCharsets.UTF_8))
              .contentType(StringCodec.utf8().contentType())
              .group(group.apply(text))
              .build());
    }
  }

  /** Offers a message. */
  public void offer(Message<byte[]> message) {
    offer(message, 1);
  }

  /**
   * Offers a message that has been delivered before.
   *
   * @param attempt which attempt the next one is, from 1
   */
  public void offer(Message<byte[]> message, int attempt) {
    Objects.requireNonNull(message, "message");
    if (attempt < 1) {
      throw new IllegalArgumentException("attempt: " + attempt + " (expected: >= 1)");
    }
    run(
        () -> {
          long place = places++;
          waiting.put(place, new Entry(place, message, attempt));
        });
  }

  /** Ends the consumer with an error, as trouble with the infrastructure does. */
  public void fail(Throwable error) {
    Objects.requireNonNull(error, "error");
    run(() -> end(error));
  }

  /**
   * Takes the ownership of deliveries away that are out, as a revoked partition or a lease that has
   * run out. Their messages are somebody else's now; a test that wants to see them delivered here
   * again offers them again. What is delivered afterwards is of a new epoch.
   *
   * @return how many it were
   */
  public int lose(Predicate<? super TestDelivery> which) {
    List<TestDelivery> lost = unsettled().stream().filter(which).toList();
    run(() -> epoch++);
    lost.forEach(TestDelivery::lose);
    return lost.size();
  }

  // == what a test looks at ==

  /** Every delivery that was handed out, the oldest first; what comes again is a new delivery. */
  public List<TestDelivery> deliveries() {
    return List.copyOf(deliveries);
  }

  /** What was decided about the deliveries of a text, the oldest first; null for one still open. */
  public List<@Nullable Outcome> outcomes(String text) {
    List<@Nullable Outcome> outcomes = new ArrayList<>();
    deliveries.stream().filter(d -> d.text().equals(text)).forEach(d -> outcomes.add(d.outcome()));
    return outcomes;
  }

  /** The messages that wait to be delivered, in their order; those that wait for a delay too. */
  public List<Message<byte[]>> waiting() {
    Map<Long, Entry> all = new TreeMap<>(sleeping); // first: they move from here to the others
    all.putAll(waiting);
    return all.values().stream().map(Entry::message).toList();
  }

  /** The payloads of {@link #waiting()} as texts. */
  public List<String> waitingTexts() {
    return waiting().stream().map(TestChannel::text).toList();
  }

  /** The messages whose sends began, in order; what was sent again is there again. */
  public List<Message<byte[]>> attempted() {
    return List.copyOf(attempted);
  }

  /** The messages that the channel has accepted, in order. */
  public List<Message<byte[]>> sent() {
    return List.copyOf(sent);
  }

  /** The payloads of {@link #sent()} as texts. */
  public List<String> sentTexts() {
    return sent().stream().map(TestChannel::text).toList();
  }

  /** The deliveries that are out and not yet done. */
  public List<TestDelivery> unsettled() {
    return deliveries.stream().filter(delivery -> !delivery.isOver()).toList();
  }

  /** The most deliveries that were out at once. */
  public int mostUnsettled() {
    return mostUnsettled;
  }

  /** What the last consumer asked for; null if there was none. */
  public @Nullable ReceiveOptions options() {
    return options;
  }

  /** Whether a consumer has cancelled. */
  public boolean isCancelled() {
    return cancelled;
  }

  /** The payload of a message as text. */
  public static String text(Message<byte[]> message) {
    return new String(message.payload(), StandardCharsets.UTF_8);
  }

  // == the receiving end ==

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    Objects.requireNonNull(options, "options");
    String assembly = LeakDetector.assembly();
    return Flux.from(
        subscriber -> {
          Consumer subscription =
              new Consumer(Operators.toCoreSubscriber(subscriber), options, assembly);
          run(() -> subscription.begin());
        });
  }

  @Override
  public Mono<Long> depth() {
    return Mono.fromSupplier(() -> (long) waiting().size());
  }

  @Override
  public ChannelInfo info() {
    EnumSet<Capability> capabilities =
        EnumSet.of(Capability.ORDERED_GROUPS, Capability.DELAY, Capability.DEPTH);
    if (exclusiveGroups) {
      capabilities.add(Capability.EXCLUSIVE_GROUPS);
    }
    return new ChannelInfo(name, capabilities);
  }

  // == the sending end ==

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    Objects.requireNonNull(message, "message");
    Mono<Receipt> accepted =
        Mono.fromSupplier(
            () -> {
              sent.add(message);
              offer(message);
              return new Receipt(name, message.id(), Integer.toString(sent.size() - 1));
            });
    return script.apply(message, accepted).doOnSubscribe(s -> attempted.add(message));
  }

  // == the loop ==

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
      Entry entry = next(c);
      if (entry == null) {
        break;
      }
      c.emit(entry);
    }
    Consumer c = consumer;
    if (c != null && c.stopping && c.out.isEmpty()) {
      end(null);
    }
  }

  private @Nullable Entry next(Consumer c) {
    Set<@Nullable String> locked = new HashSet<>();
    if (exclusiveGroups) {
      c.out.forEach(delivery -> locked.add(delivery.message().group()));
      sleeping.values().forEach(entry -> locked.add(entry.message().group()));
      locked.remove(null);
    }
    for (Entry entry : waiting.values()) {
      if (!locked.contains(entry.message().group())) {
        return waiting.remove(entry.place());
      }
    }
    return null;
  }

  private void end(@Nullable Throwable error) {
    Consumer c = consumer;
    if (c == null) {
      return;
    }
    consumer = null;
    c.giveBack(Why.STOPPED);
    if (error == null) {
      c.actual.onComplete();
    } else {
      c.actual.onError(error);
    }
  }

  private Disposable after(Duration delay, Runnable event) {
    if (delay.isZero()) {
      run(event);
      return Disposables.disposed();
    }
    Scheduler scheduler = timer == null ? Schedulers.parallel() : timer;
    return scheduler.schedule(
        () -> run(event), TimeUnit.NANOSECONDS.convert(delay), TimeUnit.NANOSECONDS);
  }

  /** One subscription. Everything in it happens inside the loop. */
  private final class Consumer implements Subscription {
    final CoreSubscriber<? super Delivery<byte[]>> actual;
    final ReceiveOptions options;
    final String assembly;
    final Set<TestDelivery> out = new HashSet<>();
    final Disposable.Composite timers = Disposables.composite();
    long requested;
    boolean stopping;

    Consumer(
        CoreSubscriber<? super Delivery<byte[]>> actual, ReceiveOptions options, String assembly) {
      this.actual = actual;
      this.options = options;
      this.assembly = assembly;
    }

    void begin() {
      if (consumer != null) {
        Operators.error(
            actual, new IllegalStateException(name + ": there is a consumer (expected: one)"));
        return;
      }
      consumer = this;
      cancelled = false;
      TestChannel.this.options = options;
      actual.onSubscribe(this);
      timers.add(
          options
              .stop()
              .contextWrite(actual.currentContext())
              .subscribe(
                  grace -> run(() -> stop(grace)),
                  error -> run(() -> stop(Duration.ZERO)),
                  () -> run(() -> stop(Duration.ZERO))));
    }

    boolean wantsMore() {
      return !stopping && requested > 0 && out.size() < options.maxUnsettled();
    }

    void emit(Entry entry) {
      if (requested != Long.MAX_VALUE) {
        requested--;
      }
      Origin origin =
          new Origin(
              name,
              Long.toString(entry.place()),
              entry.attempt(),
              options.clock().instant(),
              epoch,
              options.maxUnsettled());
      TestDelivery delivery =
          new TestDelivery(
              entry.message(),
              origin,
              entry.place(),
              d -> after(effectDelay, () -> take(d)),
              d -> run(() -> out.remove(d)));
      out.add(delivery);
      mostUnsettled = Math.max(mostUnsettled, out.size());
      deliveries.add(delivery);
      actual.onNext(
          new Delivery<>(entry.message(), LeakDetector.track(delivery, assembly), origin));
    }

    /** Brings about what was decided, unless it was lost meanwhile. */
    private void take(TestDelivery delivery) {
      if (delivery.isLost()) {
        return;
      }
      Outcome outcome = Objects.requireNonNull(delivery.outcome());
      int attempt = delivery.origin().attempt();
      if (outcome instanceof Outcome.Reject reject) {
        delivery.effect(
            options
                .deadLetter(delivery.message(), delivery.origin(), reject)
                .subscribe(
                    nothing -> {},
                    error -> run(() -> refused(delivery, error)),
                    () -> run(() -> gone(delivery))));
      } else if (outcome instanceof Outcome.Retry retry) {
        back(delivery, attempt + 1, retry.delay());
      } else if (outcome instanceof Outcome.Release release) {
        back(delivery, attempt, release.delay());
      } else {
        gone(delivery);
      }
    }

    private void back(TestDelivery delivery, int attempt, Duration delay) {
      Entry again = new Entry(delivery.place(), delivery.message(), attempt);
      if (delay.isZero()) {
        waiting.put(again.place(), again);
      } else {
        sleeping.put(again.place(), again);
        after(
            delay,
            () -> {
              waiting.put(again.place(), again);
              sleeping.remove(again.place());
            });
      }
      gone(delivery);
    }

    private void gone(TestDelivery delivery) {
      out.remove(delivery);
      Duration later = durableDelay;
      if (later.isZero()) {
        delivery.survives();
      } else {
        delivery.done();
        after(later, () -> delivery.survives());
      }
    }

    private void refused(TestDelivery delivery, Throwable error) {
      stays(delivery);
      if (consumer == this) {
        end(error);
      }
    }

    private void stays(TestDelivery delivery) {
      waiting.put(
          delivery.place(),
          new Entry(delivery.place(), delivery.message(), delivery.origin().attempt()));
      out.remove(delivery);
      delivery.undone();
    }

    @Override
    public void request(long n) {
      run(
          () -> {
            if (Operators.validate(n)) {
              requested = Operators.addCap(requested, n);
            }
          });
    }

    @Override
    public void cancel() {
      run(
          () -> {
            if (consumer == this) {
              cancelled = true;
              consumer = null;
              giveBack(Why.CANCELLED);
            }
          });
    }

    void stop(Duration grace) {
      if (!stopping) {
        stopping = true;
        timers.add(after(grace, () -> giveBack(Why.STOPPED)));
      }
    }

    /** What is undecided goes back now; what is decided may take effect for a while. */
    void giveBack(Why why) {
      timers.dispose();
      List.copyOf(out).forEach(delivery -> delivery.settle(Outcome.release(why)));
      if (!out.isEmpty()) {
        after(FLUSH, this::abandon);
      }
    }

    private void abandon() {
      for (TestDelivery delivery : List.copyOf(out)) {
        delivery.abandonEffect();
        stays(delivery);
      }
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
