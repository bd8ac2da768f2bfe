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

import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of baggage control, all under {@code demo}.
 *
 * @param dataDir where the broker keeps its records; what is there is taken up at the next start
 * @param kafkaPort the port of the broker on 127.0.0.1, 0 for a free one; when it is taken by
 *     somebody else, a free one is used
 * @param maxBags how many bags and unreadable records may be in the topics, at least 1; more are
 *     refused with 503
 * @param compression how many times as fast as in reality the week passes, at least 1; a load that
 *     needs more time makes it slower
 * @param shortestLoading how long the lightest bag takes to load
 * @param longestLoading how long the heaviest bag takes to load
 * @param stopWithin how long bags that are being loaded may take when the application stops
 */
@ConfigurationProperties("demo")
public record AirportProperties(
    @DefaultValue("data") Path dataDir,
    @DefaultValue("19092") int kafkaPort,
    @DefaultValue("1000000") int maxBags,
    @DefaultValue("336") double compression,
    @DefaultValue("30ms") Duration shortestLoading,
    @DefaultValue("90ms") Duration longestLoading,
    @DefaultValue("10s") Duration stopWithin) {

  public AirportProperties {
    require(kafkaPort >= 0 && kafkaPort <= 65_535, "kafka-port", kafkaPort, "0..65535");
    require(maxBags >= 1, "max-bags", maxBags, ">= 1");
    require(compression >= 1, "compression", compression, ">= 1");
    require(!shortestLoading.isNegative(), "shortest-loading", shortestLoading, ">= 0");
    require(
        longestLoading.compareTo(shortestLoading) >= 0,
        "longest-loading",
        longestLoading,
        ">= shortest-loading, " + shortestLoading);
    require(!stopWithin.isNegative(), "stop-within", stopWithin, ">= 0");
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw new IllegalArgumentException(
          "demo." + name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
