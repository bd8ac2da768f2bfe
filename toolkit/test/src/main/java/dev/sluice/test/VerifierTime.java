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

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * The time of a verification: virtual, where nothing happens that a step has not brought about, or
 * real, where a step waits for what it expects.
 */
final class VerifierTime implements AutoCloseable {

  /** How long a flow may take to end after it was told to. */
  private static final Duration END = Duration.ofMinutes(1);

  private static final Duration TICK = Duration.ofMillis(100);

  private final Instant start = Instant.now();
  private final @Nullable VirtualTimeScheduler virtual;
  private final boolean ours;
  private final Duration patience;

  private VerifierTime(@Nullable VirtualTimeScheduler virtual, boolean ours, Duration patience) {
    this.virtual = virtual;
    this.ours = ours;
    this.patience = patience;
  }

  /** Virtual time: one that is installed already, or one that lasts until this is closed. */
  static VerifierTime virtual() {
    boolean ours = !VirtualTimeScheduler.isFactoryEnabled();
    return new VerifierTime(VirtualTimeScheduler.getOrSet(), ours, Duration.ZERO);
  }

  /** Real time, and how long a step waits for what it expects. */
  static VerifierTime real(Duration patience) {
    return new VerifierTime(null, false, patience);
  }

  private Instant now() {
    return virtual == null ? Instant.now() : start.plusNanos(virtual.now(TimeUnit.NANOSECONDS));
  }

  Duration elapsed() {
    return Duration.between(start, now());
  }

  Clock clock() {
    return new Watch(ZoneOffset.UTC);
  }

  private final class Watch extends Clock {
    private final ZoneId zone;

    Watch(ZoneId zone) {
      this.zone = zone;
    }

    @Override
    public Instant instant() {
      return now();
    }

    @Override
    public ZoneId getZone() {
      return zone;
    }

    @Override
    public Clock withZone(ZoneId other) {
      return new Watch(other);
    }
  }

  /** Lets time pass. */
  void pass(Duration duration) {
    if (virtual != null) {
      virtual.advanceTimeBy(duration);
    } else {
      until(() -> false, duration);
    }
  }

  /** Whether the condition holds: at once in virtual time, after a while in real time. */
  boolean comes(BooleanSupplier condition) {
    return condition.getAsBoolean() || (virtual == null && until(condition, patience));
  }

  /** Whether the condition holds after some time, in either kind of it. */
  boolean comesInTheEnd(BooleanSupplier condition) {
    if (virtual == null) {
      return until(condition, END);
    }
    for (Duration waited = Duration.ZERO; waited.compareTo(END) < 0; waited = waited.plus(TICK)) {
      if (condition.getAsBoolean()) {
        return true;
      }
      virtual.advanceTimeBy(TICK);
    }
    return condition.getAsBoolean();
  }

  private static boolean until(BooleanSupplier condition, Duration atMost) {
    long start = System.nanoTime();
    while (System.nanoTime() - start < atMost.toNanos()) {
      if (condition.getAsBoolean()) {
        return true;
      }
      LockSupport.parkNanos(1_000_000);
    }
    return condition.getAsBoolean();
  }

  @Override
  public void close() {
    if (ours) {
      VirtualTimeScheduler.reset();
    }
  }
}
