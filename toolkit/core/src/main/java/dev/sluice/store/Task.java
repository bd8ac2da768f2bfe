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
package dev.sluice.store;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A task, as a {@link TaskStore} has it.
 *
 * @param kind what sort of task it is
 * @param why what was last said about it as a whole: why it is undone or was abandoned; empty if
 *     nothing was
 * @param age how long ago it was started
 * @param steps in the order in which they were given
 */
public record Task(
    String id, String kind, State state, String why, Duration age, List<Step> steps) {

  /** Where a task is. */
  public enum State {
    /** It goes forward. */
    RUNNING,
    /** What it has done is being undone. */
    UNDOING,
    /** All of its steps are done. */
    DONE,
    /** What it had done is undone. */
    UNDONE,
    /** Somebody has given it up where it was. */
    ABANDONED;

    /** Whether nothing happens any more, by whomever. */
    public boolean isFinal() {
      return this != RUNNING && this != UNDOING;
    }
  }

  /** Where a step is. */
  public enum StepState {
    /** Steps before it are not done, or steps behind it are not undone. */
    WAITING,
    /** Any agent of its channel may claim it. */
    READY,
    /** An agent has it under a lease. */
    RUNNING,
    /** It was not done, and a supervisor is to apply its remedy. */
    FAILED,
    /** It waits until somebody has looked at it. */
    ESCALATED,
    /** It is done. */
    DONE,
    /** It is undone. */
    UNDONE,
    /** It was never begun, and never will be. */
    SKIPPED
  }

  /**
   * A step of a task.
   *
   * @param channel the one on which it is done, or is to be
   * @param undoing whether its undoing is what the state is about
   * @param after the steps that come before it
   * @param attempts how often it was claimed
   * @param version grows with each change of hands
   * @param agent who had it last; empty if nobody had
   * @param note what was last said about it: its progress, or what has failed; empty if nothing was
   * @param output what it gave; null if nothing, or if it is not done
   */
  public record Step(
      String name,
      String channel,
      StepState state,
      boolean undoing,
      Set<String> after,
      int attempts,
      long version,
      String agent,
      String note,
      @Nullable Content output) {

    public Step {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(channel, "channel");
      Objects.requireNonNull(state, "state");
      Objects.requireNonNull(agent, "agent");
      Objects.requireNonNull(note, "note");
      after = Set.copyOf(after);
    }
  }

  public Task {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(why, "why");
    Objects.requireNonNull(age, "age");
    steps = List.copyOf(steps);
  }

  /**
   * A step of it.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public Step step(String name) {
    return steps.stream()
        .filter(step -> step.name().equals(name))
        .findAny()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "step: \""
                        + name
                        + "\" (expected: one of "
                        + steps.stream().map(Step::name).toList()
                        + ")"));
  }
}
