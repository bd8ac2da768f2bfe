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
package dev.sluice.docs;

import static dev.sluice.store.Remedy.reassign;
import static dev.sluice.store.Remedy.retry;
import static dev.sluice.store.Remedy.undoTask;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.memory.MemoryChannel;
import dev.sluice.memory.MemoryTaskStore;
import dev.sluice.store.Task;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Query;
import dev.sluice.store.TaskStore.Summary;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import dev.sluice.supervisor.StepRefused;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskAdmin;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The code of docs/patterns/scheduler-agent-supervisor.md. */
@ExtendWith(LeakCheck.class)
class SupervisorPageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final StringCodec utf8 = StringCodec.utf8();
  private final TaskStore store = MemoryTaskStore.create(1_000);
  private final Channel fuel = MemoryChannel.create("fuel");
  private final Channel clean = MemoryChannel.create("clean");
  private final Channel load = MemoryChannel.create("load");
  private final ConcurrentLinkedQueue<String> booked = new ConcurrentLinkedQueue<>();
  private final AtomicInteger alarms = new AtomicInteger();

  private Mono<String> book(String what, String flight, String key) {
    return flight.equals("LX9")
        ? Mono.error(new StepRefused("no such flight"))
        : Mono.fromSupplier(
            () -> {
              booked.add(what + " " + key);
              return "receipt";
            });
  }

  // #region work
  private final class Fuelling implements AgentWork<String, String> {
    @Override
    public Mono<String> execute(String flight, AgentContext step) {
      return book("fuel", flight, step.idempotencyKey());
    }

    @Override
    public Mono<Void> undo(String flight, @Nullable String receipt, AgentContext step) {
      return book("defuel", flight, step.idempotencyKey()).then(); // tolerates an empty tank
    }
  }

  // #endregion

  @Test
  void aTurnaround() {
    String flight = "LX1";
    // #region plan
    TaskPlan turnaround =
        TaskPlan.of("turnaround")
            .step("fuel", "fuel", flight, utf8, s -> s.remedies(retry(3, ofSeconds(1)), undoTask()))
            .step("clean", "clean", flight, utf8, s -> s.remedies(reassign("load")))
            .step("load", "load", flight, utf8, s -> s.after("fuel", "clean").within(ofMinutes(5)));
    // #endregion
    // #region roles
    TaskScheduler scheduler = TaskScheduler.start(store, List.of(fuel, clean, load));
    Supervisor supervisor = Supervisor.start(store, s -> s.pollInterval(ofSeconds(10)));
    Agent<String, String> fuelling = Agent.of("fuelling", store, utf8, utf8, new Fuelling());
    FlowHandle agent = Flow.from(fuel).compete(fuelling, c -> c.concurrency(4)).start();

    Mono<Task> turned =
        scheduler.run("LX1 2026-11-21", turnaround).then(scheduler.ended("LX1 2026-11-21"));
    // #endregion
    Agent<String, String> others =
        Agent.of("others", store, utf8, utf8, (what, step) -> book(step.key().step(), what, ""));
    FlowHandle cleaners = Flow.from(clean).compete(others).start();
    FlowHandle loaders = Flow.from(load).compete(others).start();
    Task task = Objects.requireNonNull(turned.block(PATIENCE));
    assertThat(task.state()).isEqualTo(Task.State.DONE);
    assertThat(booked).contains("fuel LX1 2026-11-21/fuel").hasSize(3);
    assertThat(turnaround.toMermaid()).contains("s0 --> s2").contains("s1 --> s2");
    agent.stop(Duration.ZERO).block(PATIENCE);
    cleaners.stop(Duration.ZERO).block(PATIENCE);
    loaders.stop(Duration.ZERO).block(PATIENCE);
    supervisor.stop().block(PATIENCE);
    scheduler.stop().block(PATIENCE);
  }

  @Test
  void byHand() {
    TaskScheduler scheduler = TaskScheduler.start(store, List.of(fuel));
    FlowHandle agent =
        Flow.from(fuel).compete(Agent.of("fuelling", store, utf8, utf8, new Fuelling())).start();
    scheduler.run("LX9", TaskPlan.of("turnaround").step("fuel", "fuel", "LX9", utf8)).block();
    // #region escalated
    Supervisor supervisor =
        Supervisor.start(
            store,
            s ->
                s.pollInterval(ofSeconds(1))
                    .listener(
                        (trouble, treatment) -> {
                          if (treatment instanceof Treatment.Escalate) {
                            alarms.incrementAndGet();
                          }
                        }));
    TaskAdmin admin = TaskAdmin.over(store);
    Flux<Summary> stuck = admin.list(Query.all().escalated());
    Mono<Void> given = admin.undo("LX9", "the flight is cancelled");
    // #endregion
    stuck.repeatWhen(asked -> asked.delayElements(Duration.ofMillis(20))).blockFirst(PATIENCE);
    assertThat(alarms).hasValue(1);
    given.block(PATIENCE);
    agent.stop(Duration.ZERO).block(PATIENCE);
    supervisor.stop().block(PATIENCE);
    scheduler.stop().block(PATIENCE);
  }
}
