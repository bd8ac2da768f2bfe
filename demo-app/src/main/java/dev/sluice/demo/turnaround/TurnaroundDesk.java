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
package dev.sluice.demo.turnaround;

import static dev.sluice.store.Remedy.reassign;
import static dev.sluice.store.Remedy.undoTask;

import dev.sluice.codec.StringCodec;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.problem.Problem;
import dev.sluice.observe.Watched;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresTaskStore;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Query;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskAdmin;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Turns aircraft round: they are fuelled and cleaned, then loaded, each by a crew of its own. What
 * a crew does not finish is given to the one that stands by; when that does not either, the
 * turnaround is undone.
 */
final class TurnaroundDesk implements SmartLifecycle, Watched {

  private static final String KIND = "turnaround";
  private static final String STANDBY = "standby";
  private static final List<String> CREWS = List.of("fuel", "clean", "load", STANDBY);

  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
  private static final Duration REMEMBERED = Duration.ofDays(1);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(10);
  private static final int READ_AT_ONCE = 4;
  private static final long LAST = (1L << 44) - 1;

  private final TaskStore store;
  private final TaskAdmin admin;
  private final Map<String, GroundCrew> crews = new LinkedHashMap<>();
  private final Duration within;
  private final Clock clock;
  private final RemedyLog remedies;
  private volatile @Nullable TaskScheduler scheduler;
  private volatile @Nullable Supervisor supervisor;

  TurnaroundDesk(PostgresDatabase database, TurnaroundProperties properties, Clock clock) {
    this.store = PostgresTaskStore.create(database);
    this.admin = TaskAdmin.over(store);
    this.within = properties.within();
    this.clock = clock;
    this.remedies = new RemedyLog(clock);
    for (String name : CREWS) {
      PostgresChannel channel = PostgresChannel.create(database, GroundCrew.channelOf(name));
      crews.put(name, new GroundCrew(name, channel, store, properties.stepTakes()));
    }
  }

  private TaskPlan plan(Departure departure) {
    String about = departure.flight() + " " + departure.date();
    TaskPlan plan = TaskPlan.of(KIND);
    for (String step : List.of("fuel", "clean", "load")) {
      plan =
          plan.step(
              step,
              GroundCrew.channelOf(step),
              about,
              StringCodec.utf8(),
              s ->
                  (step.equals("load") ? s.after("fuel", "clean") : s)
                      .within(within)
                      .remedies(reassign(GroundCrew.channelOf(STANDBY)), undoTask()));
    }
    return plan;
  }

  /** Begins a turnaround; emits its id when the store has it. */
  Mono<String> begin(Departure departure) {
    return Mono.<String>defer(
            () -> {
              TaskScheduler running = scheduler;
              if (running == null) {
                return Mono.error(away(null));
              }
              String id = id(departure);
              return running.run(id, plan(departure)).thenReturn(id);
            })
        .onErrorMap(StoreFailed.class, TurnaroundDesk::away);
  }

  /** Tasks are listed in the order of their ids: a later one comes first. */
  private String id(Departure departure) {
    return String.format(
        "%011x-%08x-%s",
        LAST - clock.millis(), ThreadLocalRandom.current().nextInt(), departure.key());
  }

  /** A turnaround; fails with a {@link Problem} if there is none. */
  Mono<TurnaroundView> find(String id) {
    return admin
        .find(id)
        .map(TurnaroundView::of)
        .switchIfEmpty(Mono.error(() -> Problem.notFound("no such turnaround")))
        .onErrorMap(StoreFailed.class, TurnaroundDesk::away);
  }

  /** The newest first. */
  Mono<List<TurnaroundView>> newest(int limit) {
    return admin
        .list(Query.all().kind(KIND).limit(limit))
        .flatMapSequential(summary -> admin.find(summary.id()), READ_AT_ONCE)
        .map(TurnaroundView::of)
        .collectList()
        .onErrorMap(StoreFailed.class, TurnaroundDesk::away);
  }

  /** Who works, by name. */
  Map<String, Boolean> crews() {
    Map<String, Boolean> working = new LinkedHashMap<>();
    crews.forEach((name, crew) -> working.put(name, crew.works()));
    return working;
  }

  /** Kills a crew, or has it work again; fails with a {@link Problem} if there is none. */
  void set(String name, boolean works) {
    GroundCrew crew = crews.get(name);
    if (crew == null) {
      throw Problem.notFound("no such crew (expected: " + String.join(", ", CREWS) + ")");
    }
    if (works) {
      crew.begin();
    } else {
      crew.kill();
    }
  }

  /** What the supervisor of this process has done. */
  RemedyLog remedies() {
    return remedies;
  }

  private static Problem away(@Nullable Throwable cause) {
    return Problem.unavailable("turnarounds are away, for now", RETRY_AFTER, cause);
  }

  @Override
  public @Nullable String warning() {
    Supervisor s = supervisor;
    return s == null ? null : s.warning();
  }

  @Override
  public void start() {
    scheduler =
        TaskScheduler.start(store, crews.values().stream().map(GroundCrew::channel).toList());
    supervisor =
        Supervisor.start(
            store, s -> s.pollInterval(LOOK_EVERY).retention(REMEMBERED).listener(remedies));
    crews.values().forEach(GroundCrew::begin);
  }

  @Override
  public void stop() {
    TaskScheduler sending = scheduler;
    Supervisor looking = supervisor;
    scheduler = null;
    supervisor = null;
    if (sending == null || looking == null) {
      return;
    }
    List<Mono<Void>> ends = new ArrayList<>(List.of(sending.stop(), looking.stop()));
    crews.values().forEach(crew -> ends.add(crew.stop()));
    Flux.merge(ends).then().timeout(STOP_WITHIN).onErrorComplete().block();
  }

  @Override
  public boolean isRunning() {
    return scheduler != null;
  }

  /** After what it is asked for; before the web server. */
  @Override
  public int getPhase() {
    return 300;
  }
}
