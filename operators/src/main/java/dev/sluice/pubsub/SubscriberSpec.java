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
import dev.sluice.message.Message;
import dev.sluice.message.TypePattern;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * What a subscriber wants, from when on, and what happens when it is slower than what comes.
 * Immutable: each method returns a changed copy.
 *
 * @param <T> the payloads
 */
@Experimental
public final class SubscriberSpec<T> implements Cloneable {

  /** What happens when messages come faster than a subscriber takes them. */
  enum Overflow {
    /** It reads them from the topic, at its own pace. */
    CATCH_UP,
    /** The one that waits longest makes room. */
    DROP_OLDEST,
    /** What finds no room is dropped. */
    DROP_NEWEST,
    /** One takes the place of the one with the same key. */
    COALESCE,
    /** The subscriber is disconnected. */
    DISCONNECT
  }

  /** Positions are never negative. */
  static final long FROM_NOW_ON = -1;

  private static final int MAX_CAPACITY = 1 << 20;

  /* The fields are assigned only before a copy is given away, in the constructor and in with(). */

  private String name = "subscriber";
  private List<TypePattern> types = List.of();
  private @Nullable Predicate<? super Message<T>> where;
  private long start = FROM_NOW_ON;
  private Overflow overflow = Overflow.CATCH_UP;
  private int capacity;
  private @Nullable Function<? super Message<T>, ?> key;
  private Scheduler scheduler = Schedulers.parallel();
  private SubscriberListener listener = new SubscriberListener() {};

  private SubscriberSpec() {}

  static <T> SubscriberSpec<T> of(UnaryOperator<SubscriberSpec<T>> change) {
    return Objects.requireNonNull(
        Objects.requireNonNull(change, "spec").apply(new SubscriberSpec<>()),
        "the function gave null");
  }

  @SuppressWarnings("unchecked")
  private SubscriberSpec<T> with(Consumer<SubscriberSpec<T>> change) {
    try {
      SubscriberSpec<T> copy = (SubscriberSpec<T>) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  // == what it wants ==

  /** What it is called in failures and statistics. Defaults to subscriber. */
  public SubscriberSpec<T> name(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return with(copy -> copy.name = name);
  }

  /**
   * Only messages of these types. Defaults to all.
   *
   * @param patterns one or more {@linkplain TypePattern patterns}, one of which must match: {@code
   *     flight.*.delayed}
   * @throws IllegalArgumentException if one is none
   */
  public SubscriberSpec<T> types(String... patterns) {
    if (patterns.length == 0) {
      throw new IllegalArgumentException("patterns: 0 (expected: >= 1)");
    }
    List<TypePattern> parsed = Stream.of(patterns).map(TypePattern::of).toList();
    return with(copy -> copy.types = parsed);
  }

  /**
   * Only messages that the predicate accepts, of those types. Defaults to all. It is called on the
   * subscriber's worker if that {@linkplain #catchUp catches up}, else by whoever publishes: plain
   * CPU work without effects, perhaps twice for one message. A message for which it throws is left
   * out, and the listener hears of it.
   */
  public SubscriberSpec<T> where(Predicate<? super Message<T>> accepts) {
    Objects.requireNonNull(accepts, "accepts");
    return with(copy -> copy.where = accepts);
  }

  // == from when on ==

  /** Only what is published from the subscription on, which is the default. */
  public SubscriberSpec<T> fromLatest() {
    return with(copy -> copy.start = FROM_NOW_ON);
  }

  /** Everything that the topic still has. */
  public SubscriberSpec<T> fromEarliest() {
    return fromPosition(0);
  }

  /**
   * From this position on, or from the oldest that the topic still has; then the listener hears of
   * what was missed. What was published before the subscription is treated as if it came at once.
   *
   * @param position 0 or more; one more than that of the last message that was handled
   */
  public SubscriberSpec<T> fromPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("position: " + position + " (expected: >= 0)");
    }
    return with(copy -> copy.start = position);
  }

  // == when it is slow; the last call counts ==

  /**
   * It reads the topic at its own pace and misses nothing, as long as it is not further behind than
   * the topic {@linkplain TopicSpec#retain keeps} messages. What the topic has no more it misses,
   * and the listener hears of it. This is the default.
   *
   * <p><img class="marble" src="doc-files/catchUp.svg" alt="A subscriber that is slow reads the
   * topic at its own pace, and misses nothing that it still has">
   */
  public SubscriberSpec<T> catchUp() {
    return slow(Overflow.CATCH_UP, 0, null);
  }

