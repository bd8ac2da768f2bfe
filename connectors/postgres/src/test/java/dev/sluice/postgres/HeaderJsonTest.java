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
package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.message.Message;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderJsonTest {

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "\"", "\\", "a\\\"b\\", "żółw 🐢", "{\"a\":[1]}", "a, b: c"})
  void readsWhatItWrote(String value) {
    String json = HeaderJson.write(Message.of(new byte[0]).withHeader("note", value));
    assertThat(HeaderJson.read(json)).contains(Map.entry("note", value));
  }

  @Test
  void readsEveryEscape() {
    assertThat(HeaderJson.read("{\"a\": \"\\b\\f\\n\\r\\t\\/\\u0001\\u00e9\\\\\"}"))
        .containsExactly(Map.entry("a", "\b\f\n\r\t/\u0001\u00e9\\"));
  }

  @Test
  void readsOfAStrangersObjectTheTexts() {
    String json =
        "{\"n\": 1, \"o\": {\"p\": \"}\", \"q\": [\"]\", 2]}, \"t\": \"text\", \"x\": null}";
    assertThat(
            HeaderJson.read(json).stream()
                .map(e -> e.getKey() + "=" + e.getValue())
                .collect(Collectors.joining(" ")))
        .isEqualTo("n=null o=null t=text x=null");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "[]", "\"text\"", "1", "null", "[\"a\", {\"b\": \"c\"}]"})
  void findsNothingWhereThereIsNoObjectWithAnything(String json) {
    assertThat(HeaderJson.read(json)).isEmpty();
  }
}
