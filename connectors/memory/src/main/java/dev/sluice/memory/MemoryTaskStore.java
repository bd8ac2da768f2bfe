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

import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.StepKey;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.Task;
import dev.sluice.store.Task.StepState;
import dev.sluice.store.TaskStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.FluxSink.OverflowStrategy;
import reactor.core.publisher.Mono;

/**
 * Tasks inside one process, for tests and for what need not outlive it.
 *
 * <p>Memory: at most {@code maxTasks}, each with the inputs and outputs of its steps, also those
 * that are over, until they are purged. When it is full, {@link #start} fails with {@link
 * StoreFailed}, as temporary.
 */
public final class MemoryTaskStore implements TaskStore {

  /*
   * Threads: every operation on any thread, under the lock of the map. No code of others runs there;
   * what a change has made ready is handed over, and hints are given, outside.
   *
   * dispatches  each step that is READY, at the moment from which on it is to be sent
   * troubles    each step that is READY, RUNNING or FAILED, at the moment from which on a supervisor
   *             may take it
   * handed      of the change under way, what it has made ready and is taken; hinted, whether there
   *             is more
   */

  private final Clock clock;
  private final int maxTasks;
  private final TreeMap<String, Entry> tasks = new TreeMap<>();
  private final Map<String, Agenda<Step>> dispatches = new HashMap<>();
  private final Agenda<Step> troubles = new Agenda<>();
  private final Map<String, List<Taker>> takers = new HashMap<>();
  private final Set<Runnable> listeners = ConcurrentHashMap.newKeySet();
  private List<Handed> handed = new ArrayList<>();
  private boolean hinted;

  /** Somebody who is handed the steps of a channel. */
  private record Taker(Duration again, FluxSink<Dispatch> sink) {}

  private record Handed(Taker taker, Dispatch dispatch) {}

  /** What has come of a change. */
  private record Changed(boolean changed, List<Handed> handed, boolean hinted) {}

  private static final class Entry {
    final NewTask asked;
    final Instant startedAt;
    final Map<String, Step> steps = new LinkedHashMap<>();
    Task.State state = Task.State.RUNNING;
    String why = "";
    Instant endedAt = Instant.MAX;

    Entry(NewTask asked, Instant now) {
      this.asked = asked;
      this.startedAt = now;
      asked.steps().forEach(step -> steps.put(step.name(), new Step(this, step)));
    }

    int escalated() {
      return (int)
          steps.values().stream().filter(step -> step.state == StepState.ESCALATED).count();
    }
  }

  private static final class Step {
    final Entry task;
    final NewTask.Step asked;
    String channel;
    StepState state = StepState.WAITING;
    boolean undoing;
    @Nullable Content output;
    String agent = "";
    String note = "";
    boolean forGood;
    int attempts;
    int tried;
    long version = 1;
    Instant completeBy = Instant.MAX;
    Instant leasedUntil = Instant.MIN;
    Instant troubleAt = Instant.MAX;

    Step(Entry task, NewTask.Step asked) {
      this.task = task;
      this.asked = asked;
      this.channel = asked.channel();
    }

    StepKey key() {
      return new StepKey(task.asked.id(), asked.name());
    }

    boolean isLeased(Instant now) {
      return state == StepState.RUNNING && leasedUntil.isAfter(now);
    }

    boolean isNoMore() {
      return state == StepState.UNDONE || state == StepState.SKIPPED;
    }

    boolean isOver() {
      return state == StepState.DONE || isNoMore();
    }
  }

