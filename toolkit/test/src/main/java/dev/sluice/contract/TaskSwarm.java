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

import dev.sluice.store.StepKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What the steps of tasks do to the world: it outlives whoever does them, recognises repetitions by
 * their key, and refuses who was away by its fence.
 */
final class TaskSwarm {

  private static final class Effect {
    boolean stands;
    int effects;
    int undoings;
    long fence;
    boolean done;
    boolean undone;
  }

  private final Map<String, Set<String>> order;
  private final Map<StepKey, Effect> effects = new HashMap<>();
  private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
  private int repeated;
  private int refused;

  /**
   * @param order the steps, each with those before it
   */
  TaskSwarm(Map<String, Set<String>> order) {
    this.order = order;
  }

  private Effect effect(StepKey key) {
    return effects.computeIfAbsent(key, k -> new Effect());
  }

  private boolean stands(String task, String step) {
    return effect(new StepKey(task, step)).stands;
  }

  /** Whether it counts: not for one who was away. */
  synchronized boolean act(StepKey key, long fence) {
    Effect effect = effect(key);
    if (!isNewest(key, effect, fence)) {
      return false;
    }
    if (effect.done) {
      violations.add(key + " again, although the store knew that it was done");
    }
    if (effect.stands) {
      repeated++;
      return true;
    }
    for (String before : Objects.requireNonNull(order.get(key.step()))) {
      if (!stands(key.task(), before)) {
        violations.add(key + " before " + before);
      }
    }
    effect.stands = true;
    effect.effects++;
    if (effect.effects > 1 || effect.undoings > 0) {
      violations.add(key + " has " + effect.effects + " effects, undone " + effect.undoings);
    }
    return true;
  }

  synchronized boolean undo(StepKey key, long fence) {
    Effect effect = effect(key);
    if (!isNewest(key, effect, fence)) {
      return false;
    }
    if (effect.undone) {
      violations.add(key + " undone again, although the store knew that it was");
    }
    order.forEach(
        (step, before) -> {
          if (before.contains(key.step()) && stands(key.task(), step)) {
            violations.add(key + " undone before " + step);
          }
        });
    effect.stands = false;
    effect.undoings++;
    return true;
  }

  /** The store knows that it is done, or undone: from now on nobody is given it for that. */
  synchronized void known(StepKey key, boolean undoing) {
    Effect effect = effect(key);
    if (undoing) {
      effect.undone = true;
    } else {
      effect.done = true;
    }
  }

  private boolean isNewest(StepKey key, Effect effect, long fence) {
    if (fence == effect.fence) {
      violations.add(key + " by two with fence " + fence);
    }
    if (fence < effect.fence) {
      refused++;
      return false;
    }
    effect.fence = fence;
    return true;
  }

  synchronized int standing(String task) {
    return (int) order.keySet().stream().filter(step -> stands(task, step)).count();
  }

  void violated(String what) {
    violations.add(what);
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  @Override
  public synchronized String toString() {
    return effects.size() + " effects, " + repeated + " repeated, " + refused + " refused";
  }
}
