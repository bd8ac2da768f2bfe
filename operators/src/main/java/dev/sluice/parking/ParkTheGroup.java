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
package dev.sluice.parking;

import dev.sluice.delivery.DeadLetterReason;
import org.jspecify.annotations.Nullable;

/**
 * The cause of a rejection which is not to end with the dead letters: the message, and all of its
 * group that comes after it, are to be parked. Made by a {@link dev.sluice.convoy.GroupedConvoy}
 * whose verdict is {@link dev.sluice.convoy.GroupVerdict#PARK_GROUP}.
 */
public final class ParkTheGroup extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Because of {@code cause}, if anything is known, and why it would be a dead letter. */
  public ParkTheGroup(DeadLetterReason reason, @Nullable Throwable cause) {
    super(cause == null ? reason.toString() : reason + " " + cause, cause, false, false);
  }

  /** What was wrong, in words. */
  String why() {
    return String.valueOf(getMessage());
  }
}
