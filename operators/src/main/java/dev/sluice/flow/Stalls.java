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

import dev.sluice.channel.DeadLetterListener;
import dev.sluice.channel.FlowHandle.Stall;
import dev.sluice.delivery.Origin;
import java.time.Clock;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Whether dead letters of a run are refused at the moment. */
final class Stalls implements DeadLetterListener {

  private final Clock clock;
  private final AtomicReference<@Nullable Stall> current = new AtomicReference<>();

  Stalls(Clock clock) {
    this.clock = clock;
  }

  @Nullable Stall current() {
    return current.get();
  }

  @Override
  public void refused(Origin origin, long failures, Throwable failure) {
    Instant now = clock.instant();
    current.updateAndGet(
        stall -> {
          if (failures == 1) {
            return stall == null
                ? new Stall(now, 1, failure)
                : new Stall(stall.since(), stall.letters() + 1, failure);
          }
          return stall == null // it is over already
              ? null
              : new Stall(stall.since(), stall.letters(), failure);
        });
  }

  @Override
  public void over(Origin origin) {
    current.updateAndGet(
        stall ->
            stall == null || stall.letters() == 1
                ? null
                : new Stall(stall.since(), stall.letters() - 1, stall.cause()));
  }
}
