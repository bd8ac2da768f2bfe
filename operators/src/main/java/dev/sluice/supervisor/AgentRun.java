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

import dev.sluice.store.StoreFailed;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Run;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** A step that an agent has claimed: its lease, its time, and what is said about its end. */
final class AgentRun {

  /*
   * Threads: heartbeats one after the other, on the timer and on the store's thread, and by the same
   * timer the end of the time; whoever is first of these, the work and the stop ends the run, and
   * the others are cancelled.
   * since, pause and note are written between heartbeats, note also by the work.
   *
   * I1 what is said to the store about the end is said once, by the one that was first
   * I2 the work is cancelled before its lease can be another's, unless the process stands still; then
   *    the store refuses what is said
   */

  private final TaskStore store;
  private final Run run;
  private final AgentSpec spec;
  private final long claimed;
  private final AtomicReference<@Nullable String> note = new AtomicReference<>();
  private volatile long since;
  private volatile long pause;

  /**
   * @param asked when the claim was asked for, in nanoseconds
   */
  AgentRun(TaskStore store, Run run, AgentSpec spec, long asked) {
    this.store = store;
    this.run = run;
    this.spec = spec;
    this.claimed = asked;
    this.since = asked;
    this.pause = spec.lease().toNanos() / 3;
  }

  Run run() {
    return run;
  }

  void progress(String text) {
    note.set(text);
  }

  /** By our clock, and a little less than there is. */
  Duration left() {
    Duration passed = Duration.ofNanos(Math.max(0, spec.nanos() - claimed));
    Duration left = run.left().minus(passed);
    return left.isNegative() ? Duration.ZERO : left;
  }

  /**
   * Runs the work until somebody ends it.
   *
   * @param stop completes when the agent is to stop
   */
  Mono<Ending> until(Mono<Void> stop, Mono<Ending> work) {
    return Mono.firstWithSignal(
        stop.then(Mono.<Ending>just(new Ending.GivenBack())), beats(), work);
  }

  // == the lease and the time ==

  /** Emits when the work must end because of its lease, or of its time. */
  private Mono<Ending> beats() {
    return Mono.defer(
            () -> Mono.delay(Duration.ofNanos(Math.min(pause, left().toNanos())), spec.timer()))
        .flatMap(time -> left().isZero() ? Mono.just(overdue()) : beat())
        .repeatWhenEmpty(beaten -> beaten);
  }

  private Ending overdue() {
    return new Ending.Failed("not complete within " + run.left(), false);
  }

  private Mono<Ending> beat() {
    long asked = spec.nanos();
    long certain = certainFor(asked);
    if (certain <= 0) {
      return Mono.just(new Ending.Lost());
    }
    String text = note.getAndSet(null);
    return store
        .renew(run, text, spec.lease())
        .timeout(Duration.ofNanos(Math.min(certain, left().toNanos())), spec.timer())
        .flatMap(
            renewal ->
                switch (renewal) {
                  case HELD -> held(asked);
                  case UNWANTED -> Mono.<Ending>just(new Ending.GivenBack());
                  case LOST -> Mono.<Ending>just(new Ending.Lost());
                })
        .onErrorResume(
            error -> {
              note.compareAndSet(null, text);
              pause = Math.min(spec.lease().toNanos() / 12, Math.max(1, certainFor(spec.nanos())));
              return Mono.empty();
            });
  }

  private Mono<Ending> held(long asked) {
    since = asked;
    pause = spec.lease().toNanos() / 3;
    return Mono.empty();
  }

  /** How long the lease is certain, although somebody may have stopped our clock for a while. */
  private long certainFor(long now) {
    return since + spec.lease().toNanos() / 3 * 2 - now;
  }

  // == the end ==

  /** Says what has come of it, again and again for as long as it counts; emits whether it did. */
  Mono<Boolean> report(Ending ending) {
    Mono<Boolean> said =
        Mono.defer(
            () -> {
              if (ending instanceof Ending.Done done) {
                return store.done(run, done.output());
              }
              if (ending instanceof Ending.Failed failed) {
                return store.failed(run, failed.why(), failed.forGood());
              }
              return store.release(run);
            });
    return said.retryWhen(
        Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(20))
            .maxBackoff(Duration.ofSeconds(1))
            .scheduler(spec.timer())
            .filter(
                error ->
                    error instanceof StoreFailed failed
                        && failed.isTemporary()
                        && certainFor(spec.nanos()) > 0)
            .onRetryExhaustedThrow((retries, signal) -> signal.failure()));
  }
}
