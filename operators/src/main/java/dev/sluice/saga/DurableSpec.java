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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.store.LeaseThread;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** How durable sagas are run. Immutable: each method returns a changed copy. */
@Experimental
public final class DurableSpec {

  static final DurableSpec DEFAULT = new DurableSpec();

  private static final Scheduler LEASES = LeaseThread.named("sluice-saga-leases");

  // Written only while a copy is made.
  private List<SagaDefinition<?, ?>> definitions = List.of();
  private Duration lease = Duration.ofSeconds(30);
  private Duration journalWithin = Duration.ofMinutes(2);
  private Duration replayWithin = Duration.ofSeconds(30);
  private int maxTakeovers = 20;
  private @Nullable Scheduler timer;

  private DurableSpec() {}

  private DurableSpec(DurableSpec other) {
    this.definitions = other.definitions;
    this.lease = other.lease;
    this.journalWithin = other.journalWithin;
    this.replayWithin = other.replayWithin;
    this.maxTakeovers = other.maxTakeovers;
    this.timer = other.timer;
  }

  /**
   * Adds a saga that can be run and recovered here. Older versions belong here for as long as sagas
   * of them have not ended.
   *
   * @throws IllegalArgumentException if there is one of the same name and version
   */
  public DurableSpec definition(SagaDefinition<?, ?> definition) {
    Objects.requireNonNull(definition, "definition");
    for (SagaDefinition<?, ?> other : definitions) {
      if (other.name().equals(definition.name()) && other.version() == definition.version()) {
        throw new IllegalArgumentException(
            "definition: another " + definition + " (expected: one of each name and version)");
      }
    }
    DurableSpec copy = new DurableSpec(this);
    copy.definitions = new ArrayList<>(definitions);
    copy.definitions.add(definition);
    return copy;
  }

  /**
   * How long a saga belongs to whoever runs it after that has last been heard of: so long a saga
   * waits whose process has died. Leases are renewed while sagas run. Defaults to 30 s.
   *
   * @param lease 1 s to 1 day
   */
  public DurableSpec lease(Duration lease) {
    DurableSpec copy = new DurableSpec(this);
    copy.lease = Times.between("lease", lease, Duration.ofSeconds(1), Duration.ofDays(1));
    return copy;
  }

  /**
   * How long a saga waits for a journal that cannot be written; then it is left to who recovers it.
   * Defaults to 2 min.
   *
   * @param journalWithin more than zero, at most 365 days
   */
  public DurableSpec journalWithin(Duration journalWithin) {
    DurableSpec copy = new DurableSpec(this);
    copy.journalWithin = Times.positive("journalWithin", journalWithin);
    return copy;
  }

  /**
   * How long, when a saga is recovered, a step that its journal does not have waits for those that
   * it has. Then the saga is parked: its definition has changed. Defaults to 30 s.
   *
   * @param replayWithin more than zero, at most 365 days
   */
  public DurableSpec replayWithin(Duration replayWithin) {
    DurableSpec copy = new DurableSpec(this);
    copy.replayWithin = Times.positive("replayWithin", replayWithin);
    return copy;
  }

  /**
   * How often a saga is taken over without anything having come of it, before it is parked: it may
   * be what its processes die of. Defaults to 20.
   *
   * @param maxTakeovers 1 or more
   */
  public DurableSpec maxTakeovers(int maxTakeovers) {
    if (maxTakeovers < 1) {
      throw new IllegalArgumentException("maxTakeovers: " + maxTakeovers + " (expected: >= 1)");
    }
    DurableSpec copy = new DurableSpec(this);
    copy.maxTakeovers = maxTakeovers;
    return copy;
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}, and a thread
   * of its own for leases.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public DurableSpec timer(Scheduler timer) {
    DurableSpec copy = new DurableSpec(this);
    copy.timer = Timers.require("timer", timer);
    return copy;
  }

  // == for the engine ==

  List<SagaDefinition<?, ?>> definitions() {
    return definitions;
  }

  Duration lease() {
    return lease;
  }

  Duration journalWithin() {
    return journalWithin;
  }

  Duration replayWithin() {
    return replayWithin;
  }

  int maxTakeovers() {
    return maxTakeovers;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }

  Scheduler leaseTimer() {
    return timer == null ? LEASES : timer;
  }

  /** Now, in nanoseconds of a clock that nobody sets. */
  long nanos() {
    return timer == null ? System.nanoTime() : timer.now(TimeUnit.NANOSECONDS);
  }
}
