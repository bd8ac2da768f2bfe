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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A task that is to be started: steps, and which come before which.
 *
 * @param id 1 to {@value TaskStore#MAX_ID} characters; what is started again with the same id is
 *     the same task
 * @param kind what sort of task it is, 1 to {@value TaskStore#MAX_KIND} characters
 * @param steps 1 to {@value TaskStore#MAX_STEPS}
 */
public record NewTask(String id, String kind, List<Step> steps) {

  /**
   * A step of it.
   *
   * @param name one of its own within the task, 1 to {@value TaskStore#MAX_STEP} characters
   * @param channel the name of the one on which it is done, 1 to {@value TaskStore#MAX_CHANNEL}
   *     characters
   * @param input what its agent is given, at most {@value TaskStore#MAX_BODY} bytes
   * @param after the names of the steps that must be done before
   * @param within how long it may take from the moment at which it may be claimed, 1 ms to 365 days
   * @param remedies what is done when it is in trouble, one after the other, at most {@value
   *     TaskStore#MAX_REMEDIES}; what {@link Remedy.UndoTask} and {@link Remedy.Escalate} are
   *     followed by never comes. When they are used up, or there are none, it is escalated
   */
  public record Step(
      String name,
      String channel,
      Content input,
      Set<String> after,
      Duration within,
      List<Remedy> remedies) {

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if an argument is out of range
     */
    public Step {
      StoredText.require("step", name, TaskStore.MAX_STEP);
      StoredText.require("channel", channel, TaskStore.MAX_CHANNEL);
      TaskStore.requireBody("input", input);
      after = Set.copyOf(after);
      Times.between("within", within, Duration.ofMillis(1), Times.LONGEST);
      remedies = List.copyOf(remedies);
      if (remedies.size() > TaskStore.MAX_REMEDIES) {
        throw new IllegalArgumentException(
            "remedies: " + remedies.size() + " (expected: <= " + TaskStore.MAX_REMEDIES + ")");
      }
      for (Remedy remedy : remedies.subList(0, Math.max(0, remedies.size() - 1))) {
        if (remedy instanceof Remedy.UndoTask || remedy instanceof Remedy.Escalate) {
          throw new IllegalArgumentException(
              "remedies: "
                  + Remedy.format(remedy)
                  + " of "
                  + remedies.size()
                  + " (expected: as the last one)");
        }
      }
    }
  }

  /**
   * Checks it.
   *
   * @throws IllegalArgumentException if an argument is out of range, two steps have one name, or a
   *     step comes after one that is not there, or after itself
   */
  public NewTask {
    StoredText.require("id", id, TaskStore.MAX_ID);
    StoredText.require("kind", kind, TaskStore.MAX_KIND);
    steps = List.copyOf(steps);
    if (steps.isEmpty() || steps.size() > TaskStore.MAX_STEPS) {
      throw new IllegalArgumentException(
          "steps: " + steps.size() + " (expected: 1.." + TaskStore.MAX_STEPS + ")");
    }
    Map<String, Step> byName = new HashMap<>();
    for (Step step : steps) {
      if (byName.putIfAbsent(step.name(), step) != null) {
        throw new IllegalArgumentException(
            "step: another \"" + step.name() + "\" (expected: one of each name)");
      }
    }
    for (Step step : steps) {
      for (String before : step.after()) {
        if (!byName.containsKey(before)) {
          throw new IllegalArgumentException(
              "step \""
                  + step.name()
                  + "\" after: \""
                  + before
                  + "\" (expected: a step of the task)");
        }
      }
    }
    requireOrder(steps);
  }

  private static void requireOrder(List<Step> steps) {
    Set<String> ordered = new HashSet<>();
    boolean more = true;
    while (more) {
      more = false;
      for (Step step : steps) {
        if (!ordered.contains(step.name()) && ordered.containsAll(step.after())) {
          more = ordered.add(step.name());
        }
      }
    }
    if (ordered.size() < steps.size()) {
      throw new IllegalArgumentException(
          "steps: "
              + steps.stream().map(Step::name).filter(name -> !ordered.contains(name)).toList()
              + " (expected: none that comes after itself)");
    }
  }
}
