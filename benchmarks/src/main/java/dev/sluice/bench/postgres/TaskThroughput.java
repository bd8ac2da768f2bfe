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
package dev.sluice.bench.postgres;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.memory.MemoryTaskStore;
import dev.sluice.message.Message;
import dev.sluice.postgres.PostgresTaskStore;
import dev.sluice.store.TaskStore;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Tasks of six steps that do nothing, beside what one would write by hand: in memory a composition
 * that calls the same steps in the same order, and on PostgreSQL one that has a row for each step,
 * and commits each when it is done. Channels call the agent at once, so what is seen is what the
 * tasks cost and not their messages. A round counts only if each step was done once, and each task
 * is over.
 *
 * <p>What is written by hand notices no step that hangs, sends none again, and undoes nothing; the
 * one in memory forgets everything with its process.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Ptask-bench verify -DskipTests
 * mvn -pl benchmarks -am -Ptask-bench verify -DskipTests -Dtask-bench.args="rounds=5 tasks=4000"
 * }</pre>
 */
final class TaskThroughput {

  private static final int STEPS = 6;
  private static final StringCodec UTF8 = StringCodec.utf8();

  private static final TaskPlan TURNAROUND =
      TaskPlan.of("turnaround")
          .step("chock", "ground", "", UTF8)
          .step("fuel", "ground", "", UTF8, s -> s.after("chock"))
          .step("clean", "ground", "", UTF8, s -> s.after("chock"))
          .step("cater", "ground", "", UTF8, s -> s.after("clean"))
          .step("load", "ground", "", UTF8, s -> s.after("fuel", "cater"))
          .step("push", "ground", "", UTF8, s -> s.after("load"));

  private final OperatingSystemMXBean system =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  private final AtomicLong steps = new AtomicLong();
  private final AtomicLong undone = new AtomicLong();
  private final StoreTrial trial;
  private int next;

  private TaskThroughput(StoreTrial trial) {
    this.trial = trial;
  }

  public static void main(String[] arguments) {
    try (StoreTrial trial = new StoreTrial(arguments)) {
      new TaskThroughput(trial)
          .run(
              trial.option("rounds", 3),
              trial.option("tasks", 2_000),
              MemoryTaskStore.create(100_000),
              PostgresTaskStore.create(trial.database()));
    }
    System.exit(0);
  }

  private void run(int rounds, int tasks, TaskStore memory, TaskStore postgres) {
    trial.execute(
        "create table hand_step(task text, step text, input text, done_at timestamptz,"
            + " primary key(task, step))");
    Crew inMemory = new Crew(memory);
    Crew onPostgres = new Crew(postgres);
    for (int round = 0; round <= rounds; round++) {
      for (int inFlight : new int[] {1, 64}) {
        int few = inFlight == 1 ? Math.max(100, tasks / 20) : tasks;
        time(round, "in memory, by hand", tasks * 5, inFlight, id -> byHand(this::step));
        time(round, "in memory, tasks", tasks * 5, inFlight, inMemory::done);
        inMemory.requireOver(tasks * 5);
        time(round, "on PostgreSQL, by hand", few, inFlight, this::byHandOnPostgres);
        requireRows(few);
        time(round, "on PostgreSQL, tasks", few, inFlight, onPostgres::done);
        onPostgres.requireOver(few);
      }
    }
    inMemory.stop();
    onPostgres.stop();
    trial.report();
  }

  private void time(
      int round, String what, int many, int inFlight, Function<String, Mono<String>> way) {
    boolean commits = what.contains("PostgreSQL");
    long committed = commits ? trial.commits() : 0;
    long processor = system.getProcessCpuTime();
    long start = System.nanoTime();
    Long ends =
        Flux.range(0, many)
            .flatMap(i -> way.apply("task-" + next++), inFlight)
            .filter("pushed"::equals)
            .count()
            .block(StoreTrial.PATIENCE.multipliedBy(10));
    double nanos = System.nanoTime() - start;
    double used = system.getProcessCpuTime() - processor;
    StoreTrial.require("tasks", Objects.requireNonNull(ends), many);
    StoreTrial.require("steps", steps.getAndSet(0), (long) many * STEPS);
    StoreTrial.require("undone", undone.get(), 0);
    if (round > 0) { // the first warms up
      String at = inFlight + " in flight, " + what + ": ";
      trial.add(at + "tasks a second", many / nanos * 1e9);
      trial.add(at + "us of processor for one", used / many / 1e3);
      if (commits) {
        trial.add(at + "commits for one", (double) (trial.commits() - committed) / many);
      }
    }
  }

