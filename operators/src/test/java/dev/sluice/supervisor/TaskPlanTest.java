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
import static dev.sluice.store.Remedy.retry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.codec.StringCodec;
import dev.sluice.store.Remedy;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Plans say what is wrong with them, and remedies are text that can be read again. */
class TaskPlanTest {

  private static final StringCodec UTF8 = StringCodec.utf8();
  private static final TaskPlan PLAN = TaskPlan.of("turnaround").step("fuel", "fuel", "", UTF8);

  private static void refuses(String message, TaskPlan plan) {
    assertThatIllegalArgumentException().isThrownBy(() -> plan.task("LX1")).withMessage(message);
  }

  @Test
  void needSteps() {
    refuses("steps: 0 (expected: 1..64)", TaskPlan.of("turnaround"));
    TaskPlan many = PLAN;
    for (int i = 0; i < 64; i++) {
      many = many.step("step " + i, "fuel", "", UTF8);
    }
    refuses("steps: 65 (expected: 1..64)", many);
  }

  @Test
  void needStepsWithNamesOfTheirOwnInAnOrder() {
    refuses(
        "step: another \"fuel\" (expected: one of each name)", PLAN.step("fuel", "fuel", "", UTF8));
    refuses(
        "step \"load\" after: \"cater\" (expected: a step of the task)",
        PLAN.step("load", "load", "", UTF8, s -> s.after("cater")));
    refuses(
        "steps: [load, push] (expected: none that comes after itself)",
        PLAN.step("load", "load", "", UTF8, s -> s.after("fuel", "push"))
            .step("push", "push", "", UTF8, s -> s.after("load")));
  }

  @Test
  void refuseWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PLAN.step("", "fuel", "", UTF8))
        .withMessage("step: 0 characters (expected: 1..100)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PLAN.step("a", "fuel", "", UTF8, s -> s.within(Duration.ZERO)))
        .withMessage("within: PT0S (expected: PT0.001S..PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                PLAN.step(
                    "a", "fuel", "", UTF8, s -> s.remedies(escalate(), retry(1, Duration.ZERO))))
        .withMessage("remedies: escalate of 2 (expected: as the last one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> retry(0, Duration.ZERO))
        .withMessage("max: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Remedy.parse("pray"))
        .withMessage("remedy: \"pray\" (expected: retry, reassign, undo or escalate)");
  }

  @Test
  void remediesAreTextThatCanBeReadAgain() {
    for (Remedy remedy :
        List.of(
            retry(3, Duration.ofMillis(1)),
            Remedy.reassign("a channel of its own"),
            Remedy.undoTask(),
            escalate())) {
      assertThat(Remedy.parse(Remedy.format(remedy))).isEqualTo(remedy);
    }
  }

  @Test
  void retriesWaitTwiceAsLongEachTime() {
    Remedy.Retry retry = (Remedy.Retry) retry(100, Duration.ofSeconds(10));
    assertThat(retry.waitBefore(0)).hasSeconds(10);
    assertThat(retry.waitBefore(2)).hasSeconds(40);
    assertThat(retry.waitBefore(99)).hasSeconds(60);
  }

  @Test
  void drawTheirOrder() {
    assertThat(PLAN.step("load", "load", "", UTF8, s -> s.after("fuel")).toMermaid())
        .isEqualTo("graph LR\n  s0[\"fuel\"]\n  s1[\"load\"]\n  s0 --> s1\n");
  }
}
