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
package dev.sluice.pubsub;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.pubsub.Subscriber.Admission;
import dev.sluice.pubsub.SubscriberSpec.Overflow;
import dev.sluice.pubsub.TopicStats.SubscriberStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A topic inside a process: every subscriber gets every message that it wants, each at its own
 * pace. A subscriber that is slow, stuck or broken is not felt by whoever publishes, nor by the
 * others.
 *
 * <p>Compared with its neighbours: {@code publish}, {@code share} and {@code
 * Sinks.many().multicast().onBackpressureBuffer()} are as slow as their slowest subscriber; {@code
 * directBestEffort} drops for whoever is not ready at that moment; {@code replay} gives every
 * subscriber a buffer without a bound.
 *
 * <p>A topic keeps its messages in memory, and a bounded number of them: what a subscriber has not
 * got when the process ends, it never gets. A subscriber that must not lose anything is a channel:
 * on Kafka with a group of its own, on PostgreSQL with a queue of its own. Messages are shared by
 * all subscribers, so payloads should be immutable.
 *
 * <p>Thread-safe.
 *
 * @param <T> the payloads
 */
@Experimental
public final class Topic<T> implements Outbound<T>, Metered {

  /*
   * Threads: everything may be called on any thread.
   *
   * log, closed    guarded by this; what is published is appended and given to all under one lock,
   *                so that all subscribers see one order and a new one misses nothing
   * subscribers    replaced under the lock, read without it: filters run before the lock is taken,
   *                and again if subscribers have come or gone meanwhile
   *
   * The lock is held for what takes constant time for each subscriber, and never while code of the
   * user runs. Who holds it may take the lock of a buffer, never the other way round.
   */

  final LongAdder lost = new LongAdder(); // by all subscribers there ever were

  private final String name;
  private final TopicLog<T> log;
  private boolean closed;
  private volatile List<Subscriber<T>> subscribers = List.of();

  private Topic(String name, TopicSpec spec) {
    this.name = name;
    this.log = new TopicLog<>(spec.retain());
  }

  /** A topic with the default options. */
  public static <T> Topic<T> create(String name) {
    return create(name, spec -> spec);
  }

