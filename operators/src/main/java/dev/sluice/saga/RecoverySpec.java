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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.time.Times;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** How sagas are recovered. Immutable: each method returns a changed copy. */
@Experimental
public final class RecoverySpec {

  static final RecoverySpec DEFAULT = new RecoverySpec(Duration.ofSeconds(10), 64, null);

  private final Duration pollInterval;
  private final int concurrency;
  private final @Nullable Duration retention;

  private RecoverySpec(Duration pollInterval, int concurrency, @Nullable Duration retention) {
    this.pollInterval = pollInterval;
    this.concurrency = concurrency;
    this.retention = retention;
  }

  /**
   * How often it is looked for sagas that nobody has, give or take a quarter. Defaults to 10 s.
   *
   * @param pollInterval more than zero, at most 365 days
   */
  public RecoverySpec pollInterval(Duration pollInterval) {
    return new RecoverySpec(Times.positive("pollInterval", pollInterval), concurrency, retention);
  }

  /**
   * How many sagas are gone on with here at once. Defaults to 64.
   *
   * @param concurrency 1 to 1000
   */
  public RecoverySpec concurrency(int concurrency) {
    if (concurrency < 1 || concurrency > 1000) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: 1..1000)");
    }
    return new RecoverySpec(pollInterval, concurrency, retention);
  }

  /**
   * How long sagas are remembered that have ended for good, whatever their definition; then they
   * are forgotten, at most {@value dev.sluice.store.SagaLog#MAX_LIMIT} with each look. One of the
   * same id would be a new one, so it is to be longer than anybody may ask again. Defaults to for
   * ever.
   *
   * @param retention more than zero, at most 3650 days
   */
  public RecoverySpec retention(Duration retention) {
    return new RecoverySpec(pollInterval, concurrency, Times.retention("retention", retention));
  }

  @Nullable Duration retention() {
    return retention;
  }

  Duration pollInterval() {
    return pollInterval;
  }

  int concurrency() {
    return concurrency;
  }
}
