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
package dev.sluice.demo;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of baggage control, all under {@code demo}.
 *
 * @param instance what this process is called among those that share Kafka and PostgreSQL; each has
 *     a name of its own, and keeps it when it starts again
 * @param maxBags how many bags and unreadable records may be in the topics, at least 1; more are
 *     refused with 503
 * @param compression how many times as fast as in reality the week passes, at least 1; a load that
 *     needs more time makes it slower
 * @param shortestLoading how long the lightest bag takes to load
 * @param longestLoading how long the heaviest bag takes to load
 */
@ConfigurationProperties("demo")
public record AirportProperties(
    @DefaultValue("1") String instance,
    @DefaultValue("1000000") int maxBags,
    @DefaultValue("336") double compression,
    @DefaultValue("30ms") Duration shortestLoading,
    @DefaultValue("90ms") Duration longestLoading) {

  public AirportProperties {
    require(
        instance.matches("[A-Za-z0-9._-]{1,64}"),
        "instance",
        '"' + instance + '"',
        "1..64 letters, digits, '.', '_' and '-'");
    require(maxBags >= 1, "max-bags", maxBags, ">= 1");
    require(compression >= 1, "compression", compression, ">= 1");
    require(!shortestLoading.isNegative(), "shortest-loading", shortestLoading, ">= 0");
    require(
        longestLoading.compareTo(shortestLoading) >= 0,
        "longest-loading",
        longestLoading,
        ">= shortest-loading, " + shortestLoading);
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw new IllegalArgumentException(
          "demo." + name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
