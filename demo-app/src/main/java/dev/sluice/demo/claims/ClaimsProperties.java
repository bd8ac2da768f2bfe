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
package dev.sluice.demo.claims;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of lost-bag claims, all under {@code demo.claims}.
 *
 * @param placeTakes how long it takes to look in one of four places
 */
@ConfigurationProperties("demo.claims")
record ClaimsProperties(@DefaultValue("900ms") Duration placeTakes) {

  ClaimsProperties {
    if (placeTakes.isNegative() || placeTakes.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "demo.claims.place-takes: " + placeTakes + " (expected: PT0S..PT1M)");
    }
  }
}