  private MemoryTaskStore(int maxTasks, Clock clock) {
    if (maxTasks < 1) {
      throw new IllegalArgumentException("maxTasks: " + maxTasks + " (expected: >= 1)");
    }
    this.maxTasks = maxTasks;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty store on the system's clock.
   *
   * @param maxTasks how many it keeps, 1 or more
   */
  public static MemoryTaskStore create(int maxTasks) {
    return create(maxTasks, Clock.systemUTC());
  }

  /** An empty store whose time is that of {@code clock}. */
  public static MemoryTaskStore create(int maxTasks, Clock clock) {
    return new MemoryTaskStore(maxTasks, clock);
  }

  private <V> Mono<V> locked(Supplier<? extends @Nullable V> operation) {
    return Mono.fromSupplier(
        () -> {
          synchronized (tasks) {
            return operation.get();
          }
        });
  }

  /** Something may be ready after it. */
  private Mono<Boolean> changing(Supplier<Boolean> operation) {
    return this.<Changed>locked(() -> changed(operation))
        .map(
            change -> {
              change.handed().forEach(one -> one.taker().sink().next(one.dispatch()));
              if (change.hinted()) {
                listeners.forEach(Runnable::run);
              }
              return change.changed();
            });
  }

  private Changed changed(Supplier<Boolean> operation) {
    try {
      return new Changed(operation.get(), handed, hinted);
    } finally {
      handed = handed.isEmpty() ? handed : new ArrayList<>();
      hinted = false;
    }
  }

  // == schedulers ==

  @Override
  public Mono<Boolean> start(NewTask task) {
    Objects.requireNonNull(task, "task");
    return changing(
        () -> {
          if (tasks.containsKey(task.id())) {
            return false;
          }
          if (tasks.size() == maxTasks) {
            throw StoreFailed.temporary(
                "memory", "full (expected: at most " + maxTasks + " tasks)", null);
          }
          Instant now = clock.instant();
          Entry entry = new Entry(task, now);
          tasks.put(task.id(), entry);
          advance(entry, now);
          return true;
        });
  }

  @Override
  public Flux<Dispatch> dispatch(Collection<String> channels, int limit, Duration again) {
    List<String> mine = List.copyOf(channels);
    TaskStore.requireLimit(limit);
    Require.positive("again", again);
    return this.<List<Dispatch>>locked(
            () -> {
              Instant now = clock.instant();
              List<Dispatch> taken = new ArrayList<>();
              for (String channel : mine) {
                Agenda<Step> agenda = dispatches(channel);
                Step step = taken.size() < limit ? agenda.poll(now) : null;
                while (step != null) {
                  if (step.completeBy.isAfter(now)) {
                    agenda.put(step, Ends.of(now, again));
                    taken.add(new Dispatch(step.key(), step.version, step.channel));
                  }
                  step = taken.size() < limit ? agenda.poll(now) : null;
                }
              }
              return taken;
            })
        .flatMapIterable(taken -> taken);
  }

  @Override
  public Flux<Dispatch> readied(String channel, Duration again) {
    Objects.requireNonNull(channel, "channel");
    Require.positive("again", again);
    return Flux.<Dispatch>create(
            sink -> {
              Taker taker = new Taker(again, sink);
              synchronized (tasks) {
                takers.computeIfAbsent(channel, c -> new ArrayList<>()).add(taker);
              }
              sink.onDispose(() -> forget(channel, taker));
            },
            OverflowStrategy.BUFFER)
        .doOnDiscard(Dispatch.class, this::giveBack);
  }

  private void forget(String channel, Taker taker) {
    synchronized (tasks) {
      List<Taker> all = Objects.requireNonNull(takers.get(channel));
      all.remove(taker);
      if (all.isEmpty()) {
        takers.remove(channel);
      }
    }
  }

  private void giveBack(Dispatch dispatch) {
    changing(
            () -> {
              Step step = step(dispatch.key());
              if (step == null
                  || step.version != dispatch.version()
                  || step.state != StepState.READY) {
                return false;
              }
              send(step, clock.instant());
              return true;
            })
        .subscribe();
  }

  @Override
  public Flux<Long> hints() {
    return Flux.create(
        sink -> {
          Runnable listener = () -> sink.next(1L);
          listeners.add(listener);
          sink.onDispose(() -> listeners.remove(listener));
        },
        OverflowStrategy.LATEST);
  }

  // == agents ==

  @Override
  public Mono<Run> claim(StepKey key, long version, String agent, Duration lease) {
    Objects.requireNonNull(key, "key");
    requireAgent(agent);
    Require.positive("lease", lease);
    return locked(
        () -> {
          Instant now = clock.instant();
          Step step = step(key);
          if (step == null
              || step.version != version
              || step.state != StepState.READY
              || !step.completeBy.isAfter(now)) {
            return null;
          }
          step.state = StepState.RUNNING;
          step.version++;
          step.attempts++;
          step.agent = agent;
          step.note = "";
          lease(step, now, lease);
          unsend(step);
          return run(step, now);
        });
  }

  private static Run run(Step step, Instant now) {
    Map<String, Content> outputs = new HashMap<>();
    for (String before : step.asked.after()) {
      Content output = Objects.requireNonNull(step.task.steps.get(before)).output;
      if (output != null) {
        outputs.put(before, output);
      }
    }
    return new Run(
        step.key(),
        step.task.asked.kind(),
        step.undoing,
        step.asked.input(),
        outputs,
        step.undoing ? step.output : null,
        step.attempts,
        step.version,
        Duration.between(now, step.completeBy));
  }

  private void lease(Step step, Instant now, Duration lease) {
    Instant until = Ends.of(now, lease);
    step.leasedUntil = until.isAfter(step.completeBy) ? step.completeBy : until;
    troubleAt(step, step.leasedUntil);
  }

  @Override
  public Mono<Renewal> renew(Run run, @Nullable String note, Duration lease) {
    Objects.requireNonNull(run, "run");
    Require.positive("lease", lease);
    return locked(
        () -> {
          Instant now = clock.instant();
          Step step = step(run.key());
          if (step == null || !isOf(step, run) || !step.completeBy.isAfter(now)) {
            return Renewal.LOST;
          }
          lease(step, now, lease);
          step.note = note == null ? step.note : TaskStore.note(note);
          return isUnwanted(step) ? Renewal.UNWANTED : Renewal.HELD;
        });
  }

  private static boolean isOf(Step step, Run run) {
    return step.version == run.version() && step.state == StepState.RUNNING;
  }

  private static boolean isUnwanted(Step step) {
    return step.task.state == Task.State.UNDOING && !step.undoing;
  }

  @Override
  public Mono<Boolean> done(Run run, @Nullable Content output) {
    Objects.requireNonNull(run, "run");
    TaskStore.requireBody("output", output);
    return ending(
        run,
        step -> {
          if (step.undoing) {
            step.state = StepState.UNDONE;
            return;
          }
          step.output = output;
          step.state = StepState.DONE;
          if (isUnwanted(step)) {
            toBeUndone(step);
          }
        });
  }

  @Override
  public Mono<Boolean> failed(Run run, String why, boolean forGood) {
    Objects.requireNonNull(run, "run");
    String note = TaskStore.note(why);
    return ending(
        run,
        step -> {
          step.note = note;
          if (isUnwanted(step)) {
            toBeUndone(step);
            return;
          }
          step.state = StepState.FAILED;
          step.forGood = forGood;
          troubleAt(step, clock.instant());
        });
  }

  /** Ends a run, once: whoever says so again is told the same. */
  private Mono<Boolean> ending(Run run, Consumer<Step> end) {
    return changing(
        () -> {
          Step step = step(run.key());
          if (step == null || step.version != run.version()) {
            return false;
          }
          if (step.state == StepState.RUNNING) {
            rest(step);
            end.accept(step);
            advance(step.task, clock.instant());
          }
          return true;
        });
  }

  @Override
  public Mono<Boolean> release(Run run) {
    Objects.requireNonNull(run, "run");
    return changing(
        () -> {
          Step step = step(run.key());
          if (step == null || !isOf(step, run)) {
            return false;
          }
          rest(step);
          step.version++;
          if (isUnwanted(step)) {
            toBeUndone(step);
            advance(step.task, clock.instant());
          } else {
            step.state = StepState.READY;
            send(step, clock.instant());
            troubleAt(step, step.completeBy);
          }
          return true;
        });
  }

  // == supervisors ==

  @Override
  public Flux<Trouble> trouble(int limit, Duration lease) {
    TaskStore.requireLimit(limit);
    Require.positive("lease", lease);
    return this.<List<Trouble>>locked(
            () -> {
              Instant now = clock.instant();
              List<Trouble> taken = new ArrayList<>();
              Step step = troubles.poll(now);
              while (step != null) {
                step.version++;
                troubleAt(step, Ends.of(now, lease));
                taken.add(trouble(step, now));
                step = taken.size() < limit ? troubles.poll(now) : null;
              }
              return taken;
            })
        .flatMapIterable(taken -> taken);
  }

  private static Trouble trouble(Step step, Instant now) {
    Cause cause =
        step.state == StepState.FAILED
            ? Cause.FAILED
            : step.completeBy.isAfter(now) ? Cause.EXPIRED : Cause.OVERDUE;
    return new Trouble(
        step.key(),
        step.task.asked.kind(),
        step.channel,
        step.asked.remedies(),
        step.tried,
        cause,
        step.forGood,
        step.undoing,
        step.task.state == Task.State.UNDOING,
        step.note,
        step.version);
  }

  @Override
  public Mono<Boolean> treat(StepKey key, long version, Treatment treatment, String why) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(treatment, "treatment");
    String note = TaskStore.note(why);
    return changing(
        () -> {
          Instant now = clock.instant();
          Step step = step(key);
          if (step == null
              || step.version != version
              || step.state == StepState.WAITING
              || step.isOver()
              || step.isLeased(now)
              || (step.undoing && treatment instanceof Treatment.Undo)
              || (isUnwanted(step) && !(treatment instanceof Treatment.Undo))) {
            return false;
          }
          rest(step);
          step.version++;
          step.note = note;
          treat(step, treatment, now);
          return true;
        });
  }

