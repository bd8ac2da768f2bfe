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
package dev.sluice.flow;

import dev.sluice.Experimental;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import java.util.function.Function;
import reactor.core.publisher.Flux;

/** A complete flow, ready to run. Each start is a run of its own, and a consumer of its own. */
public final class RunnableFlow {

  private final FlowSettings settings;
  private final Function<Scope, ? extends Flux<?>> chain;

  RunnableFlow(FlowSettings settings, Function<Scope, ? extends Flux<?>> chain) {
    this.settings = settings;
    this.chain = chain;
  }

  /** What the flow is called. */
  public String name() {
    return settings.name();
  }

  /** The same flow with one more listener, after those it has. */
  @Experimental
  public RunnableFlow listener(FlowListener listener) {
    return new RunnableFlow(settings.alsoListener(listener), chain);
  }

  /**
   * Starts to receive.
   *
   * @return the running flow, to look at and to stop
   * @throws IllegalArgumentException if the options contradict each other
   */
  public FlowHandle start() {
    settings.validate();
    return new FlowRun(settings).start(chain);
  }
}
