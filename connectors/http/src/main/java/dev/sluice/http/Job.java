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
package dev.sluice.http;

import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.Run;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/**
 * The work on one operation under its lease: the work itself, or what interrupts it, whichever is
 * first; then the end of it is recorded.
 */
final class Job {

  /*
   * Threads: one beat after the other, on the lease timer; the work wherever it is; interrupt() on
   * any.
   *
   * renewed  when the lease was last renewed, in nanoseconds of the timer; only the beats touch it.
   *          A renewal is tried from a quarter of the lease on, with each beat, and takes an eighth
   *          at most. What has failed for three quarters is given up, before the lease ends
   */

  /** What becomes of a job. */
  enum Outcome {
    SUCCEEDED,
    FAILED,
    CANCELLED,
    /** Somebody else has it, or may have it. */
    LOST,
    GIVEN_BACK
  }

  /** What ends the work before its time. */
  enum Interruption {
    CANCELLED,
    LOST,
    STOPPED
  }

  private static final Logger log = LoggerFactory.getLogger(Job.class);
  private static final Duration PROGRESS = Duration.ofMillis(500);
  private static final Duration FIRST_RETRY = Duration.ofMillis(50);

  private final OperationRun run;
  private final OperationStore store;
  private final OperationsSpec spec;
  private final Function<? super OperationRun, ? extends Mono<OperationResult>> work;
  private final Locations locations;
  private final Runnable changed;
  private final Scheduler timer;
  private final Scheduler leases;
  private final Duration beat;
  private final Sinks.One<Interruption> interruption = Sinks.one();
  private long renewed;

  /**
   * @param changed is called when what can be seen of the operation is different
   */
  Job(
      Run run,
      OperationStore store,
      OperationsSpec spec,
      Function<? super OperationRun, ? extends Mono<OperationResult>> work,
      Locations locations,
      Runnable changed,
      Scheduler timer,
      Scheduler leases) {
    this.run = new OperationRun(run);
    this.store = store;
    this.spec = spec;
    this.work = work;
    this.locations = locations;
    this.changed = changed;
    this.timer = timer;
    this.leases = leases;
    Duration quarter = spec.lease.dividedBy(4);
    this.beat = quarter.compareTo(PROGRESS) < 0 ? quarter : PROGRESS;
    this.renewed = leases.now(TimeUnit.NANOSECONDS);
  }

  String id() {
    return run.id();
  }

  void interrupt(Interruption why) {
    Sinks.EmitResult first = interruption.tryEmitValue(why);
    log.debug("{}: {} {}", run, why, first); // a later one does not count
  }

  /** Does the work, once; its end is recorded when this emits. */
  Mono<Outcome> perform() {
    return Mono.firstWithSignal(interrupted(), ending())
        .flatMap(
            end -> {
              if (end instanceof Ending ending) {
                return finish(ending);
              }
              return switch ((Interruption) end) {
                case CANCELLED -> finish(new Ending.Cancelled());
                case LOST -> Mono.just(Outcome.LOST);
                case STOPPED -> recorded(store.release(run.run()), Outcome.GIVEN_BACK);
              };
            });
  }

  // == the work ==

  private Mono<Object> ending() {
    if (run.run().cancelRequested()) {
      return Mono.just(new Ending.Cancelled());
    }
    if (run.attempt() > spec.maxAttempts) {
      return Mono.just(
          Problem.of(500, "attempts-exhausted", "The work has been begun too often").failure());
    }
    return Mono.<OperationResult>defer(() -> work.apply(run))
        .defaultIfEmpty(OperationResult.nothing())
        .map(result -> (Object) locations.checked(result.ending()))
        .timeout(spec.timeout, timer)
        .onErrorResume(error -> Mono.just(failure(error)));
  }

  private Ending failure(Throwable error) {
    Problem problem;
    try {
      problem = spec.failures.apply(error);
    } catch (RuntimeException e) {
      error.addSuppressed(e);
      problem = Problem.of(500, "failed", "The work has failed");
    }
    if (problem.status() >= 500) {
      log.warn("{}: failed, and its caller is told {}", run, problem.code(), error);
    }
    return problem.failure();
  }

  // == the lease ==

  private Mono<Object> interrupted() {
    Mono<Interruption> beats =
        Mono.delay(beat, leases).then(Mono.defer(this::beat)).repeat().next();
    return Mono.firstWithSignal(interruption.asMono(), beats).cast(Object.class);
  }

  /** Empty as long as the operation is ours. */
  private Mono<Interruption> beat() {
    long now = leases.now(TimeUnit.NANOSECONDS);
    long quarter = spec.lease.toNanos() / 4;
    Progress progress = run.takeProgress();
    if (progress == null && now - renewed < quarter) {
      return Mono.empty();
    }
    return store
        .renew(run.run(), progress, spec.lease)
        .timeout(spec.lease.dividedBy(8), leases)
        .flatMap(
            renewal -> {
              renewed = now;
              if (progress != null) {
                changed.run();
              }
              return switch (renewal) {
                case HELD -> Mono.<Interruption>empty();
                case CANCEL_REQUESTED -> Mono.just(Interruption.CANCELLED);
                case LOST -> Mono.just(Interruption.LOST);
              };
            })
        .onErrorResume(
            error -> {
              if (progress != null) {
                run.giveBack(progress);
              }
              return now - renewed < 3 * quarter ? Mono.empty() : Mono.just(Interruption.LOST);
            });
  }

  // == the end ==

  private Mono<Outcome> finish(Ending ending) {
    Outcome outcome =
        ending instanceof Ending.Failure
            ? Outcome.FAILED
            : ending instanceof Ending.Cancelled ? Outcome.CANCELLED : Outcome.SUCCEEDED;
    return recorded(store.finish(run.run(), ending), outcome).doOnNext(recorded -> changed.run());
  }

  /** Tries for as long as nobody else can have it for certain. */
  private Mono<Outcome> recorded(Mono<Boolean> record, Outcome outcome) {
    return record
        .retryWhen(
            Retry.backoff(Long.MAX_VALUE, FIRST_RETRY)
                .maxBackoff(Duration.ofSeconds(1))
                .scheduler(timer)
                .filter(error -> error instanceof StoreFailed failed && failed.isTemporary()))
        .timeout(spec.lease, timer)
        .map(ours -> ours ? outcome : Outcome.LOST);
  }
}