  private void treat(Step step, Treatment treatment, Instant now) {
    if (treatment instanceof Treatment.Again again) {
      step.channel = again.channel();
      step.tried = again.tried();
      ready(step, Ends.of(now, again.delay()), now);
    } else if (treatment instanceof Treatment.Settle settle) {
      if (step.undoing) {
        step.state = StepState.UNDONE;
      } else {
        step.output = settle.output();
        step.state = StepState.DONE;
      }
      advance(step.task, now);
    } else if (treatment instanceof Treatment.Undo) {
      backward(step);
      undo(step.task, step.note, now);
    } else {
      step.state = StepState.ESCALATED;
    }
  }

  // == people ==

  @Override
  public Mono<Boolean> undo(String id, String why) {
    Objects.requireNonNull(id, "id");
    String note = TaskStore.note(why);
    return changing(
        () -> {
          Entry task = tasks.get(id);
          if (task == null || task.state.isFinal()) {
            return false;
          }
          undo(task, note, clock.instant());
          return true;
        });
  }

  @Override
  public Mono<Boolean> abandon(String id, String why) {
    Objects.requireNonNull(id, "id");
    String note = TaskStore.note(why);
    return changing(
        () -> {
          Entry task = tasks.get(id);
          if (task == null || task.state.isFinal()) {
            return false;
          }
          for (Step step : task.steps.values()) {
            if (!step.isOver()) {
              rest(step);
              step.version++;
              step.state = StepState.SKIPPED;
            }
          }
          task.why = note;
          over(task, Task.State.ABANDONED, clock.instant());
          return true;
        });
  }

