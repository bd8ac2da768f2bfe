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
package dev.sluice.demo.arrival;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of arrivals, all under {@code demo.arrival}.
 *
 * @param within how soon after the landing passengers have to be told of their bags
 */
@ConfigurationProperties("demo.arrival")
record ArrivalProperties(@DefaultValue("15s") Duration within) {

  ArrivalProperties {
    if (within.compareTo(Duration.ofSeconds(1)) < 0 || within.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          "demo.arrival.within: " + within + " (expected: PT1S..PT1H)");
    }
  }
}
