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

import dev.sluice.store.StoreFailed;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.PoolMetrics;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.R2dbcBadGrammarException;
import io.r2dbc.spi.R2dbcDataIntegrityViolationException;
import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.R2dbcNonTransientResourceException;
import io.r2dbc.spi.R2dbcPermissionDeniedException;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Result;
import io.r2dbc.spi.Statement;
import io.r2dbc.spi.Wrapped;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/**
 * The only way to the database. What is begun here is finished, whether its caller waits or not: a
 * statement that is cancelled half-way can block its connection for good, and a transaction that is
 * cancelled may commit or not. So every use of a connection runs detached from its caller, under a
 * time limit of its own, and a connection whose use was interrupted by it is closed, never
 * returned.
 */
final class Db {

  private static final int AT_ONCE = 0;

  /** The server's own limit ends a statement first and leaves the connection in order. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  /** Deadlocks and serialization failures: the server has undone everything. */
  private static final Retry UNDONE =
      Retry.backoff(8, Duration.ofMillis(5))
          .maxBackoff(Duration.ofMillis(200))
          .filter(Db::isUndone)
          .onRetryExhaustedThrow((spec, signal) -> signal.failure());

  private final ConnectionPool pool;
  private final Duration patience;
  private final int most;
  private final Duration limit;
  private final Scheduler scheduler;

  /**
   * @param patience how long a connection may be waited for
   * @param scheduler where its answers come
   */
  Db(ConnectionPool pool, Duration patience, Duration statementTimeout, Scheduler scheduler) {
    this.pool = pool;
    this.patience = patience;
    this.most = pool.getMetrics().map(PoolMetrics::getMaxAllocatedSize).orElse(1);
    this.scheduler = scheduler;
    this.limit = statementTimeout.plus(GRACE);
  }

  /**
   * Runs statements on a connection of their own, each its own transaction.
   *
   * @param what names the operation in errors
   * @param work must read its results to their ends, and ends within the time of one statement
   */
  <R> Mono<R> run(String what, Function<Connection, Mono<R>> work) {
    Mono<R> use =
        Mono.usingWhen(
            connection(),
            connection -> work.apply(connection).timeout(limit),
            Db::giveBack,
            (connection, error) ->
                error instanceof R2dbcException ? giveBack(connection) : destroy(connection),
            Db::destroy);
    return detached(use.retryWhen(UNDONE))
        .publishOn(scheduler)
        .onErrorMap(error -> failure(what, error));
  }

  /**
   * One that is alive. When the server has gone, every idle connection of the pool is dead, and
   * each is found out only when it is taken; nothing has been sent on it yet, so the next may be
   * taken, as long as the wait for one may last.
   */
  private Mono<Connection> connection() {
    return Mono.defer(
        () -> {
          long end = System.nanoTime() + patience.toNanos();
          return pool.create()
              .retryWhen(
                  Retry.max(most)
                      .filter(error -> isDead(error) && System.nanoTime() - end < 0)
                      .onRetryExhaustedThrow((spec, signal) -> signal.failure()));
        });
  }

  /** Whether it has connections no more, nor ever will. */
  boolean isClosed() {
    return pool.isDisposed();
  }

  /** It has no class or code of its own; the pool throws the plain one with nothing but this. */
  private static boolean isDead(Throwable error) {
    return error instanceof R2dbcNonTransientResourceException
        && "Connection validation failed".equals(error.getMessage());
  }

  /** Runs statements in one transaction: all of it or nothing. */
  <R> Mono<R> transaction(String what, Function<Connection, Mono<R>> work) {
    return run(
        what,
        connection ->
            Mono.from(connection.beginTransaction())
                .then(work.apply(connection))
                .map(Optional::of)
                .defaultIfEmpty(Optional.empty())
                .flatMap(result -> Mono.from(connection.commitTransaction()).thenReturn(result))
                .onErrorResume(
                    error ->
                        Mono.from(connection.rollbackTransaction())
                            .onErrorComplete()
                            .then(Mono.error(error)))
                .flatMap(Mono::justOrEmpty));
  }

  /** How many rows a statement has changed. */
  static Mono<Long> count(Statement statement) {
    return results(statement.fetchSize(AT_ONCE), Result::getRowsUpdated).reduce(0L, Long::sum);
  }

  /**
   * The rows of a statement that gives at most about a thousand, all at once: that saves a round
   * trip. They cannot be cancelled half-way, because we are detached from who might.
   */
  static <R> Flux<R> few(Statement statement, Function<? super Readable, ? extends R> row) {
    return rows(statement.fetchSize(AT_ONCE), row);
  }

  /** The rows of a statement, read to their end. */
  static <R> Flux<R> rows(Statement statement, Function<? super Readable, ? extends R> row) {
    return results(statement, result -> result.map(row));
  }

  /** The driver reports an error twice: in the result, and when the statement has ended. */
  private static <R> Flux<R> results(
      Statement statement, Function<Result, Publisher<? extends R>> read) {
    return Flux.from(statement.execute())
        .<R>concatMapDelayError(read)
        .onErrorMap(error -> Exceptions.unwrapMultiple(error).get(0));
  }

  private static Mono<Void> giveBack(Connection connection) {
    return Mono.from(connection.close());
  }

  /** The pool sees that it is closed and forgets it. */
  private static Mono<Void> destroy(Connection connection) {
    Publisher<Void> closing =
        connection instanceof Wrapped<?> wrapped && wrapped.unwrap() instanceof Connection raw
            ? raw.close()
            : Mono.empty();
    return Mono.from(closing).onErrorComplete().then(Mono.from(connection.close()));
  }

  /** Runs to its end, whether anybody waits or not. */
  static <R> Mono<R> detached(Mono<R> work) {
    return Mono.deferContextual(
        context -> Mono.fromFuture(() -> work.contextWrite(context).toFuture(), true));
  }

  private static boolean isUndone(Throwable error) {
    return error instanceof R2dbcException e
        && ("40P01".equals(e.getSqlState()) || "40001".equals(e.getSqlState()));
  }

  private Throwable failure(String what, Throwable error) {
    if (error instanceof StoreFailed) {
      return error;
    }
    boolean forGood =
        pool.isDisposed()
            || error instanceof R2dbcBadGrammarException
            || error instanceof R2dbcDataIntegrityViolationException
            || error instanceof R2dbcPermissionDeniedException;
    return forGood
        ? StoreFailed.permanent("PostgreSQL", what, error)
        : StoreFailed.temporary("PostgreSQL", what, error);
  }
}
