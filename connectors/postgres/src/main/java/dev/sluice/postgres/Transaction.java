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

import dev.sluice.delivery.StaleDelivery;
import dev.sluice.postgres.LaneClaim.Lane;
import dev.sluice.postgres.OpenClaim.Open;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * A transaction of the user's that consumes a message. It locks and verifies the claim first, so
 * that until it ends nobody else can have the message; then come the user's statements, and the
 * consumption at last.
 */
final class Transaction {

  private static final String LOCK_OPEN =
      """
      select 1 from {schema}.sl_message where queue = $1 and id = $2 and claim = $3 for update
      """;

  private static final String LOCK_LANE =
      """
      select 1 from {schema}.sl_lane
      where queue = $1 and grp = $2 and claim = $3 and head_seq = $4 for update
      """;

  private final Db users;
  private final String queue;
  private final String lockOpen;
  private final String lockLane;
  private final OpenSettle open;
  private final LaneSettle lanes;

  Transaction(PostgresDatabase database, String queue) {
    this.users = database.users();
    this.queue = queue;
    this.lockOpen = database.sql(LOCK_OPEN);
    this.lockLane = database.sql(LOCK_LANE);
    this.open = new OpenSettle(database, queue);
    this.lanes = new LaneSettle(database, queue);
  }

  /** What the user's work has come to, and whether it was about to be committed. */
  private static final class Course<R> {
    volatile Optional<R> result = Optional.empty();
    volatile boolean committing;
    volatile @Nullable Throwable failure;
  }

  /**
   * Completes when it is committed.
   *
   * @param stillOurs whether the claim is there; asked when the answer to the commit was lost
   */
  <R> Mono<R> run(
      PostgresSettlement settlement,
      Function<? super Connection, ? extends Mono<R>> work,
      Function<Claimed, Mono<Boolean>> stillOurs) {
    return Mono.defer(
        () -> {
          Course<R> course = new Course<>();
          settlement.claimed.pin(true); // who holds the row keeps it, however long it takes
          return users
              .<Boolean>transaction(
                  "transaction of a delivery",
                  connection -> statements(connection, settlement, work, course).thenReturn(true))
              .doFinally(signal -> settlement.claimed.pin(false))
              .then(Mono.defer(() -> Mono.justOrEmpty(course.result)))
              .onErrorResume(error -> failed(settlement, course, error, stillOurs));
        });
  }

  private <R> Mono<Void> statements(
      Connection connection,
      PostgresSettlement settlement,
      Function<? super Connection, ? extends Mono<R>> work,
      Course<R> course) {
    course.committing = false; // after a deadlock everything is done again
    course.failure = null;
    return lock(connection, settlement)
        .then(
            Mono.defer(() -> work.apply(connection))
                .map(Optional::of)
                .defaultIfEmpty(Optional.empty())
                .doOnError(error -> course.failure = error))
        .flatMap(
            result -> {
              course.result = result;
              return consume(connection, settlement);
            })
        .doOnSuccess(consumed -> course.committing = true)
        .then();
  }

  private Mono<Long> lock(Connection connection, PostgresSettlement settlement) {
    Claimed claimed = settlement.claimed;
    Mono<Long> locked =
        claimed instanceof Lane lane
            ? Db.count(
                connection
                    .createStatement(lockLane)
                    .bind("$1", queue)
                    .bind("$2", lane.key)
                    .bind("$3", lane.claim)
                    .bind("$4", settlement.seq))
            : Db.count(
                connection
                    .createStatement(lockOpen)
                    .bind("$1", queue)
                    .bind("$2", settlement.stored.id)
                    .bind("$3", claimed.claim));
    return locked.flatMap(
        rows ->
            rows == 1
                ? Mono.just(rows)
                : Mono.error(new StaleDelivery("the lease of " + settlement + " has ended")));
  }

  private Mono<Boolean> consume(Connection connection, PostgresSettlement settlement) {
    return (settlement.claimed instanceof Lane lane
            ? lanes.move(connection, List.of(LaneSettle.Move.past(lane, settlement.seq)))
            : open.consume(connection, List.of(OpenSettle.Move.consume((Open) settlement.claimed))))
        .filter(claims -> claims.size() == 1)
        .switchIfEmpty(
            Mono.error(() -> new StaleDelivery("the lease of " + settlement + " has ended")))
        .map(claims -> true);
  }

  /** An error of the user's is the user's; whether a lost commit has happened can be read. */
  private static <R> Mono<R> failed(
      PostgresSettlement settlement,
      Course<R> course,
      Throwable error,
      Function<Claimed, Mono<Boolean>> stillOurs) {
    Throwable failure = course.failure;
    if (failure != null) {
      return Mono.error(failure);
    }
    if (error.getCause() instanceof StaleDelivery stale) {
      return Mono.error(stale);
    }
    boolean lost = error instanceof StoreFailed trouble && trouble.isTemporary();
    if (!course.committing || !lost) {
      return Mono.error(error);
    }
    return stillOurs
        .apply(settlement.claimed)
        .retryWhen(
            Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(100))
                .maxBackoff(Duration.ofSeconds(1))
                .filter(e -> settlement.claimed.isCertain()))
        .flatMap(
            ours ->
                ours || !settlement.claimed.isCertain()
                    ? Mono.<R>error(error)
                    : Mono.justOrEmpty(course.result));
  }
}
