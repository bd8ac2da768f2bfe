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
package dev.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocationsTest {

  private final Locations locations = new Locations(List.of("/bags/", "/files/of/"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/bags/42",
        "/bags/42?view=all&next=http://a.example/",
        "/files/of/alice/a%20b",
        "/bags/..42",
        "/bags/"
      })
  void areBelowWhatIsAllowed(String location) {
    assertThat(locations.isAllowed(location)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://evil.example/bags/42",
        "//evil.example/bags/42",
        "/\\evil.example/bags/42",
        "\\\\evil.example",
        "/bags//evil.example",
        "/bags/../admin",
        "/bags/..",
        "/bags/%2e%2e/admin",
        "/bags/%2E./admin",
        "/bags/./a",
        "/bags/..%2fadmin",
        "/bags/a%5c..%5cb",
        "/bags/a\r\nSet-Cookie: a=b",
        "/bags/a%0d%0aSet-Cookie",
        "/bags",
        "/bagsandmore",
        "bags/42",
        "/files/42",
        "javascript:alert(1)",
        "/bags/a#b",
        " /bags/42",
        ""
      })
  void areNowhereElse(String location) {
    assertThat(locations.isAllowed(location)).isFalse();
  }
}
