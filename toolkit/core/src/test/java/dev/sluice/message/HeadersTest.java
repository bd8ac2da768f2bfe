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
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadersTest {

  @Nested
  class Values {

    @Test
    void areFoundWithoutRegardToCase() {
      Headers headers = Headers.empty().with("Trace-Id", "7");

      assertThat(headers.get("trace-ID")).isEqualTo("7");
      assertThat(headers.contains("TRACE-id")).isTrue();
      assertThat(headers.get("trace")).isNull();
    }

    @Test
    void keepTheOrderInWhichTheyWereAddedAndTheCaseTheyWereGiven() {
      Headers headers = Headers.empty().with("Zebra", "1").with("ant", "2").with("Cow", "3");

      assertThat(headers)
          .containsExactly(Map.entry("Zebra", "1"), Map.entry("ant", "2"), Map.entry("Cow", "3"));
    }

    @Test
    void areReplacedInTheirPlace() {
      Headers headers = Headers.empty().with("a", "1").with("b", "2").with("A", "3");

      assertThat(headers).containsExactly(Map.entry("a", "3"), Map.entry("b", "2"));
    }

    @Test
    void comeFromAMapInItsOrder() {
      Map<String, String> map = new LinkedHashMap<>();
      map.put("b", "1");
      map.put("a", "2");
      map.put("B", "3");

      assertThat(Headers.of(map)).containsExactly(Map.entry("b", "3"), Map.entry("a", "2"));
    }

    @Test
    void areRemovedWithoutRegardToCase() {
      Headers headers = Headers.empty().with("a", "1").with("b", "2").with("c", "3");

      assertThat(headers.without("B")).containsExactly(Map.entry("a", "1"), Map.entry("c", "3"));
      assertThat(headers.without("x")).isSameAs(headers);
      assertThat(headers.without("a").without("b").without("c")).isSameAs(Headers.empty());
    }

    @Test
    void doNotChangeWhenOthersAreMadeOfThem() {
      Headers one = Headers.empty().with("a", "1");
      one.with("a", "2");
      one.with("b", "2");
      one.without("a");

      assertThat(one).containsExactly(Map.entry("a", "1"));
      assertThat(Headers.empty().isEmpty()).isTrue();
    }

    @Test
    void areVisitedInOrder() {
      List<String> seen = new ArrayList<>();
      Headers.empty().with("a", "1").with("b", "").forEach((n, v) -> seen.add(n + '=' + v));

      assertThat(seen).containsExactly("a=1", "b=");
    }

    @Test
    void areIteratedToTheEndAndNoFurther() {
      var iterator = Headers.empty().with("a", "1").iterator();
      iterator.next();

      assertThat(iterator.hasNext()).isFalse();
      assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(iterator::next);
    }

    @Test
    void mayBeAnyWellFormedText() {
      String text = "\r\n\t\u0001 Grüße 東京 🧳 \uFFFF";

      assertThat(Headers.empty().with("text", text).get("text")).isEqualTo(text);
    }
  }

  @Nested
  class Equality {

    @Test
    void ignoresOrderAndTheCaseOfNames() {
      Headers one = Headers.empty().with("A", "1").with("b", "2");
      Headers other = Headers.empty().with("B", "2").with("a", "1");

      assertThat(one).isEqualTo(other).hasSameHashCodeAs(other);
    }

    @Test
    void seesValuesNamesAndNumber() {
      Headers one = Headers.empty().with("a", "1");

      assertThat(one)
          .isNotEqualTo(Headers.empty().with("a", "2"))
          .isNotEqualTo(Headers.empty().with("b", "1"))
          .isNotEqualTo(one.with("b", "1"))
          .isNotEqualTo(Headers.empty())
          .isNotEqualTo(Map.of("a", "1"));
    }
  }

  @Nested
  class Names {

    @ParameterizedTest
    @ValueSource(strings = {"a", "X-1", "__TypeId__", "!#$%&'*+-.^_`|~", "ce_subject", "sl"})
    void areTokens(String name) {
      assertThat(Headers.empty().with(name, "v").get(name)).isEqualTo("v");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a b", "a:b", "a\n", "ä", "a\u0000", "a,b", "\"a\""})
    void thatAreNoTokensAreRefused(String name) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with(name, "v"))
          .withMessageContaining("name")
          .withMessageContaining("expected: ");
    }

    @Test
    void areNotLongerThan256Characters() {
      assertThat(Headers.empty().with("n".repeat(256), "v").size()).isEqualTo(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with("n".repeat(257), "v"))
          .withMessageContaining("name of 257 characters (expected: 1..256)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sl-via", "SL-anything", "sl-", "sl-priority"})
    void thatAreReservedAreNotForApplications(String name) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with(name, "v"))
          .withMessage(
              "header " + name + ": reserved (expected: a name that does not begin with sl-)");
      assertThatIllegalArgumentException().isThrownBy(() -> Headers.of(Map.of(name, "v")));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "ce_id",
          "CE_Type",
          "ce_time",
          "ce_partitionkey",
          "ce_specversion",
          "Content-Type"
        })
    void ofMessageFieldsAreNotHeaders(String name) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with(name, "v"))
          .withMessage(
              "header " + name + ": a field of the message (expected: a name of your own)");
    }
  }

  @Nested
  class Reserved {

    @Test
    void namesAreSetByTheToolkit() {
      Headers headers = Headers.empty().withReserved("sl-via", "a").withReserved("SL-VIA", "b");

      assertThat(headers).containsExactly(Map.entry("sl-via", "b"));
      assertThat(headers.without("sl-via").isEmpty()).isTrue();
    }

    @Test
    void namesBeginWithThePrefix() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().withReserved("via", "a"))
          .withMessage("header via: not reserved (expected: a name that begins with sl-)");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "sl-priority",
          "SL-Correlation",
          "sl-causation",
          "sl-reply-to",
          "sl-reply-token",
          "sl-expires"
        })
    void namesOfMessageFieldsAreNotHeaders(String name) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().withReserved(name, "a"))
          .withMessageContaining("a field of the message");
    }
  }

  @Nested
  class Limits {

    @Test
    void are128Headers() {
      Headers full = full();

      assertThat(full.size()).isEqualTo(128);
      assertThat(full.with("N7", "replaced").get("n7")).isEqualTo("replaced");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> full.with("one-more", "v"))
          .withMessage("header one-more: header number 129 (expected: <= 128)");
    }

    @Test
    void are8KibPerValueCountedInUtf8() {
      assertThat(Headers.empty().with("a", "v".repeat(8192)).size()).isEqualTo(1);
      assertThat(Headers.empty().with("a", "é".repeat(4096)).size()).isEqualTo(1);
      assertThat(Headers.empty().with("a", "🧳".repeat(2048)).size()).isEqualTo(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with("a", "京".repeat(2731)))
          .withMessage("header a: value of 8193 bytes (expected: <= 8192)");
    }

    @Test
    void are64KibInAllAndReplacingGivesRoomBack() {
      Headers seven = Headers.empty();
      for (int i = 0; i < 7; i++) {
        seven = seven.with("h" + i, "v".repeat(8192));
      }
      int left = 64 * 1024 - 7 * (8192 + 2) - 1;
      Headers full = seven.with("x", "v".repeat(left));

      assertThatIllegalArgumentException()
          .isThrownBy(() -> full.with("y", ""))
          .withMessage("header y: 65537 bytes of headers (expected: <= 65536)");
      assertThatIllegalArgumentException().isThrownBy(() -> full.with("x", "v".repeat(left + 1)));
      assertThat(full.with("X", "v".repeat(left - 1)).with("y", "").size()).isEqualTo(9);
      assertThat(full.without("h0").with("y", "").size()).isEqualTo(8);
    }

    @Test
    void leaveRoomForReservedHeaders() {
      Headers marked = full();
      for (int i = 0; i < 20; i++) {
        marked = marked.withReserved("sl-mark-" + i, "v".repeat(8192));
      }

      assertThat(marked.size()).isEqualTo(148);
      assertThat(marked.ordinary()).isEqualTo(full());
    }

    @Test
    void holdForMapsToo() {
      Map<String, String> many = new LinkedHashMap<>();
      for (int i = 0; i < 129; i++) {
        many.put("n" + i, "");
      }

      assertThatIllegalArgumentException().isThrownBy(() -> Headers.of(many));
    }

    @Test
    void excludeWhatCannotBeWritten() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with("a", "x\u0000"))
          .withMessage("header a: value with U+0000 at index 1 (expected: no U+0000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with("a", "\uD83E"))
          .withMessage("header a: value with U+D83E at index 0 (expected: well-formed Unicode)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Headers.empty().with("a", "\uDDF3\uD83E"))
          .withMessageContaining("U+DDF3 at index 0");
    }

    private Headers full() {
      Map<String, String> many = new LinkedHashMap<>();
      for (int i = 0; i < 128; i++) {
        many.put("n" + i, "v");
      }
      return Headers.of(Collections.unmodifiableMap(many));
    }
  }

  @Test
  void valuesAreNeverShown() {
    assertThat(Headers.empty().with("token", "s3cret").with("b", "s3cret"))
        .hasToString("Headers[token, b]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Headers.empty().with("token", "s3cret\u0000"))
        .withMessageNotContaining("s3cret");
  }
}
