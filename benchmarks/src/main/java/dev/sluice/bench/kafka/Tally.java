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
package dev.sluice.bench.kafka;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Counts what one contestant does with a workload, in one round, and does not let it cheat: each
 * record once, and where it is promised, each key in order. The time runs from the first record to
 * the last.
 */
final class Tally {

  private static final Duration BOUND = Duration.ofMinutes(5);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Workload workload;
  private final AtomicIntegerArray nextOfKey;
  private final AtomicIntegerArray seen;
  private final AtomicInteger count = new AtomicInteger();
  private final CompletableFuture<Void> complete = new CompletableFuture<>();
  private volatile long begin;
  private volatile long end;
  private volatile long allocatedBefore;
  private volatile long allocatedAfter;
  private volatile long cpuBefore;
  private volatile long cpuAfter;

  Tally(Workload workload) {
    this.workload = workload;
    this.nextOfKey = new AtomicIntegerArray(workload.keys());
    this.seen = new AtomicIntegerArray(workload.records());
  }

  /** The next of its key. */
  void inOrder(byte[] value) {
    int number = workload.number(value);
    int key = number % workload.keys();
    int expected = nextOfKey.get(key);
    if (number / workload.keys() != expected) {
      fail("record " + number + " (expected: the " + expected + ". of key " + key + ")");
    }
    nextOfKey.lazySet(key, expected + 1);
    count();
  }

  /** One that was not there yet. */
  void inAnyOrder(byte[] value) {
    int number = workload.number(value);
    if (seen.getAndSet(number, 1) != 0) {
      fail("record " + number + " (expected: once)");
    }
    count();
  }

  private void count() {
    int n = count.incrementAndGet();
    if (n == 1) {
      allocatedBefore = allocated();
      cpuBefore = PROCESS.getProcessCpuTime();
      begin = System.nanoTime();
    }
    if (n == workload.records()) {
      end = System.nanoTime();
      cpuAfter = PROCESS.getProcessCpuTime();
      allocatedAfter = allocated();
      complete.complete(null);
    } else if (n > workload.records()) {
      fail(n + " records (expected: " + workload.records() + ")");
    }
  }

  void fail(String what) {
    fail(new IllegalStateException(what));
  }

  void fail(Throwable failure) {
    complete.completeExceptionally(failure);
  }

  boolean isComplete() {
    return complete.isDone();
  }

  /** Waits for the last record, or for the first fault. */
  Result await() throws InterruptedException {
    try {
      complete.get(BOUND.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException("a contestant fails", e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          count + " records within " + BOUND + " (expected: " + workload.records() + ")", e);
    }
    double rest = workload.records() - 1;
    return new Result(
        rest * 1e9 / (end - begin),
        (cpuAfter - cpuBefore) / rest,
        (allocatedAfter - allocatedBefore) / rest);
  }

  /** What came after the end is a fault, too. */
  void verify() {
    if (count.get() != workload.records()) {
      throw new IllegalStateException(count + " records (expected: " + workload.records() + ")");
    }
  }

  /** By all threads that live, which those of a contestant do between its first and last record. */
  private static long allocated() {
    long sum = 0;
    for (long bytes : THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())) {
      sum += Math.max(0, bytes);
    }
    return sum;
  }

  /**
   * One round of one contestant.
   *
   * @param cpuNanos of the whole process per message, the clients, the compiler and the collector
   *     included: what is left to compare when the machine is busy with other things
   * @param bytes allocated per message, by the clients too
   */
  record Result(double perSecond, double cpuNanos, double bytes) {}
}
