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
package dev.sluice.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.demo.problem.Problem;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;

class LoadRequestTest {

  private static LoadRequest read(String... namesAndValues) {
    MultiValueMap<String, String> query = new LinkedMultiValueMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      query.add(namesAndValues[i], namesAndValues[i + 1]);
    }
    return LoadRequest.read(query);
  }

  @Test
  void hasDefaults() {
    assertThat(read()).isEqualTo(new LoadRequest(500, 10_000, 0.002));
    assertThat(read().unreadable()).isEqualTo(20);
    assertThat(read().duration()).isEqualTo(Duration.ofSeconds(20));
  }

  @Test
  void takesItsBounds() {
    assertThat(read("rate", "1", "bags", "1", "unreadableShare", "0"))
        .isEqualTo(new LoadRequest(1, 1, 0));
    assertThat(read("rate", "5000", "bags", "1000000", "unreadableShare", "0.1"))
        .isEqualTo(new LoadRequest(5_000, 1_000_000, 0.1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rate|0|rate: 0 (expected: a whole number, 1..5000)",
        "rate|5001|rate: 5001 (expected: a whole number, 1..5000)",
        "rate|fast|rate: fast (expected: a whole number, 1..5000)",
        "rate|2.5|rate: 2.5 (expected: a whole number, 1..5000)",
        "rate|99999999999|rate: 99999999999 (expected: a whole number, 1..5000)",
        "rate|''|rate: blank (expected: a whole number, 1..5000)",
        "bags|0|bags: 0 (expected: a whole number, 1..1000000)",
        "bags|1000001|bags: 1000001 (expected: a whole number, 1..1000000)",
        "unreadableShare|-0.1|unreadableShare: -0.1 (expected: a number, 0.0..0.1)",
        "unreadableShare|0.2|unreadableShare: 0.2 (expected: a number, 0.0..0.1)",
        "unreadableShare|NaN|unreadableShare: NaN (expected: a number, 0.0..0.1)",
      })
  void namesWhatIsWrong(String name, String value, String detail) {
    Problem problem = catchThrowableOfType(Problem.class, () -> read(name, value));

    assertThat(problem.getStatusCode().value()).isEqualTo(400);
    assertThat(problem.getBody().getDetail()).isEqualTo(detail);
  }

  @Test
  void namesEverythingThatIsWrong() {
    Problem problem = catchThrowableOfType(Problem.class, () -> read("rate", "0", "bags", "many"));

    assertThat(problem.getBody().getDetail()).contains("rate: 0", "bags: many");
  }
}
