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
import dev.sluice.delivery.ErrorClassifier;

/** A step that an agent cannot do, now or later: it is not tried again where it was. */
@Experimental
public final class StepRefused extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  /**
   * A refusal.
   *
   * @param why for people to see
   */
  public StepRefused(String why) {
    super(why);
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }
}
