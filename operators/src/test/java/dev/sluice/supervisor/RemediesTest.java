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

import static dev.sluice.store.Remedy.escalate;
import static dev.sluice.store.Remedy.reassign;
import static dev.sluice.store.Remedy.retry;
import static dev.sluice.store.Remedy.undoTask;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.Remedy;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Cause;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Treatment.Again;
import dev.sluice.store.TaskStore.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which remedy is next. */
class RemediesTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private static Trouble trouble(int tried, boolean forGood, Remedy... remedies) {
    return new Trouble(
        new StepKey("task", "step"),
        "kind",
        "here",
        List.of(remedies),
        tried,
        Cause.FAILED,
        forGood,
        false,
        false,
        "",
        1);
  }

  private static Trouble undoing(Remedy... remedies) {
    return new Trouble(
        new StepKey("task", "step"),
        "kind",
        "here",
        List.of(remedies),
        0,
        Cause.EXPIRED,
        false,
        true,
        true,
        "",
        1);
  }

  /** What is done until it is not tried again any more. */
  private static List<Treatment> all(boolean forGood, Remedy... remedies) {
    List<Treatment> all = new ArrayList<>();
    Treatment next = Remedies.next(trouble(0, forGood, remedies));
    while (next instanceof Again again) {
      all.add(again);
      next = Remedies.next(trouble(again.tried(), forGood, remedies));
    }
    all.add(next);
    return all;
  }

  @Test
  void oneAfterTheOther() {
    assertThat(all(false, retry(2, SECOND), reassign("there"), retry(1, SECOND), undoTask()))
        .containsExactly(
            new Again("here", SECOND, 1),
            new Again("here", SECOND.multipliedBy(2), 2),
            new Again("there", Duration.ZERO, 3),
            new Again("here", SECOND, 4),
            new Treatment.Undo());
  }

  @Test
  void escalatedWhenThereIsNone() {
    assertThat(all(false)).containsExactly(new Treatment.Escalate());
    assertThat(all(false, escalate())).containsExactly(new Treatment.Escalate());
    assertThat(all(false, reassign("there")))
        .containsExactly(new Again("there", Duration.ZERO, 1), new Treatment.Escalate());
  }

  @Test
  void noRetryOfWhatIsRefusedForGood() {
    assertThat(all(true, retry(2, SECOND), reassign("a"), retry(2, SECOND), reassign("b")))
        .containsExactly(
            new Again("a", Duration.ZERO, 3),
            new Again("b", Duration.ZERO, 6),
            new Treatment.Escalate());
  }

  @Test
  void aRefusalInTheMiddleOfRetriesEndsThem() {
    assertThat(Remedies.next(trouble(1, true, retry(3, SECOND), reassign("there"))))
        .isEqualTo(new Again("there", Duration.ZERO, 4));
    assertThat(Remedies.next(trouble(4, false, retry(3, SECOND), reassign("there"), undoTask())))
        .isEqualTo(new Treatment.Undo());
  }

  @Test
  void anUndoingIsTriedAgainAndNeverUndone() {
    assertThat(Remedies.next(undoing(retry(3, SECOND), undoTask())))
        .isEqualTo(new Again("here", SECOND, 1));
    assertThat(Remedies.next(undoing(undoTask()))).isEqualTo(new Treatment.Escalate());
  }

  @Test
  void whatWasWaitedForWhileItsTaskIsUndoneIsUndone() {
    Trouble waitedFor =
        new Trouble(
            new StepKey("task", "step"),
            "kind",
            "here",
            List.of(retry(3, SECOND)),
            0,
            Cause.EXPIRED,
            false,
            false,
            true,
            "",
            1);
    assertThat(Remedies.next(waitedFor)).isEqualTo(new Treatment.Undo());
  }
}
