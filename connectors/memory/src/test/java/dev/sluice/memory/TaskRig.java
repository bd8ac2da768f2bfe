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
package dev.sluice.memory;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.message.Message;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.TaskStore;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.SupervisorSpec;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** A scheduler, agents and supervisors on one thread and in virtual time. */
final class TaskRig {

  static final StringCodec UTF8 = StringCodec.utf8();
  static final Duration LEASE = Duration.ofSeconds(30);
  static final Duration PERIOD = Duration.ofSeconds(10);
  static final Duration AGAIN = Duration.ofMinutes(1);

  final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private final Clock clock =
      new Clock() {
        @Override
        public Instant instant() {
          return Instant.EPOCH.plusNanos(time.now(TimeUnit.NANOSECONDS));
        }

        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          throw new IllegalArgumentException("zone: " + zone + " (expected: none, it is UTC)");
        }
      };

  final MemoryTaskStore store = MemoryTaskStore.create(1_000, clock);

  /** What was done, in order, as the tests see it. */
  final List<String> log = new ArrayList<>();

  /** A channel whose messages are with its agent at once, or that loses or doubles them. */
  static final class Wire implements Outbound<byte[]> {
    private final String name;
    final List<Message<byte[]>> sent = new ArrayList<>();
    final Disposable.Composite running = Disposables.composite();
    Function<byte[], Mono<Void>> agent = payload -> Mono.never();
    int lost;
    int copies = 1;

    Wire(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.fromSupplier(
          () -> {
            sent.add(message);
            for (int i = 0; i < copies && lost == 0; i++) {
              running.add(agent.apply(message.payload()).subscribe());
            }
            lost = Math.max(0, lost - 1);
            return new Receipt(name, message.id(), "sent");
          });
    }
  }

  final Wire fuel = new Wire("fuel");
  final Wire clean = new Wire("clean");
  final Wire load = new Wire("load");

  TaskScheduler scheduler() {
    return TaskScheduler.start(store, List.of(fuel, clean, load), s -> s.timer(time).again(AGAIN));
  }

  Supervisor supervisor() {
    return supervisor(store, s -> s);
  }

  Supervisor supervisor(TaskStore store, UnaryOperator<SupervisorSpec> spec) {
    return Supervisor.start(store, s -> spec.apply(s.timer(time).pollInterval(PERIOD)));
  }

  Agent<String, String> agent(AgentWork<String, String> work) {
    return agent(store, work);
  }

  Agent<String, String> agent(TaskStore store, AgentWork<String, String> work) {
    return Agent.of("agent", store, UTF8, UTF8, work, s -> s.timer(time).lease(LEASE));
  }

  /** Works on all channels, and writes down what it does and undoes. */
  AgentWork<String, String> logging() {
    return new AgentWork<>() {
      @Override
      public Mono<String> execute(String input, AgentContext context) {
        return Mono.fromSupplier(
            () -> {
              log.add("+" + context.key().step());
              return "out " + context.key().step();
            });
      }

      @Override
      public Mono<Void> undo(String input, @Nullable String output, AgentContext context) {
        return Mono.fromRunnable(() -> log.add("-" + context.key().step()));
      }
    };
  }

  void everywhere(AgentWork<String, String> work) {
    Agent<String, String> agent = agent(work);
    fuel.agent = agent;
    clean.agent = agent;
    load.agent = agent;
  }

  void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  /** In small steps, so that something can be seen to happen between. */
  Duration passUntil(BooleanSupplier condition) {
    Duration passed = Duration.ZERO;
    while (!condition.getAsBoolean()) {
      if (passed.compareTo(Duration.ofDays(1)) > 0) {
        throw new AssertionError("not within a day");
      }
      pass(Duration.ofMillis(100));
      passed = passed.plusMillis(100);
    }
    return passed;
  }

  Task task(String id) {
    return Objects.requireNonNull(store.find(id).block());
  }

  Task.Step step(String id, String step) {
    return task(id).step(step);
  }

  static StepKey key(String step) {
    return new StepKey("LX1", step);
  }

  static TaskPlan plan() {
    return TaskPlan.of("turnaround");
  }

  /** Fuel and clean, then load. */
  static TaskPlan turnaround() {
    return plan()
        .step("fuel", "fuel", "LX1", UTF8)
        .step("clean", "clean", "LX1", UTF8)
        .step("load", "load", "LX1", UTF8, s -> s.after("fuel", "clean"));
  }

  /** Of a process: when it is dead nothing that it asks is done or answered. */
  static final class Mortal {
    boolean dead;

    TaskStore of(TaskStore store) {
      return (TaskStore)
          Proxy.newProxyInstance(
              TaskStore.class.getClassLoader(),
              new Class<?>[] {TaskStore.class},
              (proxy, method, arguments) -> {
                Object answer = method.invoke(store, arguments);
                return answer instanceof Mono<?> mono
                    ? Mono.defer(() -> dead ? Mono.never() : mono)
                    : ((Flux<?>) answer).filter(one -> !dead);
              });
    }
  }
}