  /**
   * A topic.
   *
   * @param name what it is called, not blank
   * @param spec the options, from defaults: it keeps 1024 messages
   * @throws IllegalArgumentException if an option is out of range
   */
  public static <T> Topic<T> create(String name, UnaryOperator<TopicSpec> spec) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return new Topic<>(name, TopicSpec.of(spec));
  }

  @Override
  public String name() {
    return name;
  }

  // == publishing ==

  /**
   * Publishes a message, and does not wait for anybody. Hot: it is published by the call.
   *
   * @return its position
   * @throws IllegalStateException if the topic is closed
   */
  public long publish(Message<T> message) {
    Objects.requireNonNull(message, "message");
    for (; ; ) {
      List<Subscriber<T>> present = subscribers;
      List<@Nullable Admission> admissions = new ArrayList<>(present.size());
      present.forEach(subscriber -> admissions.add(subscriber.look(message)));
      List<Runnable> afterwards = new ArrayList<>(0);
      long position;
      synchronized (this) {
        if (present != subscribers) {
          continue;
        }
        if (closed) {
          throw new IllegalStateException("topic " + name + " is closed");
        }
        Published<T> published = log.append(message);
        position = published.position();
        for (int i = 0; i < present.size(); i++) {
          give(present.get(i), published, admissions.get(i), afterwards);
        }
      }
      afterwards.forEach(Runnable::run);
      for (int i = 0; i < present.size(); i++) {
        if (admissions.get(i) != null) {
          present.get(i).wake();
        }
      }
      return position;
    }
  }

  private static <T> void give(
      Subscriber<T> subscriber,
      Published<T> published,
      @Nullable Admission admission,
      List<Runnable> afterwards) {
    Runnable news = admission == null ? null : subscriber.take(published, admission);
    if (news != null) {
      afterwards.add(news);
    }
  }

  /**
   * Publishes a message when it is subscribed to. Its receipt says that the topic has it, not that
   * a subscriber has: what must not be lost is not acknowledged by it.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, at once
   *   <dt>Backpressure
   *   <dd>not applicable; a topic is never full
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link SendFailed}, for good, if the topic is
   *       closed
   *   <dt>Cancel
   *   <dd>nothing to cancel
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that subscribes
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<T> message) {
    Objects.requireNonNull(message, "message");
    return Mono.fromCallable(() -> new Receipt(name, message.id(), Long.toString(publish(message))))
        .onErrorMap(IllegalStateException.class, e -> SendFailed.permanent(name, "is closed", e));
  }

  /** Nothing more is published; subscribers complete when they have got what waits for them. */
  public void close() {
    List<Subscriber<T>> present;
    synchronized (this) {
      closed = true;
      present = subscribers;
    }
    present.forEach(Subscriber::complete);
  }

  // == subscribing ==

  /**
   * The messages of the topic, for one subscriber for each subscription.
   *
   * <p><img class="marble" src="doc-files/topic.svg" alt="Each subscriber gets what it wants at its
   * own pace; a stuck one is not felt by the others">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>every message that the subscriber wants, in the order in which they were published, when
   *       it has requested one; except for those that it loses by its own choice when it is slow
   *   <dt>Backpressure
   *   <dd>its own; nobody else feels it. At most {@code capacity} messages wait, or those that the
   *       topic keeps anyway
   *   <dt>Completes/Errors
   *   <dd>completes when the topic is closed and nothing waits any more; fails with {@link
   *       SlowSubscriber} where {@link SubscriberSpec#disconnect} says so
   *   <dt>Cancel
   *   <dd>the subscriber is forgotten, and what waits for it too
   *   <dt>Discard
   *   <dd>nothing: messages belong to all subscribers. The listener hears what is lost
   *   <dt>Threads
   *   <dd>on a worker of {@link SubscriberSpec#scheduler}, never on the thread that publishes
   * </dl>
   *
   * @param spec what it wants, from defaults: everything from now on, at its own pace
   * @throws IllegalArgumentException if an option is out of range
   */
  public Flux<Published<T>> subscribe(UnaryOperator<SubscriberSpec<T>> spec) {
    return TopicFlux.create(this, SubscriberSpec.of(spec));
  }

  /** {@link #subscribe} without positions. */
  public Flux<Message<T>> messages(UnaryOperator<SubscriberSpec<T>> spec) {
    return subscribe(spec).map(Published::message);
  }

  /** Gives a subscriber what is left of the past that it wants, and from then on what comes. */
  void add(Subscriber<T> subscriber) {
    if (subscriber.spec.overflow() == Overflow.CATCH_UP) {
      connect(subscriber, Long.MAX_VALUE);
    } else {
      catchUp(subscriber);
    }
    if (subscriber.isOver()) {
      remove(subscriber);
    }
  }

  /**
   * Connects a subscriber that has been given everything before a position, unless there is more.
   *
   * @param given {@code Long.MAX_VALUE} if it will read for itself
   */
  private boolean connect(Subscriber<T> subscriber, long given) {
    boolean over;
    synchronized (this) {
      if (given < log.end()) {
        return false;
      }
      long start = subscriber.spec.start();
      subscriber.connected(start == SubscriberSpec.FROM_NOW_ON ? log.end() : start);
      over = closed;
      if (!over) {
        List<Subscriber<T>> more = new ArrayList<>(subscribers);
        more.add(subscriber);
        subscribers = List.copyOf(more);
      }
    }
    if (over) {
      subscriber.complete();
    } else {
      subscriber.wake();
    }
    return true;
  }

  /** Nobody else gives it anything yet, so its filters run without a lock. */
  private void catchUp(Subscriber<T> subscriber) {
    long start = subscriber.spec.start();
    long next = start == SubscriberSpec.FROM_NOW_ON ? Long.MAX_VALUE : start;
    while (!connect(subscriber, next)) {
      Published<T> published = read(next);
      if (published == null || subscriber.isOver()) {
        return;
      }
      long at = next;
      long missed = published.position() - at;
      if (missed > 0) {
        subscriber.lost(missed, listener -> listener.missed(at, missed));
      }
      next = published.position() + 1;
      Admission admission = subscriber.look(published.message());
      Runnable news = admission == null ? null : subscriber.take(published, admission);
      if (news != null) {
        news.run();
      }
    }
  }

  void remove(Subscriber<T> subscriber) {
    synchronized (this) {
      if (subscribers.contains(subscriber)) {
        List<Subscriber<T>> fewer = new ArrayList<>(subscribers);
        fewer.remove(subscriber);
        subscribers = List.copyOf(fewer);
      }
    }
  }

  // == reading ==

  /** The first message that is not before a position, or null if it has not come yet. */
  @Nullable Published<T> read(long position) {
    synchronized (this) {
      return log.at(Math.max(position, log.begin()));
    }
  }

  long end() {
    synchronized (this) {
      return log.end();
    }
  }

  /** What it is doing. */
  public TopicStats stats() {
    long begin;
    long end;
    synchronized (this) {
      begin = log.begin();
      end = log.end();
    }
    return new TopicStats(
        end,
        end - begin,
        subscribers.stream()
            .map(each -> new SubscriberStats(each.spec.name(), each.waiting(), each.lost()))
            .toList());
  }

  /** Its numbers, as {@code sluice.topic.…}, with its name as a tag. */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("topic", name);
    mine.counter("sluice.topic.published", "messages", "Published so far", this::end);
    mine.counter(
        "sluice.topic.lost", "messages", "Not got by a subscriber that wanted them", lost::sum);
    mine.gauge("sluice.topic.subscribers", "subscribers", "Subscribed", () -> subscribers.size());
    mine.gauge(
        "sluice.topic.behind",
        "messages",
        "That wait for the subscriber that is furthest behind",
        () -> subscribers.stream().mapToLong(Subscriber::waiting).max().orElse(0));
  }

  @Override
  public String toString() {
    return "Topic[" + name + ", " + subscribers.size() + " subscribers]";
  }
}
