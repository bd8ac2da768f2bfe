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
package dev.sluice.channel;

import dev.sluice.Experimental;
import dev.sluice.delivery.Outcome;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** Follows one delivery through a flow. What it throws is logged and changes nothing. */
@Experimental
public interface DeliveryListener {

  /**
   * What the workers and the sends of the delivery find in their Context. Asked for once, when the
   * flow has taken the delivery.
   */
  default ContextView context() {
    return Context.empty();
  }

  /**
   * The delivery is done. Called once, on any thread; must not block.
   *
   * @param outcome what became of it: the decision, or a Release as {@link
   *     dev.sluice.delivery.Outcome.Release.Why#LOST} if its ownership ended first
   */
  void done(Outcome outcome);
}
