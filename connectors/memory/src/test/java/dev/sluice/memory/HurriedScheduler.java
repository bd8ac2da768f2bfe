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
package dev.sluice.memory;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The parallel scheduler in a world where time runs ten times as fast: real threads, and nobody has
 * to wait for ten seconds.
 */
final class HurriedScheduler implements Scheduler {

  private static final int SPEED = 10;

  private final Scheduler real = Schedulers.parallel();
  private final long start = System.nanoTime();

  /** How long that is in the real world. */
  static Duration real(Duration hurried) {
    return hurried.dividedBy(SPEED);
  }

  Clock clock() {
    return new HurriedClock();
  }

  @Override
  public long now(TimeUnit unit) {
    return unit.convert((System.nanoTime() - start) * SPEED, TimeUnit.NANOSECONDS);
  }

  @Override
  public Disposable schedule(Runnable task) {
    return real.schedule(task);
  }

  @Override
  public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
    return real.schedule(task, realNanos(delay, unit), TimeUnit.NANOSECONDS);
  }

  @Override
  public Worker createWorker() {
    Worker worker = real.createWorker();
    return new Worker() {
      @Override
      public Disposable schedule(Runnable task) {
        return worker.schedule(task);
      }

      @Override
      public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        return worker.schedule(task, realNanos(delay, unit), TimeUnit.NANOSECONDS);
      }

      @Override
      public void dispose() {
        worker.dispose();
      }

      @Override
      public boolean isDisposed() {
        return worker.isDisposed();
      }
    };
  }

  private static long realNanos(long delay, TimeUnit unit) {
    return unit.toNanos(delay) / SPEED + 1; // never too early
  }

  private final class HurriedClock extends Clock {

    @Override
    public Instant instant() {
      return Instant.EPOCH.plusNanos(now(TimeUnit.NANOSECONDS));
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  }
}
