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
package dev.sluice.postgres;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link PostgresChannel}. Immutable: each method returns a changed copy. */
public final class PostgresChannelSpec {

  private static final int MOST = 1_000;

  static final PostgresChannelSpec DEFAULT =
      new PostgresChannelSpec(
          128,
          10,
          Duration.ofMinutes(1),
          Duration.ofHours(1),
          Duration.ofSeconds(10),
          Duration.ofDays(1),
          Schedulers.parallel());

  private final int claimBatch;
  private final int laneBatch;
  private final Duration agingStep;
  private final Duration maxLease;
  private final Duration flush;
  private final Duration forgetGroupsAfter;
  private final Scheduler scheduler;

  private PostgresChannelSpec(
      int claimBatch,
      int laneBatch,
      Duration agingStep,
      Duration maxLease,
      Duration flush,
      Duration forgetGroupsAfter,
      Scheduler scheduler) {
    this.claimBatch = claimBatch;
    this.laneBatch = laneBatch;
    this.agingStep = agingStep;
    this.maxLease = maxLease;
    this.flush = flush;
    this.forgetGroupsAfter = forgetGroupsAfter;
    this.scheduler = scheduler;
  }

  /**
   * How many messages without a group, or how many groups, a consumer claims with one statement at
   * most. It starts with 16, asks for more while it finds as many and for less when it does not,
   * and never for more than it can emit. Defaults to 128.
   *
   * @param claimBatch 1..1000
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec claimBatch(int claimBatch) {
    return new PostgresChannelSpec(
        inRange("claimBatch", claimBatch),
        laneBatch,
        agingStep,
        maxLease,
        flush,
        forgetGroupsAfter,
        scheduler);
  }

  /**
   * How many messages of a group a consumer takes with one claim of the group at most. They are
   * delivered one after the other; a group goes back when they are done. Defaults to 10.
   *
   * @param laneBatch 1..1000
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec laneBatch(int laneBatch) {
    return new PostgresChannelSpec(
        claimBatch,
        inRange("laneBatch", laneBatch),
        agingStep,
        maxLease,
        flush,
        forgetGroupsAfter,
        scheduler);
  }

  /**
   * How long a message without a group may be overtaken by those of the next higher priority: one
   * of priority 4 goes before one of priority 6 that was sent more than two steps later. The same
   * for all that send to a channel. Defaults to 1 minute.
   *
   * @param agingStep 1 ms..365 days
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec agingStep(Duration agingStep) {
    return new PostgresChannelSpec(
        claimBatch,
        laneBatch,
        inRange("agingStep", agingStep),
        maxLease,
        flush,
        forgetGroupsAfter,
        scheduler);
  }

  /**
   * How long a consumer may keep a delivery, or a group, before its lease is not renewed any more:
   * it bounds a worker that hangs. Defaults to 1 hour.
   *
   * @param maxLease 1 s..365 days
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec maxLease(Duration maxLease) {
    return new PostgresChannelSpec(
        claimBatch,
        laneBatch,
        agingStep,
        Times.between("maxLease", maxLease, PostgresChannel.SHORTEST_LEASE, Times.LONGEST),
        flush,
        forgetGroupsAfter,
        scheduler);
  }

  /**
   * How long what was decided may still take to have its effect when a consumer has ended: dead
   * letters on their way, and settlements while the database is away. Defaults to 10 s.
   *
   * @param flush 1 ms..365 days
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec flush(Duration flush) {
    return new PostgresChannelSpec(
        claimBatch,
        laneBatch,
        agingStep,
        maxLease,
        inRange("flush", flush),
        forgetGroupsAfter,
        scheduler);
  }

  /**
   * How long a group must have been empty before its rows are deleted. A consumer looks every few
   * minutes. Defaults to 1 day.
   *
   * @param forgetGroupsAfter 1 ms..365 days
   * @throws IllegalArgumentException if out of range
   */
  public PostgresChannelSpec forgetGroupsAfter(Duration forgetGroupsAfter) {
    return new PostgresChannelSpec(
        claimBatch,
        laneBatch,
        agingStep,
        maxLease,
        flush,
        inRange("forgetGroupsAfter", forgetGroupsAfter),
        scheduler);
  }

  /**
   * Where deliveries are emitted, and the pauses of a consumer timed. Each consumer has a worker of
   * it for itself. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public PostgresChannelSpec scheduler(Scheduler scheduler) {
    return new PostgresChannelSpec(
        claimBatch,
        laneBatch,
        agingStep,
        maxLease,
        flush,
        forgetGroupsAfter,
        Timers.require("scheduler", scheduler));
  }

  private static int inRange(String what, int value) {
    if (value < 1 || value > MOST) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: 1.." + MOST + ")");
    }
    return value;
  }

  private static Duration inRange(String what, Duration value) {
    return Times.between(what, value, Duration.ofMillis(1), Times.LONGEST);
  }

  int claimBatch() {
    return claimBatch;
  }

  int laneBatch() {
    return laneBatch;
  }

  Duration agingStep() {
    return agingStep;
  }

  Duration maxLease() {
    return maxLease;
  }

  Duration flush() {
    return flush;
  }

  Duration forgetGroupsAfter() {
    return forgetGroupsAfter;
  }

  Scheduler scheduler() {
    return scheduler;
  }
}
