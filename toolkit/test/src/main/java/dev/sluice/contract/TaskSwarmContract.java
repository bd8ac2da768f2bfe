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
package dev.sluice.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.Remedy;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Cause;
import dev.sluice.store.TaskStore.Renewal;
import dev.sluice.store.TaskStore.Run;
import dev.sluice.store.TaskStore.Stats;
import dev.sluice.store.TaskStore.Trouble;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What a scheduler, agents and supervisors promise together, on real channels and a real store, in
 * real time: agents are killed at random, also ones whose effects come late; three supervisors
 * compete, and one of them stands still with each step that it has taken until another has treated
 * it. Every task is done or undone; no step has two effects, is given to two with one fence, or is
 * begun again when the store knows that it is done.
 *
 * <p>A subclass says how channels and stores are made, and what schedules, works and supervises.
 */
@Experimental
public abstract class TaskSwarmContract {

  private static final Map<String, Set<String>> ORDER =
      new TreeMap<>(
          Map.of(
              "chock", Set.of(),
              "fuel", Set.of("chock"),
              "clean", Set.of("chock"),
              "cater", Set.of("clean"),
              "load", Set.of("fuel", "cater"),
              "push", Set.of("load")));

  private static final List<String> CHANNELS = List.of("ground", "fuel", "cabin");

  /** What an agent does and undoes. */
  public interface Work {

    /** Does the step; an error if it cannot be done for good. */
    Mono<String> act(StepKey key, String input, long fence);

    /** Undoes it. */
    Mono<Void> undo(StepKey key, long fence);
  }

  /** Something that runs. */
  public interface Running {

    /** Ends it; completes when it has ended. */
    Mono<Void> stop(Duration grace);
  }

  /** A new store, or one without tasks. */
  protected abstract TaskStore store();

  /** A new channel without messages. */
  protected abstract Channel channel(String name);

  /** Starts a scheduler that sends again after {@code again}. */
  protected abstract Running scheduler(
      TaskStore store, List<? extends Outbound<byte[]>> channels, Duration again);

  /** Starts an agent that does 8 steps at once. */
  protected abstract Running agent(Inbound channel, TaskStore store, Duration lease, Work work);

  /** Starts a supervisor. */
  protected abstract Running supervisor(TaskStore store, Duration pollInterval, Duration lease);

  /** An error that means that a step cannot be done, now or later. */
  protected abstract RuntimeException refusal(String why);

  /** How many tasks the short form has. */
  protected int tasks() {
    return 30;
  }

  /** The short form kills an agent in every so many pieces of work, which may be done quickly. */
  private static final int KILL_EACH = 25;

  @Test
  void everyTaskIsDoneOrUndoneWhateverDies() {
    new Swarm(tasks(), Duration.ofMillis(600), Duration.ofMillis(100), 20, null).run();
  }

  /** Sizes: {@code -Dtask.tasks=2000}. */
  @Tag("soak")
  @Test
  void everyTaskOfManyIsDoneOrUndoneWhateverDies() {
    Duration period = Duration.ofSeconds(2);
    Swarm swarm =
        new Swarm(
            Integer.getInteger("task.tasks", 2_000),
            Duration.ofSeconds(3),
            period,
            300,
            Duration.ofSeconds(3));
    String what = swarm.run();
    assertThat(swarm.recovered.get()).as(what).isPositive();
    assertThat(swarm.longest)
        .as(
            "from the end of a lease, of an agent or a supervisor, until the step is ready again; "
                + what)
        .isLessThanOrEqualTo(period.multipliedBy(2));
  }

  private final class Swarm {
    final int tasks;
    final Duration lease;
    final Duration every;
    final int millis;
    final @Nullable Duration kills;
    final long seed = ThreadLocalRandom.current().nextLong();
    final Random random = new Random(seed);
    final TaskSwarm world = new TaskSwarm(ORDER);
    final TaskStore store = TaskSwarmContract.this.store();
    final List<Channel> channels = new ArrayList<>();
    final List<Mortal> agents = new CopyOnWriteArrayList<>();
    final AtomicInteger paused = new AtomicInteger();
    final AtomicInteger begun = new AtomicInteger();
    final AtomicInteger killed = new AtomicInteger();
    final AtomicInteger recovered = new AtomicInteger();
    final Map<StepKey, Long> free = new ConcurrentHashMap<>();
    Duration longest = Duration.ZERO;

    /**
     * @param millis how long a piece of work takes at most
     * @param kills how often an agent is killed, whatever it does; null for one in the middle of
     *     every so many pieces of work
     */
    Swarm(int tasks, Duration lease, Duration every, int millis, @Nullable Duration kills) {
      this.tasks = tasks;
      this.lease = lease;
      this.every = every;
      this.millis = millis;
      this.kills = kills;
      CHANNELS.forEach(name -> channels.add(channel(name)));
    }

