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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.NewTask;
import dev.sluice.store.Task;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Dispatch;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Starts tasks, and sends each step to its channel when those before it are done. Any number may
 * work on one store: each step is sent by one of them, and by any that finds it later if that one
 * has died.
 *
 * <p>What is to be sent is in the store with the state of the step, so that a crash between the two
 * cannot be: a step that was not sent, or whose message was lost, is sent again after {@link
 * SchedulerSpec#again}. A message that comes twice is absorbed by the agent. What this process
 * makes ready, its scheduler takes with the change that makes it so; it looks for the rest when the
 * store hints that there is some, and now and then.
 *
 * <p>A channel that is slow or full delays no other. At most 384 messages are on their way to each.
 *
 * <p><img src="doc-files/supervisor.svg" alt="An agent that dies is not heard of for its lease; the
 * supervisor has its step done again, and the task goes on">
 */
@Experimental
public final class TaskScheduler implements Metered {

  private static final Logger log = LoggerFactory.getLogger(TaskScheduler.class);

  /** As many are taken at once; a channel to which so many are on their way gets none. */
  private static final int BATCH = 128;

  /** A channel, and how many messages are on their way to it. */
  private static final class Target {
    final Outbound<byte[]> channel;
    final AtomicInteger onTheirWay = new AtomicInteger();
    volatile boolean leftOut;

    Target(Outbound<byte[]> channel) {
      this.channel = channel;
    }

    /** Says first that it was left out, so that whoever makes room meanwhile sees it. */
    boolean hasRoom() {
      leftOut = true;
      if (onTheirWay.get() >= BATCH) {
        return false;
      }
      leftOut = false;
      return true;
    }
  }

  private final TaskStore store;
  private final Map<String, Target> targets = new LinkedHashMap<>();
  private final SchedulerSpec spec;
  private final Rounds rounds;
  private final Disposable.Swap hints = Disposables.swap();
  private final Sinks.Empty<Void> stopping = Sinks.empty();
  private final LongAdder sent = new LongAdder();
  private final LongAdder unsent = new LongAdder();

  private TaskScheduler(
      TaskStore store, List<? extends Outbound<byte[]>> channels, SchedulerSpec spec) {
    this.store = Objects.requireNonNull(store, "store");
    this.spec = spec;
    for (Outbound<byte[]> channel : channels) {
      if (targets.put(channel.name(), new Target(channel)) != null) {
        throw new IllegalArgumentException(
            "channels: another \"" + channel.name() + "\" (expected: one of each name)");
      }
    }
    this.rounds = new Rounds(spec.pollInterval(), spec.timer(), log, this::round);
  }

  /**
   * Begins to send out steps, with the default options.
   *
   * @see #start(TaskStore, List, UnaryOperator)
   */
  public static TaskScheduler start(TaskStore store, List<? extends Outbound<byte[]>> channels) {
    return start(store, channels, s -> s);
  }

  /**
   * Begins to send out the steps of all tasks of a store that are done on these channels.
   *
   * @param channels those of the agents, each name once
   * @param spec the options, from defaults: it looks every second, and sends again after a minute
   * @throws IllegalArgumentException if two channels have one name, or an option is out of range
   */
  public static TaskScheduler start(
      TaskStore store,
      List<? extends Outbound<byte[]>> channels,
      UnaryOperator<SchedulerSpec> spec) {
    TaskScheduler scheduler = new TaskScheduler(store, channels, spec.apply(SchedulerSpec.DEFAULT));
    scheduler.begin();
    return scheduler;
  }

  private void begin() {
    targets.keySet().forEach(this::take);
    hints.update(
        store
            .hints()
            .subscribe(hint -> rounds.wake(), error -> log.warn("no hints: {}", error.toString())));
    rounds.start();
  }

  /**
   * Starts a task. May be repeated: with an id that is known nothing happens.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>true when the store has it: from then on it survives everything that the store does.
   *       False if there is one of that id
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with {@link dev.sluice.store.StoreFailed} if the store could not be asked; whether
   *       it was started is then unknown, and it may be started again with the same id
   *   <dt>Cancel
   *   <dd>ends the waiting, not the start
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a scheduler of the store
   * </dl>
   *
   * @param id of its own, 1 to {@value TaskStore#MAX_ID} characters
   * @throws IllegalArgumentException if the plan has no steps, a step that comes after itself or
   *     after one that is not there, or a channel that this scheduler was not given
   */
  public Mono<Boolean> run(String id, TaskPlan plan) {
    NewTask task = plan.task(id);
    Set<String> unknown = plan.channels();
    unknown.removeAll(targets.keySet());
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "channels: " + unknown + " (expected: among " + targets.keySet() + ")");
    }
    return store.start(task);
  }

  /**
   * Waits for the end of a task, wherever it is worked on. It asks the store now and then, as
   * {@link SchedulerSpec#pollInterval} says, for as long as it is subscribed to.
   *
   * @return emits the task when it is done, undone or abandoned; empty if it is not known; fails
   *     with {@link dev.sluice.store.StoreFailed} if the store could not be asked
   */
  public Mono<Task> ended(String id) {
    return Mono.defer(() -> store.find(id))
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty())
        .filter(found -> found.isEmpty() || found.get().state().isFinal())
        .repeatWhenEmpty(asked -> asked.delayElements(spec.pollInterval(), spec.timer()))
        .flatMap(Mono::justOrEmpty);
  }

  private Mono<Boolean> round() {
    List<String> free =
        targets.values().stream()
            .filter(Target::hasRoom)
            .map(target -> target.channel.name())
            .toList();
    return store
        .dispatch(free, BATCH, spec.again())
        .doOnNext(dispatch -> send(dispatch).subscribe())
        .count()
        .map(many -> many == BATCH);
  }

  /** What has come when it stops is sent; the rest is given back. */
  private void take(String channel) {
    store
        .readied(channel, spec.again())
        .takeUntilOther(stopping.asMono())
        .publishOn(spec.timer(), BATCH)
        .flatMap(this::send, BATCH)
        .subscribe(nothing -> {}, error -> log.warn("only looks for steps: {}", error.toString()));
  }

  /** Never fails: one that is not sent is sent again, by whoever finds it then. */
  private Mono<Void> send(Dispatch dispatch) {
    Target target = Objects.requireNonNull(targets.get(dispatch.channel()));
    return Mono.defer(
            () -> {
              target.onTheirWay.incrementAndGet();
              return target.channel.send(StepMessage.of(dispatch));
            })
        .timeout(spec.again(), spec.timer())
        .doOnNext(receipt -> sent.increment())
        .doOnError(
            error -> {
              unsent.increment();
              log.warn(
                  "step {} is not sent to {}, for now: {}",
                  dispatch.key(),
                  dispatch.channel(),
                  error.toString());
            })
        .doOnTerminate(() -> free(target))
        .onErrorComplete()
        .then();
  }

  private void free(Target target) {
    if (target.onTheirWay.decrementAndGet() < BATCH && target.leftOut) {
      target.leftOut = false;
      rounds.wake();
    }
  }

  /**
   * Sends no more from now on; what others send is not affected.
   *
   * @return completes when nothing is taken any more; what is on its way may still arrive
   */
  public Mono<Void> stop() {
    return rounds
        .stop()
        .doOnSubscribe(
            stop -> {
              stopping.tryEmitEmpty();
              hints.dispose();
            });
  }

  /** {@code sluice.task.sent} and {@code sluice.task.unsent}: sends of steps, repeated ones too. */
  @Override
  public void meters(Meters meters) {
    meters.counter("sluice.task.sent", "messages", "Steps sent to their channels", sent::sum);
    meters.counter(
        "sluice.task.unsent",
        "messages",
        "Steps that could not be sent and will be again",
        unsent::sum);
  }
}
