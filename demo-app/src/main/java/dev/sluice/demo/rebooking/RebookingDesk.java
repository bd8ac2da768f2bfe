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
package dev.sluice.demo.rebooking;

import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.problem.Problem;
import dev.sluice.saga.SagaAdmin;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaRecovery;
import dev.sluice.saga.Sagas;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaLog.Stats;
import dev.sluice.store.SagaState;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Rebooks trips. What was begun is ended, here or by whoever recovers it from the journal, also
 * when nobody waits for it any more; what could neither be done nor undone is parked, until
 * somebody decides.
 */
final class RebookingDesk implements SmartLifecycle {

  /** Rebookings that may run here at once. */
  static final int MAX_RUNNING = 1_000;

  private static final Duration LEASE = Duration.ofSeconds(5);
  private static final Duration RECOVER_EVERY = Duration.ofSeconds(2);
  private static final Duration REMEMBERED = Duration.ofDays(7);
  private static final Duration JOURNAL_WITHIN = Duration.ofSeconds(10);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(10);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);
  private static final int READ_AT_ONCE = 4;

  private static final Logger log = LoggerFactory.getLogger(RebookingDesk.class);

  private final SagaDefinition<Trip, Trip> definition;
  private final Sagas sagas;
  private final SagaAdmin admin;
  private final Clock clock;

  /** Those that run here, and whom it concerns that the journal has them. */
  private final Map<String, Sinks.Empty<Void>> running = new ConcurrentHashMap<>();

  private volatile @Nullable SagaRecovery recovery;

  RebookingDesk(SagaLog journal, Partners partners, Clock clock) {
    this.definition = RebookingSaga.of(partners, this::begun);
    this.sagas =
        Sagas.over(
            journal,
            JacksonCodec::json,
            d -> d.definition(definition).lease(LEASE).journalWithin(JOURNAL_WITHIN));
    this.admin = sagas.admin();
    this.clock = clock;
  }

  private void begun(String id) {
    Sinks.Empty<Void> begun = running.get(id);
    if (begun != null) {
      begun.tryEmitEmpty();
    }
  }

  /**
   * Begins to rebook a trip.
   *
   * @return the id, when the journal has it; fails with a {@link Problem} if it cannot be begun
   */
  Mono<String> begin(Trip trip) {
    return Mono.defer(
        () -> {
          if (recovery == null || running.size() >= MAX_RUNNING) {
            return Mono.error(unavailable("there is too much to do, nothing was begun", null));
          }
          String id = RebookingId.at(clock.instant());
          Sinks.Empty<Void> begun = Sinks.empty();
          running.put(id, begun);
          sagas
              .run(definition, id, trip)
              .doFinally(end -> running.remove(id))
              .subscribe(
                  result -> begun.tryEmitEmpty(),
                  failure -> {
                    log.warn("rebooking {} is left to recovery: {}", id, failure.toString());
                    begun.tryEmitError(failure);
                  });
          return begun
              .asMono()
              .onErrorMap(
                  failure ->
                      unavailable(
                          "the journal did not answer; whether it was begun is not known, id "
                              + id
                              + " tells later",
                          failure))
              .thenReturn(id);
        });
  }

  /**
   * Rebookings, the newest first.
   *
   * @param state those in this state, or null for all
   * @param limit how many at most
   */
  Mono<List<SagaView>> newest(@Nullable SagaState state, int limit) {
    return admin
        .list(new Query(RebookingSaga.NAME, state, null, limit))
        .flatMapSequential(summary -> read(summary.key()), READ_AT_ONCE)
        .collectList()
        .onErrorMap(RebookingDesk::isJournal, RebookingDesk::away);
  }

  /** How many run and how many are parked. */
  Mono<Stats> stats() {
    return admin.stats().onErrorMap(RebookingDesk::isJournal, RebookingDesk::away);
  }

  /** A rebooking; fails with a {@link Problem} if there is none. */
  Mono<SagaView> find(String id) {
    if (!RebookingId.isOne(id)) {
      return Mono.error(unknown());
    }
    return read(key(id))
        .switchIfEmpty(Mono.error(RebookingDesk::unknown))
        .onErrorMap(RebookingDesk::isJournal, RebookingDesk::away);
  }

  private Mono<SagaView> read(SagaKey key) {
    return admin
        .timeline(key)
        .collectList()
        .filter(journal -> !journal.isEmpty())
        .map(journal -> SagaView.of(key.id(), journal));
  }

  /** Lets a parked one try again. */
  Mono<SagaView> resume(String id, String why) {
    return decide(id, key -> admin.resume(key, why));
  }

  /** Lets a parked one go on as if the step that is stuck were undone: somebody has done it. */
  Mono<SagaView> skip(String id, String step, String why) {
    return decide(id, key -> admin.skipCompensation(key, step, why));
  }

  /** Gives one up, as it stands. */
  Mono<SagaView> abandon(String id, String why) {
    return decide(id, key -> admin.abandon(key, why));
  }

  private Mono<SagaView> decide(String id, Function<SagaKey, Mono<Void>> decision) {
    return find(id)
        .flatMap(
            there ->
                decision
                    .apply(key(id))
                    .onErrorMap(IllegalStateException.class, RebookingDesk::contradicted)
                    .onErrorMap(RebookingDesk::isJournal, RebookingDesk::away))
        .then(find(id));
  }

  private static SagaKey key(String id) {
    return new SagaKey(RebookingSaga.NAME, id);
  }

  private static Problem unknown() {
    return Problem.notFound("there is no rebooking with this id");
  }

  private static Problem contradicted(IllegalStateException e) {
    return Problem.conflict(String.valueOf(e.getMessage()));
  }

  private static boolean isJournal(Throwable failure) {
    return failure instanceof StoreFailed || failure instanceof TimeoutException;
  }

  private static Problem away(Throwable failure) {
    return unavailable("the journal does not answer", failure);
  }

  private static Problem unavailable(String detail, @Nullable Throwable cause) {
    return Problem.unavailable(detail, RETRY_AFTER, cause);
  }

  // == lifecycle ==

  /** Goes on with what others have left. */
  @Override
  public void start() {
    recovery = sagas.recover(r -> r.pollInterval(RECOVER_EVERY).retention(REMEMBERED));
  }

  /** Begins nothing more, and lets what runs here end; what does not in time, others recover. */
  @Override
  public void stop() {
    SagaRecovery recovering = recovery;
    if (recovering == null) {
      return;
    }
    recovery = null;
    Mono.when(recovering.stop(), idle())
        .timeout(STOP_WITHIN)
        .onErrorResume(
            TimeoutException.class,
            late -> {
              log.warn("{} rebookings are left to recovery", running.size());
              return Mono.empty();
            })
        .block();
  }

  private Mono<Void> idle() {
    return Flux.interval(Duration.ZERO, Duration.ofMillis(50))
        .onBackpressureDrop()
        .filter(tick -> running.isEmpty())
        .next()
        .then();
  }

  @Override
  public boolean isRunning() {
    return recovery != null;
  }

  /** After baggage control itself; before pictures are taken and the web server takes requests. */
  @Override
  public int getPhase() {
    return 300;
  }
}
