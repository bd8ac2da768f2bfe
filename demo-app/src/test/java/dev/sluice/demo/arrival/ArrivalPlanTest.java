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
package dev.sluice.demo.arrival;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What is derived from what the participants declare. */
class ArrivalPlanTest {

  private final ArrivalPlan plan =
      new ArrivalPlan(new Duties(ArrivalPlan.PARTICIPANTS), Duration.ofSeconds(15));

  @Test
  void hasNoEventThatNobodyEmitsOrActsOnAndNoCycle() {
    assertThat(plan.choreography().graph().problems()).isEmpty();
    assertThat(plan.choreography().graph().events()).hasSize(12);
  }

  @Test
  void isWatchedWhereTheDeadlineHasToSee() {
    assertThat(plan.choreography().graph().toMermaid())
        .contains("{{\"told within PT15S\"}}")
        .contains("[\"carousels\"]")
        .contains("([\"first-bag.out\"])");
  }
}