  // == tasks ==

  /** A scheduler, an agent and a supervisor at work on one store. */
  private final class Crew implements AgentWork<String, String> {

    private final Map<String, Sinks.One<String>> waiting = new ConcurrentHashMap<>();
    private final TaskStore store;
    private final TaskScheduler scheduler;
    private final Supervisor supervisor;

    Crew(TaskStore store) {
      this.store = store;
      Agent<String, String> agent = Agent.of("agent", store, UTF8, UTF8, this);
      Outbound<byte[]> ground =
          new Outbound<>() {
            @Override
            public String name() {
              return "ground";
            }

            @Override
            public Mono<Receipt> send(Message<byte[]> message) {
              agent.apply(message.payload()).subscribe();
              return Mono.just(new Receipt("ground", message.id(), "sent"));
            }
          };
      this.scheduler = TaskScheduler.start(store, List.of(ground));
      this.supervisor = Supervisor.start(store);
    }

    @Override
    public Mono<String> execute(String input, AgentContext context) {
      return Mono.fromSupplier(
          () -> {
            steps.incrementAndGet();
            if (context.key().step().equals("push")) {
              Objects.requireNonNull(waiting.remove(context.key().task())).tryEmitValue("pushed");
            }
            return "done";
          });
    }

    @Override
    public Mono<Void> undo(String input, @Nullable String output, AgentContext context) {
      return Mono.fromRunnable(undone::incrementAndGet);
    }

    /** Until its last step is at work; all others are done then. */
    Mono<String> done(String id) {
      Sinks.One<String> pushed = Sinks.one();
      waiting.put(id, pushed);
      return scheduler.run(id, TURNAROUND).then(pushed.asMono());
    }

    /** The store says so: it forgets those that are. */
    void requireOver(int many) {
      long end = System.nanoTime() + StoreTrial.PATIENCE.toNanos();
      int over = 0;
      while (over < many && System.nanoTime() - end < 0) {
        int purged = Objects.requireNonNull(store.purge(Duration.ZERO, 1_000).block());
        over += purged;
        if (purged == 0) {
          LockSupport.parkNanos(1_000_000);
        }
      }
      StoreTrial.require("tasks that are over", over, many);
    }

    void stop() {
      supervisor.stop().block();
      scheduler.stop().block();
    }
  }

  // == by hand ==

  private Mono<String> step(String name) {
    return Mono.fromSupplier(
        () -> {
          steps.incrementAndGet();
          return name.equals("push") ? "pushed" : "done";
        });
  }

  /** The same steps in the same order. */
  private static Mono<String> byHand(Function<String, Mono<String>> step) {
    return step.apply("chock")
        .then(Mono.when(step.apply("fuel"), step.apply("clean").then(step.apply("cater"))))
        .then(step.apply("load"))
        .then(step.apply("push"));
  }

  /** Each is written down when it is done. */
  private Mono<String> byHandOnPostgres(String id) {
    return trial
        .change(
            "insert into hand_step select $1, step, '' from"
                + " unnest(array['chock','fuel','clean','cater','load','push']) step",
            s -> s.bind("$1", id))
        .then(
            byHand(
                name ->
                    step(name)
                        .delayUntil(
                            done ->
                                trial.change(
                                    "update hand_step set done_at = clock_timestamp()"
                                        + " where task = $1 and step = $2",
                                    s -> s.bind("$1", id).bind("$2", name)))));
  }

  private void requireRows(int many) {
    StoreTrial.require(
        "rows of steps that are done",
        trial.ask("select count(*) from hand_step where done_at is not null", Long.class),
        (long) many * STEPS);
    trial.execute("truncate hand_step");
  }
}