    String run() {
      Running scheduler = scheduler(store, channels, Duration.ofSeconds(5));
      List<Running> supervisors = new ArrayList<>();
      supervisors.add(supervisor(treating(), every, lease));
      supervisors.add(supervisor(treating(), every, lease));
      supervisors.add(supervisor(standingStill(), every, lease));
      for (int i = 0; i < 2 * channels.size(); i++) {
        agents.add(new Mortal(channels.get(i % channels.size())));
      }
      Flux.range(0, tasks).flatMap(i -> store.start(task(i)), 8).blockLast();
      untilAllAreOver();
      List<String> wrong = new ArrayList<>(world.violations());
      int undone = 0;
      for (int i = 0; i < tasks; i++) {
        Task task = Objects.requireNonNull(store.find(id(i)).block());
        Task.State expected = isRefused(i) ? Task.State.UNDONE : Task.State.DONE;
        int standing = expected == Task.State.DONE ? ORDER.size() : 0;
        undone += isRefused(i) ? 1 : 0;
        if (task.state() != expected || world.standing(id(i)) != standing) {
          wrong.add(task + " stands: " + world.standing(id(i)));
        }
      }
      List.copyOf(agents).forEach(agent -> agent.running.stop(Duration.ofSeconds(1)).block());
      supervisors.forEach(supervisor -> supervisor.stop(Duration.ofSeconds(1)).block());
      scheduler.stop(Duration.ofSeconds(1)).block();
      String what =
          "%d tasks, %d undone, %d agents killed, %d pauses of a supervisor, %d expired steps recovered, the last after %s, %s, seed %d"
              .formatted(
                  tasks, undone, killed.get(), paused.get(), recovered.get(), longest, world, seed);
      assertThat(wrong).as(what).isEmpty();
      assertThat(killed.get()).as(what).isPositive();
      return what;
    }

    void untilAllAreOver() {
      long patience = TimeUnit.MINUTES.toNanos(2) + TimeUnit.MILLISECONDS.toNanos(300L * tasks);
      long end = System.nanoTime() + patience;
      long kill = System.nanoTime();
      Stats stats = Objects.requireNonNull(store.stats().block());
      while (stats.running() + stats.undoing() > 0) {
        if (System.nanoTime() - end > 0) {
          throw new AssertionError("not over in time: " + stats + ", " + world + ", seed " + seed);
        }
        if (kills != null && System.nanoTime() - kill > kills.toNanos()) {
          kill(agents.get(random.nextInt(agents.size())));
          kill = System.nanoTime();
        }
        LockSupport.parkNanos(20_000_000);
        stats = Objects.requireNonNull(store.stats().block());
      }
    }

    /** Unless it has been killed already; another takes its place. */
    synchronized void kill(Mortal process) {
      int which = agents.indexOf(process);
      if (which < 0) {
        return;
      }
      process.dead = true;
      process.running.stop(Duration.ZERO).subscribe();
      agents.set(which, new Mortal(process.channel));
      killed.incrementAndGet();
    }

    // == tasks ==

    String id(int i) {
      return "task-" + i;
    }

    /** Of these a step is refused; of which step it is depends on the task. */
    boolean isRefused(int i) {
      return i % 5 == 0;
    }

    NewTask task(int i) {
      List<NewTask.Step> steps = new ArrayList<>();
      int n = 0;
      for (Map.Entry<String, Set<String>> step : ORDER.entrySet()) {
        boolean refused = isRefused(i) && n == i / 5 % ORDER.size();
        String channel = CHANNELS.get(n++ % CHANNELS.size());
        steps.add(
            new NewTask.Step(
                step.getKey(),
                channel,
                Content.of("text/plain", (refused ? "refuse" : "do").getBytes(UTF_8)),
                step.getValue(),
                Duration.ofMinutes(10),
                List.of(
                    Remedy.retry(2, Duration.ofMillis(10)),
                    Remedy.reassign(CHANNELS.get(n % CHANNELS.size())),
                    Remedy.retry(1_000, Duration.ofMillis(10)),
                    Remedy.undoTask())));
      }
      return new NewTask(id(i), "turnaround", steps);
    }

    // == who dies, and who stands still ==

    /** An agent with a store of its own: when it is dead nothing that it asks is answered. */
    final class Mortal implements Work {
      final Channel channel;
      final Running running;
      volatile boolean dead;

      Mortal(Channel channel) {
        this.channel = channel;
        this.running =
            agent(
                channel,
                through(
                    (proxy, method, arguments) -> {
                      Object answer = method.invoke(store, arguments);
                      return answer instanceof Mono<?> mono
                          ? Mono.defer(() -> dead ? Mono.never() : heard(mono, method, arguments))
                              .flatMap(a -> dead ? Mono.never() : Mono.just(a))
                          : answer;
                    }),
                lease,
                this);
      }

