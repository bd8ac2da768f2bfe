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
package dev.sluice.spring;

import dev.sluice.channel.FlowHandle;
import dev.sluice.observe.Watched;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

/**
 * Down when a flow has failed, is waiting to start again, or does not get on because its dead
 * letters are refused. One that was paused or not started says so and is no trouble. What somebody
 * should look at is a WARNING, which leaves the application up.
 */
final class FlowsHealth extends AbstractHealthIndicator {

  /** Less than down, and nothing that stops traffic. */
  static final Status WARNING = new Status("WARNING", "somebody should look at it");

  private final Flows flows;
  private final Map<String, Watched> watched;

  FlowsHealth(Flows flows, Map<String, Watched> watched) {
    super("the flows could not be asked");
    this.flows = flows;
    this.watched = Map.copyOf(watched);
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    Map<String, String> warnings = new TreeMap<>();
    watched.forEach(
        (bean, one) -> {
          String warning = one.warning();
          if (warning != null) {
            warnings.put(bean, warning);
          }
        });
    if (warnings.isEmpty()) {
      health.up();
    } else {
      health.status(WARNING).withDetail("warnings", warnings);
    }
    for (String name : new TreeSet<>(flows.names())) {
      FlowHandle handle = flows.handle(name);
      FlowHandle.Stats stats = handle == null ? null : handle.stats();
      if (isTrouble(stats)) {
        health.down();
      }
      health.withDetail(name, describe(stats));
    }
  }

  private static boolean isTrouble(FlowHandle.@Nullable Stats stats) {
    return stats != null
        && (stats.state() == FlowHandle.State.FAILED
            || stats.state() == FlowHandle.State.RESTARTING
            || stats.stall() != null);
  }

  private static Map<String, Object> describe(FlowHandle.@Nullable Stats stats) {
    Map<String, Object> details = new LinkedHashMap<>();
    if (stats == null) {
      details.put("state", "NOT_STARTED");
      return details;
    }
    details.put("state", stats.state());
    if (stats.failure() != null) {
      details.put("failure", String.valueOf(stats.failure()));
    }
    FlowHandle.Stall stall = stats.stall();
    if (stall != null) {
      details.put("stalledSince", stall.since());
      details.put("deadLettersRefused", stall.letters());
      details.put("refusedBecause", String.valueOf(stall.cause()));
    }
    details.put("unsettled", stats.unsettled());
    return details;
  }
}
