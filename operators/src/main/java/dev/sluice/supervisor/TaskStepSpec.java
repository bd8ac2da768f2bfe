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
import dev.sluice.store.Remedy;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** How a step of a task is done. Immutable: each method returns a changed copy. */
@Experimental
public final class TaskStepSpec {

  static final TaskStepSpec DEFAULT = new TaskStepSpec(Set.of(), Duration.ofMinutes(10), List.of());

  private final Set<String> after;
  private final Duration within;
  private final List<Remedy> remedies;

  private TaskStepSpec(Set<String> after, Duration within, List<Remedy> remedies) {
    this.after = after;
    this.within = within;
    this.remedies = remedies;
  }

  /**
   * The steps that must be done before. Defaults to none: it may begin at once.
   *
   * @param steps names of other steps of the plan
   */
  public TaskStepSpec after(String... steps) {
    return new TaskStepSpec(Set.of(steps), within, remedies);
  }

  /**
   * How long the step may take from the moment at which it may be claimed, what it waits on its
   * channel included; each time anew. Then it is in trouble, and whoever works on it stops.
   * Defaults to 10 min.
   *
   * @param within 1 ms to 365 days
   */
  public TaskStepSpec within(Duration within) {
    return new TaskStepSpec(after, within, remedies);
  }

  /**
   * What is done when the step is in trouble, because it has failed, its agent was not heard of any
   * more, or it was not complete in time: one after the other, then it is escalated. Its undoing
   * has the same remedies, of which {@link Remedy#undoTask()} means that it is escalated. Defaults
   * to none.
   *
   * @param remedies at most 16
   */
  public TaskStepSpec remedies(Remedy... remedies) {
    return new TaskStepSpec(after, within, List.of(remedies));
  }

  Set<String> after() {
    return after;
  }

  Duration within() {
    return within;
  }

  List<Remedy> remedies() {
    return remedies;
  }
}
