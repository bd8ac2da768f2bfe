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
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Entry;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaLog.Stats;
import dev.sluice.store.SagaLog.Summary;
import dev.sluice.store.SagaState;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What people can see of durable sagas, and do about those that are parked.
 *
 * <p>What is done by hand is in the journal too. An operation begins when it is subscribed to, anew
 * for each subscription. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says; those that change something, nothing
 *   <dt>Backpressure
 *   <dd>what is found is read as a whole and bounded
 *   <dt>Completes/Errors
 *   <dd>completes when the journal has it for good. Fails with {@link dev.sluice.store.StoreFailed}
 *       when the journal could not be asked; whether something was changed is then unknown, and the
 *       {@link #timeline} tells. Those that change something fail with an {@link
 *       IllegalStateException} if the saga is not as they expect it, and then nothing was changed
 *   <dt>Cancel
 *   <dd>ends the waiting; a change that was sent to the journal is made all the same
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on those of the journal
 * </dl>
 */
@Experimental
public final class SagaAdmin {

  private final SagaLog log;

  SagaAdmin(SagaLog log) {
    this.log = log;
  }

  /** Sagas, in the order of their keys; {@link Query#after} turns the page. */
  public Flux<Summary> list(Query query) {
    return log.query(query);
  }

  /** What has happened in a saga, in order; empty if there is none. */
  public Flux<Entry> timeline(SagaKey key) {
    return log.read(key);
  }

  /** How the sagas are doing, as a health check asks. */
  public Mono<Stats> stats() {
    return log.stats();
  }

  /**
   * Lets a parked saga go on: backward, with the compensation that has failed; or forward, with the
   * step that has failed behind the pivot; or by comparing it with the definition once more. Who
   * recovers sagas does it, or who runs it.
   *
   * @param why for the journal: who, and what was repaired
   */
  public Mono<Void> resume(SagaKey key, String why) {
    Objects.requireNonNull(why, "why");
    return change(key, SagaState.PARKED, parked -> List.of(SagaEvent.of(Kind.RESUMED, why, null)));
  }

  /**
   * Lets a parked saga go on as if the compensation that has failed had succeeded: somebody has
   * undone the step by hand.
   *
   * @param step the one that is stuck, so that nobody skips another one by mistake: its name, and
   *     behind a slash its key if it has one
   * @param why for the journal: who, and what was done instead
   */
  public Mono<Void> skipCompensation(SagaKey key, String step, String why) {
    Objects.requireNonNull(step, "step");
    Objects.requireNonNull(why, "why");
    return change(
        key,
        SagaState.PARKED,
        parked -> {
          String stuck = SagaEngine.stuck(parked);
          if (!step.equals(stuck)) {
            throw new IllegalStateException(
                "saga "
                    + key
                    + ": stuck in the compensation of: "
                    + (stuck.isEmpty() ? "none" : stuck)
                    + " (expected: "
                    + step
                    + ")");
          }
          return List.of(
              new SagaEvent(Kind.SKIPPED, parked.step(), parked.key(), why, null),
              SagaEvent.of(Kind.RESUMED, why, null));
        });
  }

  /**
   * Gives a saga up: it ends where it is, and whoever runs it stops before its next step. What
   * stands is somebody's to look after.
   *
   * @param why for the journal: who, and why
   */
  public Mono<Void> abandon(SagaKey key, String why) {
    Objects.requireNonNull(why, "why");
    return change(key, null, last -> List.of(SagaEvent.of(Kind.ABANDONED, why, null)));
  }

  /**
   * Forgets sagas that have ended for good: completed, compensated, abandoned. One of the same id
   * would be a new one.
   *
   * @param minAge for at least so long
   * @param limit how many at most, 1 to {@value SagaLog#MAX_LIMIT}
   * @return how many; ask again if that is as many as it could be
   */
  public Mono<Integer> purge(Duration minAge, int limit) {
    return log.purge(minAge, limit);
  }

  private Mono<Void> change(
      SagaKey key, @Nullable SagaState expected, Function<SagaEvent, List<SagaEvent>> events) {
    Objects.requireNonNull(key, "key");
    return log.read(key)
        .collectList()
        .flatMap(
            entries -> {
              SagaEvent last = null;
              for (Entry entry : entries) {
                last = entry.event().kind().state() == null ? last : entry.event();
              }
              SagaState now = last == null ? SagaState.RUNNING : last.kind().state();
              if (entries.isEmpty()
                  || now == null
                  || now.isFinal()
                  || (expected != null && now != expected)) {
                return Mono.error(
                    new IllegalStateException(
                        "saga "
                            + key
                            + ": "
                            + (entries.isEmpty() ? "none" : now)
                            + " (expected: "
                            + (expected == null ? "RUNNING or PARKED" : expected)
                            + ")"));
              }
              SagaEvent about = last == null ? entries.get(0).event() : last;
              return log.amend(key, entries.size() - 1L, events.apply(about));
            })
        .flatMap(
            done ->
                done
                    ? Mono.<Void>empty()
                    : Mono.error(
                        new IllegalStateException(
                            "saga " + key + ": changed meanwhile (expected: nobody else at it)")));
  }
}
