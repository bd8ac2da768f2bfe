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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import dev.sluice.store.Remedy;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Stats;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Looks for steps in trouble, those that have failed, whose agents are not heard of any more, or
 * that are overdue, and applies the {@link Remedy} that comes next: the step is tried again, on the
 * same channel or on another one, or its task is undone, or somebody has to look at it ({@link
 * TaskAdmin}).
 *
 * <p>Any number may look after one store. Each step in trouble is taken by one of them, and by
 * another if that one has died; one that was away for longer than its lease does nothing to a step
 * that another has treated. A step that an agent has under a lease is left alone, whatever happens.
 */
@Experimental
public final class Supervisor implements Metered, Watched {

  private static final Logger log = LoggerFactory.getLogger(Supervisor.class);

  private static final int BATCH = 256;
  private static final int AT_ONCE = 16;

  private final TaskStore store;
  private final SupervisorSpec spec;
  private final Rounds rounds;
  private final LongAdder again = new LongAdder();
  private final LongAdder undone = new LongAdder();
  private final LongAdder escalated = new LongAdder();
  private final LongAdder stale = new LongAdder();
  private volatile @Nullable Stats stats;

  private Supervisor(TaskStore store, SupervisorSpec spec, LongUnaryOperator pause) {
    this.store = Objects.requireNonNull(store, "store");
    this.spec = spec;
    this.rounds = new Rounds(spec.pollInterval(), pause, spec.timer(), log, this::round);
  }

  /**
   * Begins to look after a store, with the default options.
   *
   * @see #start(TaskStore, UnaryOperator)
   */
  public static Supervisor start(TaskStore store) {
    return start(store, s -> s);
  }

  /**
   * Begins to look after a store.
   *
   * @param spec the options, from defaults: it looks every 10 s
   * @throws IllegalArgumentException if an option is out of range
   */
  public static Supervisor start(TaskStore store, UnaryOperator<SupervisorSpec> spec) {
    return start(store, spec, Rounds::jittered);
  }

  /** With pauses that a diagram can foresee. */
  static Supervisor start(
      TaskStore store, UnaryOperator<SupervisorSpec> spec, LongUnaryOperator pause) {
    Supervisor supervisor = new Supervisor(store, spec.apply(SupervisorSpec.DEFAULT), pause);
    supervisor.rounds.start();
    return supervisor;
  }

  private Mono<Boolean> round() {
    return count()
        .then(forget())
        .then(
            store
                .trouble(BATCH, spec.lease())
                .flatMap(this::treat, AT_ONCE)
                .count()
                .map(many -> many == BATCH));
  }

  private Mono<Void> count() {
    return store
        .stats()
        .doOnNext(s -> stats = s)
        .doOnError(error -> stats = null)
        .onErrorComplete()
        .then();
  }

  private Mono<Void> forget() {
    Duration retention = spec.retention();
    return retention == null
        ? Mono.empty()
        : store
            .purge(retention, TaskStore.MAX_LIMIT)
            .doOnError(error -> log.warn("tasks are not forgotten, for now: {}", error.toString()))
            .onErrorComplete()
            .then();
  }

  /** One that cannot be treated now is found again when its lease is over. */
  private Mono<Trouble> treat(Trouble trouble) {
    Treatment treatment = Remedies.next(trouble);
    String why = why(trouble);
    return store
        .treat(trouble.key(), trouble.version(), treatment, why)
        .doOnNext(
            treated -> {
              if (treated) {
                treated(trouble, treatment, why);
              } else {
                stale.increment();
              }
            })
        .doOnError(
            error ->
                log.warn("step {} is not treated, for now: {}", trouble.key(), error.toString()))
        .onErrorComplete()
        .thenReturn(trouble);
  }

  private static String why(Trouble trouble) {
    return switch (trouble.cause()) {
      case FAILED -> trouble.note();
      case EXPIRED -> "its agent was not heard of any more";
      case OVERDUE -> "it was not complete in time";
    };
  }

  private void treated(Trouble trouble, Treatment treatment, String why) {
    if (treatment instanceof Treatment.Escalate) {
      escalated.increment();
      log.error(
          "step {} of {} waits for somebody to look at it: {}", trouble.key(), trouble.kind(), why);
    } else {
      (treatment instanceof Treatment.Undo ? undone : again).increment();
      log.info("step {} of {}: {}, {}", trouble.key(), trouble.kind(), treatment, why);
    }
    try {
      spec.listener().treated(trouble, treatment);
    } catch (RuntimeException e) {
      log.warn("the listener of a supervisor has failed", e);
    }
  }

  /**
   * Looks no more from now on.
   *
   * @return completes when the last round is over
   */
  public Mono<Void> stop() {
    return rounds.stop();
  }

  /**
   * What the last round has seen of all tasks, {@code sluice.task.running}, {@code .undoing},
   * {@code .escalated}, {@code .troubled} and {@code .overdue}, NaN while the store cannot be
   * asked; and what this supervisor has done: {@code sluice.task.treated} by {@code treatment}, and
   * {@code sluice.task.stale}, treatments that came too late.
   */
  @Override
  public void meters(Meters meters) {
    meters.gauge(
        "sluice.task.running", "tasks", "Tasks that go forward", () -> seen(Stats::running));
    meters.gauge("sluice.task.undoing", "tasks", "Tasks being undone", () -> seen(Stats::undoing));
    meters.gauge(
        "sluice.task.escalated",
        "steps",
        "Steps that wait until somebody has looked at them",
        () -> seen(Stats::escalated));
    meters.gauge(
        "sluice.task.troubled",
        "steps",
        "Steps that wait for a supervisor",
        () -> seen(Stats::troubled));
    meters.gauge(
        "sluice.task.overdue",
        "seconds",
        "How long a step has waited for a supervisor",
        () -> seen(s -> s.overdue().toMillis() / 1e3));
    treatments(meters, "again", again);
    treatments(meters, "undo", undone);
    treatments(meters, "escalate", escalated);
    meters.counter("sluice.task.stale", "steps", "Treatments that came too late", stale::sum);
  }

  private static void treatments(Meters meters, String treatment, LongAdder many) {
    meters
        .with("treatment", treatment)
        .counter("sluice.task.treated", "steps", "What was done about steps in trouble", many::sum);
  }

  /** How many steps the last round has seen that wait for somebody. */
  @Override
  public @Nullable String warning() {
    Stats s = stats;
    return s == null || s.escalated() == 0 ? null : s.escalated() + " steps of tasks are escalated";
  }

  private double seen(ToDoubleFunction<Stats> what) {
    Stats s = stats;
    return s == null ? Double.NaN : what.applyAsDouble(s);
  }
}