  // == the course of a task ==

  /** Makes ready what waits for nothing any more, and ends the task when nothing is left. */
  private void advance(Entry task, Instant now) {
    Collection<Step> all = task.steps.values();
    if (task.state == Task.State.RUNNING) {
      all.stream()
          .filter(step -> step.state == StepState.WAITING)
          .filter(
              step ->
                  step.asked.after().stream()
                      .allMatch(
                          before ->
                              Objects.requireNonNull(task.steps.get(before)).state
                                  == StepState.DONE))
          .forEach(step -> ready(step, now, now));
      if (all.stream().allMatch(step -> step.state == StepState.DONE)) {
        over(task, Task.State.DONE, now);
      }
    } else if (task.state == Task.State.UNDOING) {
      all.stream()
          .filter(step -> step.state == StepState.WAITING)
          .filter(
              step ->
                  all.stream()
                      .filter(behind -> behind.asked.after().contains(step.asked.name()))
                      .allMatch(Step::isNoMore))
          .forEach(step -> ready(step, now, now));
      if (all.stream().allMatch(Step::isNoMore)) {
        over(task, Task.State.UNDONE, now);
      }
    }
  }

  private static void over(Entry task, Task.State state, Instant now) {
    task.state = state;
    task.endedAt = now;
  }

  private void undo(Entry task, String why, Instant now) {
    if (task.state == Task.State.RUNNING) {
      task.state = Task.State.UNDOING;
      task.why = why;
      for (Step step : task.steps.values()) {
        if (!step.undoing && !step.isNoMore() && step.state != StepState.RUNNING) {
          rest(step);
          step.version++;
          backward(step);
        }
      }
    }
    advance(task, now);
  }

  /** What was never begun needs no undoing. */
  private static void backward(Step step) {
    if (step.attempts == 0 && step.state != StepState.DONE) {
      step.state = StepState.SKIPPED;
    } else {
      toBeUndone(step);
    }
  }

  private static void toBeUndone(Step step) {
    step.state = StepState.WAITING;
    step.undoing = true;
    step.tried = 0;
    step.forGood = false;
  }

  private void ready(Step step, Instant from, Instant now) {
    step.state = StepState.READY;
    step.version++;
    step.forGood = false;
    step.completeBy = from.plus(step.asked.within());
    Taker taker = from.isAfter(now) ? null : taker(step.channel);
    if (taker == null) {
      send(step, from);
    } else {
      dispatches(step.channel).put(step, Ends.of(now, taker.again()));
      handed.add(new Handed(taker, new Dispatch(step.key(), step.version, step.channel)));
    }
    troubleAt(step, step.completeBy);
  }

