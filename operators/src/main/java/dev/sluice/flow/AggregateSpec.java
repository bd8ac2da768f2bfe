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

import dev.sluice.message.Message;
import dev.sluice.time.Timers;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of an aggregate. Immutable: each method returns a changed copy.
 *
 * @param <T> the payloads that are collected
 */
public final class AggregateSpec<T> {

  static final int MAX_SIZE = 65_536;

  private final String name;
  private final @Nullable Function<? super Message<T>, ? extends @Nullable Object> key;
  private final boolean byGroup;
  private final int maxOpen;
  private final boolean rejectAll;
  private final @Nullable Scheduler timer;

  private AggregateSpec(
      String name,
      @Nullable Function<? super Message<T>, ? extends @Nullable Object> key,
      boolean byGroup,
      int maxOpen,
      boolean rejectAll,
      @Nullable Scheduler timer) {
    this.name = name;
    this.key = key;
    this.byGroup = byGroup;
    this.maxOpen = maxOpen;
    this.rejectAll = rejectAll;
    this.timer = timer;
  }

  static <T> AggregateSpec<T> defaults() {
    return new AggregateSpec<>("aggregate", null, false, 1, false, null);
  }

  /** What the step is called in assembly traces and scans. Defaults to aggregate. */
  public AggregateSpec<T> name(String name) {
    Objects.requireNonNull(name, "name");
    return new AggregateSpec<>(name, key, byGroup, maxOpen, rejectAll, timer);
  }

  /**
   * Collects messages of one key together, those of different keys apart. Defaults to one aggregate
   * for all.
   *
   * @param key the key of a message; arrays of bytes compare by content, everything else by {@code
   *     equals}; null is a key like any other
   * @param maxOpen how many aggregates are collected at once, 1..65536: when a message of yet
   *     another key comes, the oldest is closed
   */
  public AggregateSpec<T> by(
      Function<? super Message<T>, ? extends @Nullable Object> key, int maxOpen) {
    Objects.requireNonNull(key, "key");
    return new AggregateSpec<>(name, key, false, inRange("maxOpen", maxOpen), rejectAll, timer);
  }

  /**
   * Collects messages of one group together. Not over a channel with {@linkplain
   * dev.sluice.channel.Capability#EXCLUSIVE_GROUPS exclusive groups}, which delivers one message of
   * a group at a time: a second one would never come before the first is settled.
   *
   * @param maxOpen how many aggregates are collected at once, 1..65536: when a message of yet
   *     another group comes, the oldest is closed
   */
  public AggregateSpec<T> byGroup(int maxOpen) {
    Function<Message<T>, @Nullable Object> group = message -> message.group();
    return new AggregateSpec<>(name, group, true, inRange("maxOpen", maxOpen), rejectAll, timer);
  }

  /**
   * Rejects all members as soon as what was made of them fails, also for a reason that may pass.
   * Defaults to what the error policy says, for all of them: members that are retried come back one
   * by one and are collected anew, perhaps with others, so that their aggregate has another id. Who
   * cannot have that rejects them and looks at them together.
   */
  public AggregateSpec<T> rejectAll() {
    return new AggregateSpec<>(name, key, byGroup, maxOpen, true, timer);
  }

  /**
   * Where the time of an aggregate is measured. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public AggregateSpec<T> timer(Scheduler timer) {
    Timers.require("timer", timer);
    return new AggregateSpec<>(name, key, byGroup, maxOpen, rejectAll, timer);
  }

  static int inRange(String what, int value) {
    if (value < 1 || value > MAX_SIZE) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: 1.." + MAX_SIZE + ")");
    }
    return value;
  }

  String name() {
    return name;
  }

  @Nullable Object key(Message<T> message) {
    Object value = key == null ? null : key.apply(message);
    return value instanceof byte[] bytes ? ByteBuffer.wrap(bytes.clone()) : value;
  }

  boolean isByGroup() {
    return byGroup;
  }

  int maxOpen() {
    return maxOpen;
  }

  boolean rejectsAll() {
    return rejectAll;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}
