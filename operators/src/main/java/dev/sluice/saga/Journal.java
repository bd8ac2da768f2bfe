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
package dev.sluice.saga;

import dev.sluice.saga.MonoSagaStep.StepMain;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one saga has begun and what has come of it, in the order in which it began; and with that,
 * whether it may go on, forward or backward.
 *
 * <p>One lock, held for a few instructions and never while code of the user runs: steps of parallel
 * branches begin and end on any thread, and whether a step may begin depends on all the others.
 */
final class Journal {

  /*
   * Everything here, and the fields of a step that say so, is guarded by this.
   * I1 a step that is in the journal when it is sealed is awaited; none gets in afterwards.
   * I2 running is the number of steps in the state RUNNING.
   * I3 while a pivot runs nothing else does.
   * I4 once the pivot has passed nothing but the body seals the journal.
   */

  private static final Comparator<Step<?, ?>> LATEST_FIRST =
      Comparator.comparingLong(step -> -step.order);

  private final int maxSteps;
  private final List<Step<?, ?>> steps = new ArrayList<>(8);
  private int running;
  private @Nullable Step<?, ?> runningPivot;
  private boolean pivotPassed;
  private @Nullable Throwable stopWanted;
  private volatile @Nullable Ending ending; // written under the lock
  private boolean turned;

  Journal(int maxSteps) {
    this.maxSteps = maxSteps;
  }

  // == forward ==

  /**
   * Registers a step, and with it its compensation, before its action is called.
   *
   * @param known the step of that name and key as the caller has found it before
   * @return the step given if it is to begin; otherwise the one that is in the journal in its place
   */
  synchronized Step<?, ?> intent(Step<?, ?> step, @Nullable Step<?, ?> known) {
    if (ending != null) {
      throw new StepRefused(step.describe());
    }
    int revision = revisionOf(step);
    if (revision >= 0) {
      Step<?, ?> before = steps.get(revision);
      if (before != known || !before.hasFailed()) {
        return before;
      }
      step.doubtful = before.doubtful;
    } else if (steps.size() == maxSteps) {
      throw new IllegalStateException(
          step.describe() + " is one more than maxSteps: " + maxSteps + " (expected: fewer steps)");
    }
    if (runningPivot != null || (step.isPivot() && running > 0)) {
      throw new IllegalStateException(
          (runningPivot == null ? step.describe() : runningPivot.describe())
              + " is a pivot and runs beside another step (expected: alone)");
    }
    if (revision >= 0) {
      steps.set(revision, step);
    } else {
      steps.add(step);
    }
    running++;
    if (step.isPivot()) {
      runningPivot = step;
    }
    return step;
  }

  private int revisionOf(Step<?, ?> step) {
    for (int i = steps.size() - 1; i >= 0; i--) {
      if (steps.get(i).isAgain(step)) {
        return i;
      }
    }
    return -1;
  }

  synchronized <O> void done(Step<?, O> step, @Nullable O output) {
    step.state = Step.State.DONE;
    step.output = output;
    step.used = step.isAwaited();
    running--;
    if (step.isPivot()) {
      runningPivot = null;
      pivotPassed = true;
      stopWanted = null; // too late
    }
  }

  /**
   * Somebody asks what a step has given.
   *
   * @return what the step is now; while it is running the waiter is kept
   */
  synchronized <I, O> Step.State ask(Step<I, O> step, StepMain<I, O> waiter) {
    if (step.state == Step.State.RUNNING) {
      step.keep(waiter);
    } else if (step.state == Step.State.DONE) {
      step.used = true;
    }
    return step.state;
  }

  synchronized void failed(Step<?, ?> step, Throwable error) {
    step.state = step.doubtful ? Step.State.UNKNOWN : Step.State.FAILED;
    step.error = error;
    running--;
    if (step == runningPivot) {
      runningPivot = null;
      if (step.doubtful && step.plan.spec().compensation() == null) {
        pivotPassed = true; // it may have, and nobody can undo it
      }
    }
  }

  synchronized boolean pivotPassed() {
    return pivotPassed;
  }

  // == the end ==

  /** How the body has ended, or was ended. */
  record Ending(@Nullable Object value, @Nullable Throwable cause) {}

  /** The body has ended. False if the saga was ending already. */
  synchronized boolean end(Ending how) {
    if (ending != null) {
      return false;
    }
    ending = how;
    return true;
  }

  /**
   * A cancel or a timeout. False if it does not end the saga: it is ending already, the pivot has
   * passed, or runs, in which case {@link #stopWanted} tells the cause once it has failed.
   */
  synchronized boolean stop(Throwable cause) {
    if (ending != null || pivotPassed) {
      return false;
    }
    if (runningPivot != null) {
      if (stopWanted == null) {
        stopWanted = cause;
      }
      return false;
    }
    ending = new Ending(null, cause);
    return true;
  }

  synchronized @Nullable Throwable stopWanted() {
    return runningPivot == null ? stopWanted : null;
  }

  @Nullable Ending ending() {
    return ending;
  }

  /** True once: when the saga is ending and nothing runs any more. */
  synchronized boolean turn() {
    if (ending == null || running > 0 || turned) {
      return false;
    }
    turned = true;
    return true;
  }

  synchronized boolean turned() {
    return turned;
  }

  synchronized List<Step<?, ?>> running() {
    if (running == 0) {
      return List.of();
    }
    return steps.stream().filter(step -> step.state == Step.State.RUNNING).toList();
  }

  /**
   * What is to be compensated, the last one first.
   *
   * @param all whether also what the body has made use of
   */
  synchronized List<Step<?, ?>> toUndo(boolean all) {
    List<Step<?, ?>> undo = null; // as a rule there is nothing
    for (Step<?, ?> step : steps) {
      if (step.stands() && (all || step.state == Step.State.UNKNOWN || !step.used)) {
        undo = undo == null ? new ArrayList<>() : undo;
        undo.add(step);
      }
    }
    if (undo == null) {
      return List.of();
    }
    Collections.reverse(undo);
    undo.sort(LATEST_FIRST); // those of a saga in memory have no order and stay as they are
    return undo;
  }

  synchronized void undone(Step<?, ?> step) {
    step.state = Step.State.UNDONE;
  }

  /** What a step has failed with, if it has. */
  synchronized @Nullable Throwable errorOf(String name, String key) {
    for (Step<?, ?> step : steps) {
      if (step.plan.name().equals(name) && step.key.equals(key)) {
        return step.error;
      }
    }
    return null;
  }

  /** The step whose error this is, or is a cause of it. */
  synchronized @Nullable Step<?, ?> stepOf(Throwable error) {
    Throwable e = error;
    for (int depth = 0; e != null && depth < 16; depth++) {
      for (Step<?, ?> step : steps) {
        if (step.error == e) {
          return step;
        }
      }
      e = e.getCause();
    }
    return null;
  }
}
