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

import dev.sluice.store.Remedy;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;
import java.time.Duration;
import java.util.List;

/** Which remedy is next. What was used up is one number: the tries of all remedies, in order. */
final class Remedies {

  private Remedies() {}

  static Treatment next(Trouble trouble) {
    if (trouble.taskUndoing() && !trouble.undoing()) {
      return new Treatment.Undo(); // it was waited for
    }
    int from = 0;
    for (Remedy remedy : trouble.remedies()) {
      int used = trouble.tried() - from;
      if (remedy instanceof Remedy.Retry retry) {
        if (used < retry.max() && !trouble.forGood()) {
          int before = Math.max(0, used);
          return new Treatment.Again(
              trouble.channel(), retry.waitBefore(before), from + before + 1);
        }
        from += retry.max();
      } else if (remedy instanceof Remedy.Reassign reassign) {
        if (used < 1) {
          return new Treatment.Again(reassign.channel(), Duration.ZERO, from + 1);
        }
        from++;
      } else {
        return remedy instanceof Remedy.UndoTask && !trouble.undoing()
            ? new Treatment.Undo()
            : new Treatment.Escalate();
      }
    }
    return new Treatment.Escalate();
  }

  static List<String> channels(List<Remedy> remedies) {
    return remedies.stream()
        .filter(Remedy.Reassign.class::isInstance)
        .map(remedy -> ((Remedy.Reassign) remedy).channel())
        .toList();
  }
}
