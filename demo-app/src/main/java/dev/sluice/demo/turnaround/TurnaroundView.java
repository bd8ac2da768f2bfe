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

import dev.sluice.store.Task;
import dev.sluice.store.Task.State;
import dev.sluice.store.Task.StepState;
import java.util.List;

/**
 * A turnaround, as people see it.
 *
 * @param departure the key of the departure that it is for, from its id
 * @param why what was last said about it: why it is undone; empty if nothing was
 */
record TurnaroundView(String id, String departure, State state, String why, List<Step> steps) {

  /** Up to the departure: when it was begun, and a number that nobody else has. */
  private static final int BEFORE_DEPARTURE = 21;

  /**
   * A step of it.
   *
   * @param crew who does it, or is to do it
   * @param undoing whether its undoing is what the state is about
   * @param attempts how often it was begun
   * @param note what was last said about it; empty if nothing was
   */
  record Step(
      String name, String crew, StepState state, boolean undoing, int attempts, String note) {}

  static TurnaroundView of(Task task) {
    return new TurnaroundView(
        task.id(),
        departure(task.id()),
        task.state(),
        task.why(),
        task.steps().stream()
            .map(
                step ->
                    new Step(
                        step.name(),
                        GroundCrew.of(step.channel()),
                        step.state(),
                        step.undoing(),
                        step.attempts(),
                        step.note()))
            .toList());
  }

  static String departure(String id) {
    return id.length() <= BEFORE_DEPARTURE ? "" : id.substring(BEFORE_DEPARTURE);
  }
}
