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
package dev.sluice.demo.claims;

import dev.sluice.http.AsyncOperations;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;

/** Works on claims while the application runs; what is not done when it stops, others do. */
final class ClaimsOffice implements SmartLifecycle {

  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final AsyncOperations claims;
  private volatile AsyncOperations.@Nullable Working working;

  ClaimsOffice(AsyncOperations claims) {
    this.claims = claims;
  }

  @Override
  public void start() {
    working = claims.start();
  }

  @Override
  public void stop() {
    AsyncOperations.Working current = working;
    if (current != null) {
      working = null;
      current.stop(PATIENCE).block(LIMIT);
    }
  }

  @Override
  public boolean isRunning() {
    return working != null;
  }

  /** After baggage control, whose bags are looked for; before the web server takes requests. */
  @Override
  public int getPhase() {
    return 300;
  }
}
