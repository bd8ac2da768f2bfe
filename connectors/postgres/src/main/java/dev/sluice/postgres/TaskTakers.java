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

import dev.sluice.store.TaskStore.Dispatch;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.FluxSink.OverflowStrategy;
import reactor.core.scheduler.Schedulers;

/**
 * Who sends steps in this process, and is handed those that this process makes ready. The others of
 * all processes are given a hint of what was not handed to anybody.
 */
final class TaskTakers {

  /*
   * Threads: on any. A change looks for takers before it is made, and hands over when it is
   * durable; a taker that has gone meanwhile gives back what it is handed.
   *
   * A taker with room may be handed more than it has asked for: what is made ready by the changes
   * that looked while it had room. These are as many as the connections of the stores, each of at
   * most one batch; while it holds what they gave it has no room, and the next ones pass it by.
   *
   * held   what takers were handed and have not emitted; raised before it is handed
   */

  private static final String TOPIC = "/tasks";

  /** Of hints; the first is given at once. */
  private static final Duration PERIOD = Duration.ofMillis(5);

  private static final String GIVE_BACK =
      """
      update {schema}.sl_task_step set dispatch_at = clock_timestamp()
      where task = $1 and name = $2 and version = $3 and state = 'READY'
        and dispatch_at > clock_timestamp()
      """;

  private record Taker(String channel, long again, FluxSink<Dispatch> sink) {}

  private final PostgresDatabase database;
  private final String giveBack;
  private final Map<String, List<Taker>> takers = new ConcurrentHashMap<>();
  private final AtomicInteger held = new AtomicInteger();
  private final AtomicBoolean hinting = new AtomicBoolean();
  private volatile long hintedAt = System.nanoTime() - PERIOD.toNanos();

  TaskTakers(PostgresDatabase database) {
    this.database = database;
    this.giveBack = database.sql(GIVE_BACK);
  }

  Flux<Dispatch> readied(String channel, long again) {
    return Flux.<Dispatch>create(
            sink -> {
              Taker taker = new Taker(channel, again, sink);
              List<Taker> all = takers.computeIfAbsent(channel, c -> new CopyOnWriteArrayList<>());
              all.add(taker);
              sink.onDispose(() -> all.remove(taker));
            },
            OverflowStrategy.BUFFER)
        .doOnNext(emitted -> held.decrementAndGet())
        .doOnDiscard(
            Dispatch.class,
            unwanted -> {
              held.decrementAndGet();
              giveBack(unwanted);
            });
  }

  /** How many steps were handed to takers that have not asked for more. */
  int held() {
    return held.get();
  }

  /** Who has room now, one for each channel. */
  Takers now() {
    Takers now = new Takers();
    takers.forEach(
        (channel, all) ->
            all.stream()
                .filter(taker -> taker.sink().requestedFromDownstream() > 0)
                .findFirst()
                .ifPresent(now::add));
    return now;
  }

  /** Takers of a change, to be made ready for, and to be handed what it has made ready. */
  final class Takers {

    private final Map<String, Taker> byChannel = new HashMap<>();

    private void add(Taker taker) {
      byChannel.put(taker.channel(), taker);
    }

    /** The channels, and how long their steps are taken for. */
    Statement bind(Statement statement, String channels, String agains) {
      List<Taker> all = new ArrayList<>(byChannel.values());
      return statement
          .bind(channels, all.stream().map(Taker::channel).toArray(String[]::new))
          .bind(agains, all.stream().map(Taker::again).toArray(Long[]::new));
    }

    void hand(List<Dispatch> readied) {
      boolean left = false;
      for (Dispatch dispatch : readied) {
        Taker taker = byChannel.get(dispatch.channel());
        if (taker == null) {
          left = true;
        } else {
          held.incrementAndGet();
          taker.sink().next(dispatch);
        }
      }
      if (left) {
        hint();
      }
    }
  }

  private void giveBack(Dispatch dispatch) {
    database
        .db()
        .run(
            "give a step back",
            connection ->
                Db.count(
                    connection
                        .createStatement(giveBack)
                        .bind("$1", dispatch.key().task())
                        .bind("$2", dispatch.key().step())
                        .bind("$3", dispatch.version())))
        .subscribe(rows -> hint(), error -> {}); // then it is taken again in its time
  }

  // == hints ==

  Flux<Long> hints() {
    return Flux.create(
        sink -> sink.onDispose(database.wakeups().onHint(TOPIC, () -> sink.next(1L))),
        OverflowStrategy.LATEST);
  }

  /** There is something to be taken. Who listens learns of it soon; who does not, when it asks. */
  void hint() {
    if (hinting.compareAndSet(false, true)) {
      long wait = hintedAt + PERIOD.toNanos() - System.nanoTime();
      if (wait <= 0) {
        giveHint();
      } else {
        Schedulers.parallel().schedule(this::giveHint, wait, TimeUnit.NANOSECONDS);
      }
    }
  }

  private void giveHint() {
    hintedAt = System.nanoTime();
    hinting.set(false);
    database.wakeups().hint(TOPIC).subscribe(nothing -> {}, error -> {});
  }
}
