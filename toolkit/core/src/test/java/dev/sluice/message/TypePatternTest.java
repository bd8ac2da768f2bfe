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
package dev.sluice.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TypePatternTest {

  @ParameterizedTest
  @CsvSource({
    "bag.scanned, bag.scanned, true",
    "bag.scanned, bag.Scanned, false",
    "bag.scanned, bag.scanned.twice, false",
    "*, bag, true",
    "*, bag.scanned, false",
    "bag.*.scanned, bag.transfer.scanned, true",
    "bag.*.scanned, bag.scanned, false",
    "bag.*.scanned, bag.x.y.scanned, false",
    "bag.**, bag, true",
    "bag.**, bag.x.y, true",
    "bag.**, bags, false",
    "**, anything.at.all, true",
    "**.scanned, scanned, true",
    "**.scanned, bag.x.scanned, true",
    "**.scanned, scanned.bag, false",
    "a.**.b.**.c, a.b.c, true",
    "a.**.b.**.c, a.x.b.b.y.c, true",
    "a.**.b.**.c, a.x.c, false",
    "a.**.*.c, a.c, false",
    "bag.scanned, bag.*, false",
  })
  void matchesBySegments(String pattern, String type, boolean matches) {
    assertThat(TypePattern.of(pattern).matches(type)).isEqualTo(matches);
  }

  @Test
  void agreesWithRegularExpressions() {
    Random random = new Random(42);
    for (int i = 0; i < 20_000; i++) {
      String pattern = segments(random, "a", "b", "*", "**");
      String type = segments(random, "a", "b", "c");
      boolean expected =
          Pattern.matches(
              // a leading separator for each segment makes ** simple
              ('.' + pattern)
                  .replace(".**", "(\\.[^.]+){0,}")
                  .replace(".*", "\\.[^.]+")
                  .replaceAll("(?<!\\\\)\\.([ab])", "\\\\.$1"),
              '.' + type);
      assertThat(TypePattern.of(pattern).matches(type))
          .as("%s matches %s", pattern, type)
          .isEqualTo(expected);
    }
  }

  private static String segments(Random random, String... from) {
    List<String> segments = new ArrayList<>();
    for (int n = 1 + random.nextInt(6); n > 0; n--) {
      segments.add(from[random.nextInt(from.length)]);
    }
    return String.join(".", segments);
  }

  /** A pattern that would take a backtracking matcher ages takes no time. */
  @Test
  void aHostileTypeIsMatchedInNoTime() {
    String pattern = String.join(".", Collections.nCopies(45, "**.a")) + ".b";
    String type = String.join(".", Collections.nCopies(10_000, "a"));
    assertThat(TypePattern.of(pattern).matches(type)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "a..b", ".a", "a.", "a*", "a.*b", "***", " "})
  void refusesWhatIsNoPattern(String pattern) {
    assertThatThrownBy(() -> TypePattern.of(pattern))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("pattern: \"" + pattern + "\" (expected: segments");
  }

  @Test
  void refusesALongPattern() {
    assertThatThrownBy(() -> TypePattern.of("a".repeat(257)))
        .hasMessage("pattern: 257 characters (expected: 1..256)");
  }

  @Test
  void isAValue() {
    assertThat(TypePattern.of("bag.*")).isEqualTo(TypePattern.of("bag.*")).hasToString("bag.*");
    assertThat(TypePattern.of("bag.*")).hasSameHashCodeAs(TypePattern.of("bag.*"));
    assertThat(TypePattern.of("bag.*")).isNotEqualTo(TypePattern.of("bag.**"));
  }
}