  /** Nobody is to do anything about it for now. */
  private void rest(Step step) {
    unsend(step);
    troubleAt(step, Instant.MAX);
  }

  /** Who is there for a channel, and has room. */
  private @Nullable Taker taker(String channel) {
    for (Taker taker : takers.getOrDefault(channel, List.of())) {
      if (taker.sink().requestedFromDownstream() > 0) {
        return taker;
      }
    }
    return null;
  }

  private void send(Step step, Instant at) {
    dispatches(step.channel).put(step, at);
    hinted = true;
  }

  private void unsend(Step step) {
    dispatches(step.channel).remove(step);
  }

  private Agenda<Step> dispatches(String channel) {
    return dispatches.computeIfAbsent(channel, c -> new Agenda<>());
  }

  private void troubleAt(Step step, Instant at) {
    step.troubleAt = at;
    if (at.equals(Instant.MAX)) {
      troubles.remove(step);
    } else {
      troubles.put(step, at);
    }
  }

  private @Nullable Step step(StepKey key) {
    Entry task = tasks.get(key.task());
    return task == null ? null : task.steps.get(key.step());
  }

  // == looking ==

  @Override
  public Mono<Task> find(String id) {
    Objects.requireNonNull(id, "id");
    return locked(
        () -> {
          Entry task = tasks.get(id);
          return task == null
              ? null
              : new Task(
                  id,
                  task.asked.kind(),
                  task.state,
                  task.why,
                  Duration.between(task.startedAt, clock.instant()),
                  task.steps.values().stream().map(MemoryTaskStore::view).toList());
        });
  }

  private static Task.Step view(Step step) {
    return new Task.Step(
        step.asked.name(),
        step.channel,
        step.state,
        step.undoing,
        Set.copyOf(step.asked.after()),
        step.attempts,
        step.version,
        step.agent,
        step.note,
        step.output);
  }

  @Override
  public Flux<Summary> query(Query query) {
    Objects.requireNonNull(query, "query");
    return this.<List<Summary>>locked(
            () -> {
              Instant now = clock.instant();
              String after = query.after();
              Collection<Entry> behind =
                  (after == null ? tasks : tasks.tailMap(after, false)).values();
              return behind.stream()
                  .filter(task -> query.kind() == null || task.asked.kind().equals(query.kind()))
                  .filter(task -> query.state() == null || task.state == query.state())
                  .filter(task -> !query.isEscalated() || task.escalated() > 0)
                  .limit(query.limit())
                  .map(
                      task ->
                          new Summary(
                              task.asked.id(),
                              task.asked.kind(),
                              task.state,
                              task.escalated(),
                              Duration.between(task.startedAt, now)))
                  .toList();
            })
        .flatMapIterable(found -> found);
  }

  @Override
  public Mono<Stats> stats() {
    return locked(
        () -> {
          Instant now = clock.instant();
          long running = 0;
          long undoing = 0;
          long escalated = 0;
          long troubled = 0;
          Duration overdue = Duration.ZERO;
          for (Entry task : tasks.values()) {
            running += task.state == Task.State.RUNNING ? 1 : 0;
            undoing += task.state == Task.State.UNDOING ? 1 : 0;
            escalated += task.escalated();
            for (Step step : task.steps.values()) {
              if (!step.troubleAt.isAfter(now)) {
                troubled++;
                Duration waiting = Duration.between(step.troubleAt, now);
                overdue = waiting.compareTo(overdue) > 0 ? waiting : overdue;
              }
            }
          }
          return new Stats(running, undoing, escalated, troubled, overdue);
        });
  }

  @Override
  public Mono<Integer> purge(Duration minAge, int limit) {
    Require.notNegative("minAge", minAge);
    TaskStore.requireLimit(limit);
    return locked(
        () -> {
          Instant now = clock.instant();
          List<String> old =
              tasks.values().stream()
                  .filter(task -> task.state.isFinal())
                  .filter(task -> Duration.between(task.endedAt, now).compareTo(minAge) >= 0)
                  .limit(limit)
                  .map(task -> task.asked.id())
                  .toList();
          old.forEach(tasks::remove);
          return old.size();
        });
  }

  private static void requireAgent(String agent) {
    if (agent.isEmpty() || agent.length() > MAX_AGENT) {
      throw new IllegalArgumentException(
          "agent: " + agent.length() + " characters (expected: 1.." + MAX_AGENT + ")");
    }
  }
}
