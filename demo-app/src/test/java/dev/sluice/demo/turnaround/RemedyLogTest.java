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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.sluice.demo.turnaround.RemedyLog.Remedied;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Cause;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is told of a supervisor. */
class RemedyLogTest {

  private final RemedyLog log = new RemedyLog(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));

  private static Trouble trouble(String step, Cause cause) {
    return new Trouble(
        new StepKey("00000000001-00000002-B6108-2013-07-08", step),
        "turnaround",
        GroundCrew.channelOf(step),
        List.of(),
        0,
        cause,
        false,
        false,
        false,
        "",
        1);
  }

  @Test
  void tellsWhatWasDoneAboutWhichStepTheNewestFirst() {
    log.treated(
        trouble("fuel", Cause.OVERDUE),
        new Treatment.Again(GroundCrew.channelOf("standby"), Duration.ZERO, 1));
    log.treated(trouble("clean", Cause.EXPIRED), new Treatment.Undo());
    log.treated(trouble("load", Cause.FAILED), new Treatment.Escalate());

    assertThat(log.last())
        .extracting(
            Remedied::departure, Remedied::step, Remedied::crew, Remedied::remedy, Remedied::to)
        .containsExactly(
            tuple("B6108-2013-07-08", "load", "load", "ESCALATED", ""),
            tuple("B6108-2013-07-08", "clean", "clean", "UNDONE", ""),
            tuple("B6108-2013-07-08", "fuel", "fuel", "REASSIGNED", "standby"));
  }

  @Test
  void forgetsTheOldest() {
    for (int i = 0; i < 20; i++) {
      log.treated(trouble("fuel" + i, Cause.FAILED), new Treatment.Undo());
    }

    assertThat(log.last()).hasSize(8);
    assertThat(log.last().get(0).step()).isEqualTo("fuel19");
  }
}
