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
package dev.sluice.store;

import java.time.Instant;
import java.util.Objects;

/**
 * The right to do something alone, for a while.
 *
 * <p>A lease says that nobody else <em>had</em> the right when it was given. A process that is
 * stopped for longer than its lease goes on as if it still had it, so whatever is done under a
 * lease takes its {@link #fence()} along, and whoever does it refuses a lower one than it has seen.
 *
 * @param name what the right is about
 * @param owner who has it, for people who look
 * @param fence greater than that of every earlier lease of this name
 * @param token what proves it to the store; not a secret, but nobody else's
 * @param until when it ends if it is not renewed, by the clock of the store
 */
public record Lease(String name, String owner, long fence, String token, Instant until) {

  public Lease {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(owner, "owner");
    Objects.requireNonNull(token, "token");
    Objects.requireNonNull(until, "until");
    if (fence < 1) {
      throw new IllegalArgumentException("fence: " + fence + " (expected: >= 1)");
    }
  }
}
