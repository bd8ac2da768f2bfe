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

import dev.sluice.store.TaskStore.Cause;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;
import dev.sluice.supervisor.SupervisorListener;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** What the supervisor of this process has done about steps in trouble, lately. Thread-safe. */
final class RemedyLog implements SupervisorListener {

  private static final int LAST = 8;

  private final Clock clock;
  private final Deque<Remedied> last = new ArrayDeque<>(); // guarded by itself

  RemedyLog(Clock clock) {
    this.clock = clock;
  }

  /**
   * Something that was done.
   *
   * @param departure the key of the departure whose turnaround it was
   * @param step the step in trouble
   * @param crew who had it, or was to have it
   * @param cause what the trouble was
   * @param remedy {@code REASSIGNED}, {@code UNDONE} or {@code ESCALATED}
   * @param to the crew that it was given to; empty if to none
   */
  record Remedied(
      Instant at,
      String departure,
      String step,
      String crew,
      Cause cause,
      String remedy,
      String to) {}

  @Override
  public void treated(Trouble trouble, Treatment treatment) {
    Remedied remedied = remedied(trouble, treatment);
    synchronized (last) {
      last.addFirst(remedied);
      if (last.size() > LAST) {
        last.removeLast();
      }
    }
  }

  private Remedied remedied(Trouble trouble, Treatment treatment) {
    String remedy = "ESCALATED";
    String to = "";
    if (treatment instanceof Treatment.Again again) {
      remedy = "REASSIGNED";
      to = GroundCrew.of(again.channel());
    } else if (treatment instanceof Treatment.Undo) {
      remedy = "UNDONE";
    }
    return new Remedied(
        clock.instant(),
        TurnaroundView.departure(trouble.key().task()),
        trouble.key().step(),
        GroundCrew.of(trouble.channel()),
        trouble.cause(),
        remedy,
        to);
  }

  /** The last {@value #LAST}, the newest first. */
  List<Remedied> last() {
    synchronized (last) {
      return List.copyOf(last);
    }
  }
}
