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
package dev.sluice.choreography;

import dev.sluice.Experimental;
import dev.sluice.message.Message;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * That an event is followed by another in time: after {@code flight.landed}, within 30 minutes,
 * {@code bags.reconciled} or {@code bags.missing}. {@link Deadlines} sees to it. Immutable: each
 * method returns a changed copy.
 *
 * @param <T> the payload of the event that is followed
 */
@Experimental
public final class Expectation<T> {

  /** What becomes known in place of what has not come. */
  record Instead<T, C>(EventType<C> type, Function<? super T, ? extends C> payload) {

    Event<C> of(T trigger) {
      return type.of(
          Objects.requireNonNull(payload.apply(trigger), "the function of " + type + " gave null"));
    }
  }

  private final String name;
  private final EventType<T> trigger;
  private final Duration within;
  private final List<EventType<?>> oneOf;
  private final Function<? super Message<?>, String> key;
  private final @Nullable Instead<T, ?> instead;

  private Expectation(
      String name,
      EventType<T> trigger,
      Duration within,
      List<EventType<?>> oneOf,
      Function<? super Message<?>, String> key,
      @Nullable Instead<T, ?> instead) {
    this.name = name;
    this.trigger = trigger;
    this.within = within;
    this.oneOf = oneOf;
    this.key = key;
    this.instead = instead;
  }

  /**
   * An event is to be followed by one of others, in the same conversation.
   *
   * @param name what it is called, 1..{@value Participant#MAX_NAME} characters; under it what is
   *     awaited is remembered
   * @param trigger after which time runs
   * @param within how long, from when it is noticed that the trigger has happened: more than zero,
   *     at most 365 days
   * @param oneOf what may follow, at least one, and not the trigger
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static <T> Expectation<T> after(
      String name, EventType<T> trigger, Duration within, EventType<?>... oneOf) {
    Participant.requireName("expectation", name);
    Objects.requireNonNull(trigger, "trigger");
    Times.positive("within", within);
    List<EventType<?>> awaited = List.of(oneOf);
    if (awaited.isEmpty() || awaited.contains(trigger)) {
      throw new IllegalArgumentException(
          "oneOf: " + awaited + " (expected: at least one, without " + trigger + ")");
    }
    return new Expectation<>(name, trigger, within, awaited, Expectation::conversation, null);
  }

  static String conversation(Message<?> message) {
    String correlation = message.correlationId();
    return correlation == null ? message.id() : correlation;
  }

  /**
   * What the trigger and what follows it have in common. Defaults to their conversation, the
   * correlation id. For one key it is expected once.
   *
   * @param key gives 1..400 characters for each of these events. An exception is the failure of
   *     that message
   */
  public Expectation<T> by(Function<? super Message<?>, String> key) {
    return new Expectation<>(
        name, trigger, within, oneOf, Objects.requireNonNull(key, "key"), instead);
  }

  /**
   * Emits an event when none of them has come in time, on which somebody may act: a compensation,
   * or a reminder. It follows from the trigger, with the same id however often it is emitted.
   *
   * @param type the event
   * @param payload of the payload of the trigger. When it throws only the alarm is raised
   */
  public <C> Expectation<T> emits(EventType<C> type, Function<? super T, ? extends C> payload) {
    return new Expectation<>(
        name,
        trigger,
        within,
        oneOf,
        key,
        new Instead<>(
            Objects.requireNonNull(type, "type"), Objects.requireNonNull(payload, "payload")));
  }

  /** What it is called. */
  public String name() {
    return name;
  }

  EventType<T> trigger() {
    return trigger;
  }

  Duration within() {
    return within;
  }

  List<EventType<?>> oneOf() {
    return oneOf;
  }

  @Nullable Instead<T, ?> instead() {
    return instead;
  }

  String keyOf(Message<?> message) {
    return Objects.requireNonNull(key.apply(message), "the key is null");
  }

  boolean awaits(String type) {
    return oneOf.stream().anyMatch(awaited -> awaited.name().equals(type));
  }

  /** The event in place of what has not come; null if there is none. */
  @Nullable Message<byte[]> insteadOf(Message<byte[]> cause, String suffix, java.time.Instant now) {
    return instead == null
        ? null
        : instead.of(trigger.codec().decode(cause)).after(cause, suffix, now);
  }

  @Override
  public String toString() {
    return name + ": after " + trigger + ", within " + within + ", one of " + oneOf;
  }
}