  /**
   * At most {@code capacity} messages wait; then the one that waits longest is dropped.
   *
   * <p><img class="marble" src="doc-files/dropOldest.svg" alt="When too many wait for a slow
   * subscriber, the oldest makes room">
   *
   * @param capacity 1..1048576
   */
  public SubscriberSpec<T> dropOldest(int capacity) {
    return slow(Overflow.DROP_OLDEST, capacity, null);
  }

  /**
   * At most {@code capacity} messages wait; then those that come are dropped.
   *
   * <p><img class="marble" src="doc-files/dropNewest.svg" alt="When too many wait for a slow
   * subscriber, those that come are dropped">
   *
   * @param capacity 1..1048576
   */
  public SubscriberSpec<T> dropNewest(int capacity) {
    return slow(Overflow.DROP_NEWEST, capacity, null);
  }

  /**
   * Only the latest message waits: {@code dropOldest(1)}.
   *
   * <p><img class="marble" src="doc-files/latest.svg" alt="Only the latest waits for a slow
   * subscriber">
   */
  public SubscriberSpec<T> latest() {
    return dropOldest(1);
  }

  /**
   * Of the messages with one key only the latest waits, in the place of the first. At most {@code
   * capacity} keys wait; then the one that waits longest is dropped.
   *
   * <p><img class="marble" src="doc-files/coalesce.svg" alt="Of one key only the latest waits for a
   * slow subscriber, in the place of the first">
   *
   * @param key what makes a message replace another one; called as {@link #where} is
   * @param capacity 1..1048576
   */
  public SubscriberSpec<T> coalesce(Function<? super Message<T>, ?> key, int capacity) {
    return slow(Overflow.COALESCE, capacity, Objects.requireNonNull(key, "key"));
  }

  /**
   * At most {@code capacity} messages wait; then it fails with {@link SlowSubscriber}, and what
   * waits is dropped. It may subscribe again, from a position.
   *
   * <p><img class="marble" src="doc-files/disconnect.svg" alt="When too many wait for a slow
   * subscriber, it is disconnected">
   *
   * @param capacity 1..1048576
   */
  public SubscriberSpec<T> disconnect(int capacity) {
    return slow(Overflow.DISCONNECT, capacity, null);
  }

  private SubscriberSpec<T> slow(
      Overflow overflow, int capacity, @Nullable Function<? super Message<T>, ?> key) {
    if (overflow != Overflow.CATCH_UP && (capacity < 1 || capacity > MAX_CAPACITY)) {
      throw new IllegalArgumentException(
          "capacity: " + capacity + " (expected: 1.." + MAX_CAPACITY + ")");
    }
    return with(
        copy -> {
          copy.overflow = overflow;
          copy.capacity = capacity;
          copy.key = key;
        });
  }

  // == the rest ==

  /**
   * Where it gets its messages. Each subscription uses one worker of it. Defaults to {@link
   * Schedulers#parallel()}; a subscriber that blocks needs one of its own.
   */
  public SubscriberSpec<T> scheduler(Scheduler scheduler) {
    Objects.requireNonNull(scheduler, "scheduler");
    return with(copy -> copy.scheduler = scheduler);
  }

  /** Hears what the subscriber does not get. Defaults to nobody. */
  public SubscriberSpec<T> listener(SubscriberListener listener) {
    Objects.requireNonNull(listener, "listener");
    return with(copy -> copy.listener = listener);
  }

  // == values ==

  String name() {
    return name;
  }

  /** Whether it wants a message; throws what the predicate throws. */
  boolean wants(Message<T> message) {
    return (types.isEmpty() || types.stream().anyMatch(type -> type.matches(message.type())))
        && (where == null || where.test(message));
  }

  /** The position that it begins with, or {@link #FROM_NOW_ON}. */
  long start() {
    return start;
  }

  Overflow overflow() {
    return overflow;
  }

  int capacity() {
    return capacity;
  }

  /** The key of a message, or null if there are none; throws what the function throws. */
  @Nullable Object keyOf(Message<T> message) {
    return key == null
        ? null
        : Objects.requireNonNull(key.apply(message), "the key function gave null");
  }

  Scheduler scheduler() {
    return scheduler;
  }

  SubscriberListener listener() {
    return listener;
  }
}
