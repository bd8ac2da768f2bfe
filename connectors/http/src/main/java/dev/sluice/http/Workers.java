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

import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.Run;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Takes operations from the store, as many as there is room for, and has each worked on. */
final class Workers {

  /*
   * Threads: one round at a time claims; jobs end wherever their work does.
   *
   * jobs  only a round adds one, so there are never more than there is room for.
   *       A claim that comes back late, when its lease has ended, is a job all the same: the store
   *       tells it that it is lost
   */

  private static final Logger log = LoggerFactory.getLogger(Workers.class);

  private static final Duration LOOK = Duration.ofMillis(20);

  private final String kind;
  private final OperationStore store;
  private final OperationsSpec spec;
  private final Function<Run, Job> start;
  private final RetryAfter retryAfter;
  private final Scheduler timer;
  private final Rounds rounds;
  private final Set<Job> jobs = ConcurrentHashMap.newKeySet();
  private volatile boolean started;
  private volatile boolean stopping;

  final LongAdder succeeded = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder cancelled = new LongAdder();
  final LongAdder lost = new LongAdder();

  Workers(
      String kind,
      OperationStore store,
      OperationsSpec spec,
      Function<Run, Job> start,
      RetryAfter retryAfter,
      Scheduler timer) {
    this.kind = kind;
    this.store = store;
    this.spec = spec;
    this.start = start;
    this.retryAfter = retryAfter;
    this.timer = timer;
    this.rounds = new Rounds("claiming operations of " + kind, this::round, timer);
  }

  int running() {
    return jobs.size();
  }

  void start() {
    started = true;
    rounds.soon();
  }

  /** There may be something to do, for an instance that works. */
  void soon() {
    if (started) {
      rounds.soon();
    }
  }

  private Mono<Duration> round() {
    int room = stopping ? 0 : spec.concurrency - jobs.size();
    if (room <= 0) {
      return Mono.just(spec.pollInterval);
    }
    return store
        .claim(kind, room, spec.lease)
        .doOnNext(this::begin)
        .count()
        .map(claimed -> claimed == room ? spec.pollInterval : Rounds.jittered(spec.pollInterval));
  }

  private void begin(Run run) {
    Job job = start.apply(run);
    jobs.add(job);
    if (stopping) {
      job.interrupt(Job.Interruption.STOPPED);
    }
    long begun = timer.now(TimeUnit.NANOSECONDS);
    job.perform()
        .doFinally(
            signal -> {
              jobs.remove(job);
              rounds.soon(); // there is room again
            })
        .subscribe(
            outcome -> count(outcome, begun),
            error ->
                log.warn(
                    "{}: its end was not recorded, and it will be begun again", run.id(), error));
  }

  private void count(Job.Outcome outcome, long begun) {
    switch (outcome) {
      case SUCCEEDED -> {
        retryAfter.took(Duration.ofNanos(timer.now(TimeUnit.NANOSECONDS) - begun));
        succeeded.increment();
      }
      case FAILED -> failed.increment();
      case CANCELLED -> cancelled.increment();
      case LOST -> lost.increment();
      case GIVEN_BACK -> {}
    }
  }

  /** It is to be cancelled; if it runs here, at once. */
  void cancel(String id) {
    for (Job job : jobs) {
      if (job.id().equals(id)) {
        job.interrupt(Job.Interruption.CANCELLED);
      }
    }
  }

  /** Takes nothing more, lets what runs end within the time, and gives the rest back. */
  Mono<Void> stop(Duration grace) {
    return Mono.defer(
        () -> {
          stopping = true;
          return idle()
              .timeout(grace, Mono.defer(this::giveBack), timer)
              .doFinally(signal -> rounds.stop());
        });
  }

  private Mono<Void> giveBack() {
    jobs.forEach(job -> job.interrupt(Job.Interruption.STOPPED));
    return idle().timeout(spec.lease, Mono.empty(), timer);
  }

  private Mono<Void> idle() {
    return Mono.defer(
        () ->
            jobs.isEmpty()
                ? Mono.empty()
                : Mono.delay(LOOK, timer).repeat(() -> !jobs.isEmpty()).then());
  }
}
