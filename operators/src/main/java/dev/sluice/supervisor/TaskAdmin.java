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
import dev.sluice.store.Content;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.Task.StepState;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Query;
import dev.sluice.store.TaskStore.Stats;
import dev.sluice.store.TaskStore.Summary;
import dev.sluice.store.TaskStore.Treatment;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What people can see of tasks, and do about steps that are escalated.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says; those that change something, nothing
 *   <dt>Backpressure
 *   <dd>what is found is held until it is requested, at most as many as were asked for
 *   <dt>Completes/Errors
 *   <dd>completes when the store has it. Fails with {@link dev.sluice.store.StoreFailed} when the
 *       store could not be asked; whether something was changed is then unknown, and {@link #find}
 *       tells. Those that change something fail with an {@link IllegalStateException} if the task
 *       or the step is not as they expect it, and then nothing was changed
 *   <dt>Cancel
 *   <dd>ends the waiting; a change that was sent to the store is made all the same
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on those of the store
 * </dl>
 */
@Experimental
public final class TaskAdmin {

  private final TaskStore store;

  private TaskAdmin(TaskStore store) {
    this.store = Objects.requireNonNull(store, "store");
  }

  /** For the tasks of a store. */
  public static TaskAdmin over(TaskStore store) {
    return new TaskAdmin(store);
  }

  /** Tasks, in the order of their ids; {@link Query#after} turns the page. */
  public Flux<Summary> list(Query query) {
    return store.query(query);
  }

  /** A task with its steps; empty if it is not known. */
  public Mono<Task> find(String id) {
    return store.find(id);
  }

  /** How the tasks are doing, as a health check asks. */
  public Mono<Stats> stats() {
    return store.stats();
  }

  /**
   * Has an escalated step, or its undoing, tried again where it was, with all of its remedies.
   *
   * @param why for people to see: who, and what was repaired
   */
  public Mono<Void> again(StepKey step, String why) {
    return resolve(step, why, stuck -> new Treatment.Again(stuck.channel(), Duration.ZERO, 0));
  }

  /**
   * As {@link #again(StepKey, String)}, on another channel.
   *
   * @param channel its name, 1 to {@value TaskStore#MAX_CHANNEL} characters
   */
  public Mono<Void> again(StepKey step, String channel, String why) {
    Treatment again = new Treatment.Again(channel, Duration.ZERO, 0);
    return resolve(step, why, stuck -> again);
  }

  /**
   * Goes on as if an escalated step had been done, or undone: somebody has seen to that.
   *
   * @param output what it gives to the steps behind it, at most {@value TaskStore#MAX_BODY} bytes;
   *     null for nothing
   * @param why for people to see: who, and what was done
   */
  public Mono<Void> settle(StepKey step, @Nullable Content output, String why) {
    Treatment settle = new Treatment.Settle(output);
    return resolve(step, why, stuck -> settle);
  }

  private Mono<Void> resolve(StepKey key, String why, Function<Task.Step, Treatment> treatment) {
    Objects.requireNonNull(why, "why");
    return store
        .find(key.task())
        .flatMap(task -> Mono.justOrEmpty(task.steps().stream().filter(isCalled(key)).findAny()))
        .filter(step -> step.state() == StepState.ESCALATED)
        .flatMap(step -> store.treat(key, step.version(), treatment.apply(step), why))
        .filter(treated -> treated)
        .switchIfEmpty(
            Mono.error(
                () -> new IllegalStateException("step " + key + " (expected: an escalated one)")))
        .then();
  }

  private static Predicate<Task.Step> isCalled(StepKey key) {
    return step -> step.name().equals(key.step());
  }

  /**
   * Undoes a task, the last step first. Whoever works on a step of it is told to stop.
   *
   * @param why for people to see
   */
  public Mono<Void> undo(String id, String why) {
    return open(id, store.undo(id, why));
  }

  /**
   * Gives a task up where it is. What stands is somebody's to look after.
   *
   * @param why for people to see: who, and why
   */
  public Mono<Void> abandon(String id, String why) {
    return open(id, store.abandon(id, why));
  }

  private static Mono<Void> open(String id, Mono<Boolean> change) {
    return change
        .filter(changed -> changed)
        .switchIfEmpty(
            Mono.error(
                () ->
                    new IllegalStateException("task " + id + " (expected: one that is not over)")))
        .then();
  }

  /**
   * Forgets tasks that are over. One of the same id would be a new one.
   *
   * @param minAge for at least so long
   * @param limit how many at most, 1 to {@value TaskStore#MAX_LIMIT}
   * @return how many; ask again if that is as many as it could be
   */
  public Mono<Integer> purge(Duration minAge, int limit) {
    return store.purge(minAge, limit);
  }
}
