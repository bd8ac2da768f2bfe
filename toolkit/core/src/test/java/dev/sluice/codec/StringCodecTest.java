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
package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StringCodecTest {

  private final StringCodec codec = StringCodec.utf8();

  @ParameterizedTest
  @ValueSource(strings = {"", "plain", "Grüße", "東京", "🧳", "\uFFFD", "\u0000\uFFFF"})
  void bringsTextsThrough(String text) {
    byte[] bytes = codec.encode(Message.of(text));

    assertThat(bytes).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
    assertThat(codec.decode(Message.of(bytes))).isEqualTo(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ff", "c3", "41c341", "c0af", "eda080", "f4908080", "4180"})
  void refusesBytesThatAreNotUtf8(String hex) {
    Message<byte[]> message = Message.of(HexFormat.of().parseHex(hex));

    assertThatExceptionOfType(UnreadablePayload.class)
        .isThrownBy(() -> codec.decode(message))
        .withMessage("text/plain;charset=utf-8: not UTF-8")
        .satisfies(e -> assertThat(e.contentType()).isEqualTo("text/plain;charset=utf-8"));
  }

  @Test
  void refusesTextsThatWouldNotComeBack() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> codec.encode(Message.of("a\uD83E")))
        .withMessage("payload: an unpaired surrogate (expected: well-formed Unicode)");
  }
}
