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
package dev.sluice.demo.rebooking;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of rebookings, all under {@code demo.rebooking}.
 *
 * @param partnersTake how long each airline, hotel and bank takes to answer
 */
@ConfigurationProperties("demo.rebooking")
record RebookingProperties(@DefaultValue("600ms") Duration partnersTake) {

  RebookingProperties {
    if (partnersTake.isNegative() || partnersTake.compareTo(Duration.ofSeconds(5)) > 0) {
      throw new IllegalArgumentException(
          "demo.rebooking.partners-take: " + partnersTake + " (expected: PT0S..PT5S)");
    }
  }
}