      /** Also when the agent does not wait for it any more: it is done all the same. */
      private <T> Mono<T> heard(Mono<T> said, Method method, Object[] arguments) {
        return Mono.fromFuture(
            () -> said.doOnNext(answer -> heard(answer, method, arguments)).toFuture(), true);
      }

      /** By its answer a lease has begun. */
      private void heard(Object answer, Method method, Object[] arguments) {
        if (answer instanceof Run run) {
          free.put(run.key(), System.nanoTime() + lease.toNanos());
        } else if (answer == Renewal.HELD) {
          free.put(((Run) arguments[0]).key(), System.nanoTime() + lease.toNanos());
        } else if (method.getName().equals("done") && Boolean.TRUE.equals(answer)) {
          Run run = (Run) arguments[0];
          world.known(run.key(), run.undoing());
        }
      }

      @Override
      public Mono<String> act(StepKey key, String input, long fence) {
        return input.equals("refuse")
            ? Mono.error(refusal("refused"))
            : doing(() -> world.act(key, fence)).thenReturn("done");
      }

      @Override
      public Mono<Void> undo(StepKey key, long fence) {
        return doing(() -> world.undo(key, fence));
      }

      /** What a dead one has begun may have its effect yet, late. */
      private Mono<Void> doing(Runnable effect) {
        if (kills == null && begun.incrementAndGet() % KILL_EACH == 0) {
          Schedulers.parallel().schedule(() -> kill(this));
        }
        AtomicBoolean had = new AtomicBoolean();
        Runnable once =
            () -> {
              if (had.compareAndSet(false, true)) {
                effect.run();
              }
            };
        return Mono.delay(Duration.ofMillis(ThreadLocalRandom.current().nextInt(millis)))
            .<Void>flatMap(time -> Mono.fromRunnable(once))
            .doOnCancel(
                () -> {
                  if (dead) {
                    long late = ThreadLocalRandom.current().nextLong(2 * lease.toMillis());
                    Schedulers.parallel().schedule(once, late, TimeUnit.MILLISECONDS);
                  }
                });
      }
    }

    /** Of a step that a supervisor has taken, since when it could. */
    record Taken(StepKey key, long version) {}

    private Flux<Trouble> taken(Flux<Trouble> troubles, Map<Taken, Long> since) {
      return troubles.doOnNext(
          trouble -> {
            // a supervisor has its lease for as long as an agent
            Long from = free.put(trouble.key(), System.nanoTime() + lease.toNanos());
            if (trouble.cause() == Cause.EXPIRED && from != null) {
              since.put(new Taken(trouble.key(), trouble.version()), from);
            }
          });
    }

    private synchronized void recovered(long nanos) {
      recovered.incrementAndGet();
      longest = nanos > longest.toNanos() ? Duration.ofNanos(nanos) : longest;
    }

    /** Looks how long a step has waited whose agent has died. */
    @SuppressWarnings("unchecked") // the signatures of a store
    TaskStore treating() {
      Map<Taken, Long> since = new ConcurrentHashMap<>();
      return through(
          (proxy, method, arguments) -> {
            Object answer = method.invoke(store, arguments);
            if (method.getName().equals("trouble")) {
              return taken((Flux<Trouble>) answer, since);
            }
            if (!method.getName().equals("treat")) {
              return answer;
            }
            Taken taken = new Taken((StepKey) arguments[0], (Long) arguments[1]);
            return ((Mono<Boolean>) answer)
                .doOnNext(
                    treated -> {
                      Long from = since.remove(taken);
                      if (treated && from != null) {
                        recovered(System.nanoTime() - from);
                      }
                    });
          });
    }

    /** Treats nothing until another has treated it, and then tries. */
    @SuppressWarnings("unchecked") // the signatures of a store
    TaskStore standingStill() {
      return through(
          (proxy, method, arguments) -> {
            Object answer = method.invoke(store, arguments);
            if (method.getName().equals("trouble")) {
              return taken((Flux<Trouble>) answer, new ConcurrentHashMap<>());
            }
            if (!method.getName().equals("treat")) {
              return answer;
            }
            StepKey key = (StepKey) arguments[0];
            long version = (Long) arguments[1];
            paused.incrementAndGet();
            return Mono.defer(() -> store.find(key.task()))
                .filter(task -> task.step(key.step()).version() != version)
                .repeatWhenEmpty(asked -> asked.delayElements(Duration.ofMillis(20)))
                .then(Mono.defer(() -> (Mono<?>) answer))
                .doOnNext(
                    treated -> {
                      if (Boolean.TRUE.equals(treated)) {
                        world.violated("treated by one who stood still: " + key);
                      }
                    });
          });
    }

    private TaskStore through(InvocationHandler handler) {
      return (TaskStore)
          Proxy.newProxyInstance(
              TaskStore.class.getClassLoader(),
              new Class<?>[] {TaskStore.class},
              (proxy, method, arguments) -> {
                try {
                  return handler.invoke(proxy, method, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }
}
