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
package dev.sluice.demo.customs;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of customs, all under {@code demo.customs}.
 *
 * @param look how long a look at a bag takes
 * @param slowLook how long it takes when customs is slow
 * @param patience how long one who asks waits for the answer
 * @param deadline how long customs works on a question; longer than the patience, so that answers
 *     can come too late
 */
@ConfigurationProperties("demo.customs")
record CustomsProperties(
    @DefaultValue("300ms") Duration look,
    @DefaultValue("4s") Duration slowLook,
    @DefaultValue("2s") Duration patience,
    @DefaultValue("10s") Duration deadline) {

  CustomsProperties {
    require(!look.isNegative() && !slowLook.isNegative(), "look, slow-look", look, ">= 0");
    require(patience.toMillis() >= 1, "patience", patience, ">= 1 ms");
    require(deadline.compareTo(patience) >= 0, "deadline", deadline, ">= patience");
  }

  private static void require(boolean valid, String name, Object value, String expected) {
    if (!valid) {
      throw new IllegalArgumentException(
          "demo.customs." + name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
