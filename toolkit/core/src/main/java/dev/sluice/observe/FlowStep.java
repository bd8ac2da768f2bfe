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
package dev.sluice.observe;

import dev.sluice.Experimental;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;

/**
 * A step of a running flow that holds elements, as it is now.
 *
 * @param name the operator's
 * @param buffered how many elements it holds
 * @param capacity how many it may hold; null if it does not say
 */
@Experimental
public record FlowStep(String name, long buffered, @Nullable Integer capacity) {

  /**
   * The steps behind {@code last} that tell what they hold, in the order of the flow.
   *
   * @param last the last subscription of the chain
   */
  public static List<FlowStep> above(Scannable last) {
    List<FlowStep> steps = new ArrayList<>();
    add(last, steps);
    last.parents().forEach(step -> add(step, steps));
    Collections.reverse(steps);
    return List.copyOf(steps);
  }

  private static void add(Scannable step, List<FlowStep> steps) {
    if (step.scanUnsafe(Attr.BUFFERED) instanceof Integer buffered) { // and not a default of 0
      String name = step.scan(Attr.NAME);
      steps.add(
          new FlowStep(
              name == null ? step.stepName() : name,
              buffered,
              (Integer) step.scanUnsafe(Attr.CAPACITY)));
    }
  }
}
