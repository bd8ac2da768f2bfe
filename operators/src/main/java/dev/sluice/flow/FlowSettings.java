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

import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.delivery.ErrorPolicy;
import java.time.Clock;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The options of a flow.
 *
 * @param maxUnsettled as the user set it; 0 if not
 * @param needed the unsettled deliveries without which a step cannot reach its bound
 */
record FlowSettings(
    Inbound source,
    String name,
    ErrorPolicy policy,
    @Nullable Outbound<byte[]> deadLetters,
    int maxUnsettled,
    int needed,
    Clock clock) {

  private static final int MIN_UNSETTLED = 1024;

  static FlowSettings defaults(Inbound source) {
    ErrorPolicy policy = ErrorPolicy.defaults();
    return new FlowSettings(source, source.info().name(), policy, null, 0, 1, Clock.systemUTC());
  }

  FlowSettings named(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return new FlowSettings(source, name, policy, deadLetters, maxUnsettled, needed, clock);
  }

  FlowSettings policy(ErrorPolicy policy) {
    Objects.requireNonNull(policy, "policy");
    return new FlowSettings(source, name, policy, deadLetters, maxUnsettled, needed, clock);
  }

  FlowSettings deadLetters(Outbound<byte[]> target) {
    Objects.requireNonNull(target, "target");
    return new FlowSettings(source, name, policy, target, maxUnsettled, needed, clock);
  }

  FlowSettings maxUnsettled(int maxUnsettled) {
    if (maxUnsettled < 1) {
      throw new IllegalArgumentException("maxUnsettled: " + maxUnsettled + " (expected: >= 1)");
    }
    return new FlowSettings(source, name, policy, deadLetters, maxUnsettled, needed, clock);
  }

  FlowSettings clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return new FlowSettings(source, name, policy, deadLetters, maxUnsettled, needed, clock);
  }

  /** With a step that needs so many unsettled deliveries. */
  FlowSettings atLeast(int needed) {
    return new FlowSettings(
        source, name, policy, deadLetters, maxUnsettled, Math.max(this.needed, needed), clock);
  }

  int effectiveMaxUnsettled() {
    return maxUnsettled == 0 ? Math.max(MIN_UNSETTLED, needed) : maxUnsettled;
  }

  void validate() {
    if (effectiveMaxUnsettled() < needed) {
      throw new IllegalArgumentException(
          "maxUnsettled: "
              + maxUnsettled
              + " (expected: >= "
              + needed
              + ", the largest look-ahead in flow "
              + name
              + ")");
    }
  }
}
