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

import java.util.Set;

/**
 * What a channel is called and what it can do.
 *
 * @param name the name, as deliveries report it in their origin
 * @param capabilities what it guarantees; a missing one is a decision, not an omission
 */
public record ChannelInfo(String name, Set<Capability> capabilities) {
  public ChannelInfo {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    capabilities = Set.copyOf(capabilities);
  }

  /** Whether the channel has declared it. */
  public boolean can(Capability capability) {
    return capabilities.contains(capability);
  }
}
