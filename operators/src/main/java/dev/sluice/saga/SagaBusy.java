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

import dev.sluice.store.SagaKey;
import java.time.Duration;

/** Somebody else has the saga, this process or another one, and goes on with it. */
public final class SagaBusy extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Duration left;

  SagaBusy(SagaKey key, Duration left) {
    super("saga " + key + ": held by another for " + left + " or more (expected: by nobody)");
    this.left = left;
  }

  /** How long it is held, unless that is extended. */
  public Duration left() {
    return left;
  }
}
