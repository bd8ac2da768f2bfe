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
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * Hears the events of a choreography, and says whether they follow each other as they should: after
 * A, within 5 s, B or C.
 *
 * <pre>{@code
 * EventRecorder events = EventRecorder.create();
 * Outbound<byte[]> topic = events.recording(flights);
 * … // participants send to the topic
 * topic.send(landed).subscribe();
 * events.after("flight.landed").within(Duration.ofSeconds(5)).oneOf("bags.unloaded", "belt.jammed");
 * }</pre>
 *
 * <p>What follows an event is what has the same correlation id and was recorded later. Time is that
 * of {@code Schedulers.parallel()}: where {@link VirtualTimeScheduler} is installed an expectation
 * lets virtual time pass until it holds or its time is over; elsewhere it waits for it.
 *
 * <p>Thread-safe; it keeps everything it hears.
 */
@Experimental
public final class EventRecorder {

  private static final int TICKS = 200;

  /** An event, and when it was recorded. */
  private record Heard(int number, Message<?> event, long nanos) {

    String conversation() {
      String correlation = event.correlationId();
      return correlation == null ? event.id() : correlation;
    }
  }

  private final List<Heard> heard = new CopyOnWriteArrayList<>();
  private int count; // guarded by this

  private EventRecorder() {}

  /** A recorder that has heard nothing. */
  public static EventRecorder create() {
    return new EventRecorder();
  }

  /**
   * The channel, whose messages are recorded when they are sent, unless that fails: then they are
   * no events.
   */
  public <T> Outbound<T> recording(Outbound<T> target) {
    Objects.requireNonNull(target, "target");
    return new Outbound<>() {
      @Override
      public String name() {
        return target.name();
      }

      @Override
      public Mono<Receipt> send(Message<T> message) {
        return Mono.defer(
            () -> {
              Heard sending = hear(message);
              return target.send(message).doOnError(error -> heard.remove(sending));
            });
      }
    };
  }

  /** Records an event now. */
  public void record(Message<?> event) {
    hear(Objects.requireNonNull(event, "event"));
  }

  private synchronized Heard hear(Message<?> event) {
    Heard one = new Heard(++count, event, now());
    heard.add(one);
    return one;
  }

  /** The events so far, in the order in which they were recorded. */
  public List<Message<?>> events() {
    return heard.stream().<Message<?>>map(Heard::event).toList();
  }

  /** The types of the events so far. */
  public List<String> types() {
    return heard.stream().map(one -> one.event().type()).toList();
  }

  /**
   * Begins an expectation of what follows each event of a type.
   *
   * @param type of which at least one has been recorded
   */
  public Following after(String type) {
    return new Following(Objects.requireNonNull(type, "type"));
  }

  /** What follows each event of a type. */
  public final class Following {
    private final String type;

    private Following(String type) {
      this.type = type;
    }

    /**
     * In how much time.
     *
     * @param time more than zero
     */
    public Within within(Duration time) {
      if (time.isNegative() || time.isZero()) {
        throw new IllegalArgumentException("time: " + time + " (expected: > PT0S)");
      }
      return new Within(type, time);
    }
  }

  /** What follows each event of a type in time. */
  public final class Within {
    private final String type;
    private final Duration time;

    private Within(String type, Duration time) {
      this.type = type;
      this.time = time;
    }

    /**
     * Each is followed by an event of one of these types, or several.
     *
     * @throws AssertionError if one is not
     */
    public void oneOf(String... types) {
      Set<String> wanted = Set.of(types);
      for (Heard first : firsts()) {
        if (!comes(first, () -> follow(first).stream().anyMatch(wanted::contains))) {
          throw failure(first, "one of " + Arrays.toString(types));
        }
      }
    }

    /**
     * Each is followed by events of all of these types, in any order.
     *
     * @throws AssertionError if one is not
     */
    public void allOf(String... types) {
      Set<String> wanted = Set.of(types);
      for (Heard first : firsts()) {
        if (!comes(first, () -> follow(first).containsAll(wanted))) {
          throw failure(first, "all of " + Arrays.toString(types));
        }
      }
    }

    /**
     * None is followed by an event of one of these types. Lets the whole time pass.
     *
     * @throws AssertionError if one is
     */
    public void noneOf(String... types) {
      Set<String> unwanted = Set.of(types);
      for (Heard first : firsts()) {
        if (comes(first, () -> follow(first).stream().anyMatch(unwanted::contains))) {
          throw failure(first, "none of " + Arrays.toString(types));
        }
      }
    }

    private List<Heard> firsts() {
      List<Heard> firsts = heard.stream().filter(one -> one.event().type().equals(type)).toList();
      if (firsts.isEmpty()) {
        throw new AssertionError("no " + type + " (expected: at least one), only " + types());
      }
      return firsts;
    }

    /** The types of what has followed in time. */
    private List<String> follow(Heard first) {
      return heard.stream()
          .filter(one -> one.number() > first.number())
          .filter(one -> one.conversation().equals(first.conversation()))
          .filter(one -> one.nanos() - first.nanos() <= time.toNanos())
          .map(one -> one.event().type())
          .toList();
    }

    private boolean comes(Heard first, BooleanSupplier condition) {
      long deadline = first.nanos() + time.toNanos();
      Duration tick = Duration.ofNanos(Math.max(1_000_000, time.toNanos() / TICKS));
      while (!condition.getAsBoolean() && now() <= deadline) {
        pass(tick);
      }
      return condition.getAsBoolean();
    }

    private AssertionError failure(Heard first, String expected) {
      String story =
          heard.stream()
              .filter(one -> one.conversation().equals(first.conversation()))
              .map(
                  one ->
                      "  "
                          + Duration.ofNanos(one.nanos() - first.nanos())
                          + "  "
                          + one.event().type()
                          + ' '
                          + one.event().id())
              .collect(Collectors.joining("\n"));
      return new AssertionError(
          "after "
              + type
              + ' '
              + first.event().id()
              + ", within "
              + time
              + ": expected "
              + expected
              + ", but of its conversation there is only\n"
              + story);
    }
  }

  private static long now() {
    return Schedulers.parallel().now(TimeUnit.NANOSECONDS);
  }

  private static void pass(Duration tick) {
    if (VirtualTimeScheduler.isFactoryEnabled()) {
      VirtualTimeScheduler.get().advanceTimeBy(tick);
    } else {
      LockSupport.parkNanos(Math.min(tick.toNanos(), 1_000_000));
    }
  }
}
