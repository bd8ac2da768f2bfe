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
import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.TaskStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/**
 * The steps of a task, and which come before which. A value: it is kept with the task, so that
 * whoever goes on with the task needs no code of it. Immutable: each method returns a changed copy.
 *
 * <pre>{@code
 * TaskPlan turnaround =
 *     TaskPlan.of("turnaround")
 *         .step("fuel", "fuel", flight, utf8, s -> s.remedies(retry(3, ofSeconds(1)), undoTask()))
 *         .step("clean", "clean", flight, utf8, s -> s.remedies(reassign("clean.spare")))
 *         .step("load", "load", flight, utf8, s -> s.after("fuel", "clean"));
 * }</pre>
 */
@Experimental
public final class TaskPlan {

  private final String kind;
  private final List<NewTask.Step> steps;

  private TaskPlan(String kind, List<NewTask.Step> steps) {
    this.kind = kind;
    this.steps = steps;
  }

  /**
   * A plan without steps.
   *
   * @param kind what sort of task it is, 1 to {@value TaskStore#MAX_KIND} characters
   */
  public static TaskPlan of(String kind) {
    return new TaskPlan(Objects.requireNonNull(kind, "kind"), List.of());
  }

  /**
   * Adds a step with the default options.
   *
   * @see #step(String, String, Object, PayloadCodec, UnaryOperator)
   */
  public <I> TaskPlan step(String name, String channel, I input, PayloadCodec<I> inputs) {
    return step(name, channel, input, inputs, s -> s);
  }

  /**
   * Adds a step.
   *
   * @param name one of its own within the plan, 1 to {@value TaskStore#MAX_STEP} characters
   * @param channel the name of the one on which it is done, 1 to {@value TaskStore#MAX_CHANNEL}
   *     characters
   * @param input what its agent is given
   * @param inputs writes the input, at most {@value TaskStore#MAX_BODY} bytes
   * @param spec the options, from defaults: after nothing, within 10 minutes, escalated when it is
   *     in trouble
   * @throws IllegalArgumentException if something is out of range
   */
  public <I> TaskPlan step(
      String name,
      String channel,
      I input,
      PayloadCodec<I> inputs,
      UnaryOperator<TaskStepSpec> spec) {
    TaskStepSpec options = spec.apply(TaskStepSpec.DEFAULT);
    List<NewTask.Step> more = new ArrayList<>(steps);
    more.add(
        new NewTask.Step(
            name,
            channel,
            Content.of(inputs.contentType(), inputs.encode(Message.of(input))),
            options.after(),
            options.within(),
            options.remedies()));
    return new TaskPlan(kind, List.copyOf(more));
  }

  /** The channels of its steps and of their remedies. */
  Set<String> channels() {
    Set<String> channels = new TreeSet<>();
    for (NewTask.Step step : steps) {
      channels.add(step.channel());
      channels.addAll(Remedies.channels(step.remedies()));
    }
    return channels;
  }

  NewTask task(String id) {
    return new NewTask(id, kind, steps);
  }

  /**
   * The steps and their order, as a Mermaid graph for a page.
   *
   * @throws IllegalArgumentException if there are no steps, or their order has a cycle
   */
  public String toMermaid() {
    StringBuilder graph = new StringBuilder("graph LR\n");
    List<NewTask.Step> all = task("graph").steps();
    for (NewTask.Step step : all) {
      graph.append("  s").append(all.indexOf(step)).append("[\"");
      graph.append(step.name().replace("\"", "#quot;")).append("\"]\n");
    }
    for (NewTask.Step step : all) {
      for (NewTask.Step before : all) {
        if (step.after().contains(before.name())) {
          graph.append("  s").append(all.indexOf(before));
          graph.append(" --> s").append(all.indexOf(step)).append('\n');
        }
      }
    }
    return graph.toString();
  }

  @Override
  public String toString() {
    return "plan of " + kind + ", " + steps.stream().map(NewTask.Step::name).toList();
  }
}
