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

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.api.Notification;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.api.PostgresqlResult;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Tells the consumers of other processes that there may be something for them. Nothing depends on
 * it: a hint that is lost is made good by polling. It listens on one connection for all channels,
 * from the first consumer on.
 */
final class Wakeups {

  private static final Logger log = LoggerFactory.getLogger(Wakeups.class);

  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private static final String NOTIFY = "select pg_notify('sluice', $1)";

  private final PostgresqlConnectionFactory connections;
  private final Db db;
  private final String schema;
  private final Map<String, Set<Runnable>> sleepers = new ConcurrentHashMap<>();
  private final Disposable.Swap listening = Disposables.swap();
  private final AtomicBoolean begun = new AtomicBoolean();

  Wakeups(PostgresqlConnectionFactory connections, Db db, String schema) {
    this.connections = connections;
    this.db = db;
    this.schema = schema;
  }

  /** Calls {@code wake} when something may have come to the queue, until it is disposed. */
  Disposable onHint(String queue, Runnable wake) {
    String topic = topic(queue);
    sleepers.compute(
        topic,
        (t, all) -> {
          Set<Runnable> some = all == null ? ConcurrentHashMap.newKeySet() : all;
          some.add(wake);
          return some;
        });
    if (begun.compareAndSet(false, true)) {
      listening.update(listen().subscribe());
    }
    return Disposables.composite(() -> forget(topic, wake));
  }

  private void forget(String topic, Runnable wake) {
    sleepers.computeIfPresent(
        topic,
        (t, all) -> {
          all.remove(wake);
          return all.isEmpty() ? null : all;
        });
  }

  /** Gives a hint to whoever listens. */
  Mono<Void> hint(String queue) {
    return db.run(
            "notify",
            connection -> Db.count(connection.createStatement(NOTIFY).bind("$1", topic(queue))))
        .then();
  }

  void close() {
    listening.dispose();
  }

  private String topic(String queue) {
    return schema + '/' + queue;
  }

  private Flux<String> listen() {
    return Flux.usingWhen(connections.create(), this::notifications, PostgresqlConnection::close)
        .concatWith(Mono.error(() -> new IllegalStateException("the connection has ended")))
        .retryWhen(
            Retry.backoff(Long.MAX_VALUE, PAUSE)
                .maxBackoff(LONGEST_PAUSE)
                .transientErrors(true)
                .doBeforeRetry(signal -> log.debug("listening for hints again", signal.failure())))
        .doOnDiscard(PostgresqlConnection.class, late -> late.close().subscribe());
  }

  /** Emits once, when it listens; whoever was asleep may have missed a hint until then. */
  private Flux<String> notifications(PostgresqlConnection connection) {
    return connection
        .createStatement("listen sluice")
        .execute()
        .concatMap(PostgresqlResult::getRowsUpdated)
        .then(
            Mono.fromSupplier(
                () -> {
                  sleepers.values().forEach(all -> all.forEach(Runnable::run));
                  return "listening";
                }))
        .concatWith(connection.getNotifications().doOnNext(this::wake).then(Mono.empty()));
  }

  private void wake(Notification hint) {
    String topic = Objects.requireNonNullElse(hint.getParameter(), "");
    sleepers.getOrDefault(topic, Set.of()).forEach(Runnable::run);
  }
}
