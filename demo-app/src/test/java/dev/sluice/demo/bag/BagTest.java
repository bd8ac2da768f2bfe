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
package dev.sluice.demo.bag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.codec.JacksonCodec;
import dev.sluice.codec.UnreadablePayload;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BagTest {

  private final JacksonCodec<Bag> codec = JacksonCodec.json(Bag.class);
  private final Bag bag =
      new Bag(
          "0016123456",
          "B6 108",
          LocalDate.of(2013, 7, 7),
          17,
          Instant.parse("2026-01-01T12:00:00Z"));

  @Test
  void isReadBackAsItWasWritten() {
    byte[] json = codec.encode(Message.of(bag));

    assertThat(new String(json, StandardCharsets.UTF_8))
        .contains("\"tag\":\"0016123456\"", "\"date\":\"2013-07-07\"", "\"sequence\":17");
    assertThat(codec.decode(Message.of(json))).isEqualTo(bag);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "",
        "null",
        "{\"tag\":\"0016123456\",\"flight\":\"B6",
        "{\"tag\":\"001612????\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":1,\"checkedInAt\":\"2026-01-01T12:00:00Z\"}",
        "{\"tag\":\"0016123456\",\"flight\":\"B6108\",\"date\":\"2013-07-07\",\"sequence\":1,\"checkedInAt\":\"2026-01-01T12:00:00Z\"}",
        "{\"tag\":\"0016123456\",\"flight\":\"B6 108\",\"sequence\":1,\"checkedInAt\":\"2026-01-01T12:00:00Z\"}",
        "{\"tag\":\"0016123456\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":0,\"checkedInAt\":\"2026-01-01T12:00:00Z\"}",
        "{\"tag\":\"0016123456\",\"flight\":\"B6 108\",\"date\":\"2013-07-07\",\"sequence\":1}",
        "\u0000\u0000\u0000\u0000",
      })
  void isUnreadableIfItBreaksARule(String json) {
    assertThatThrownBy(() -> codec.decode(Message.of(json.getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(UnreadablePayload.class);
  }

  @Test
  void staysTheSameBagWhenItIsLoaded() {
    LoadedBag loaded = LoadedBag.of(bag, Instant.parse("2026-01-01T12:00:01Z"));

    assertThat(loaded)
        .isEqualTo(
            new LoadedBag(
                "0016123456",
                "B6 108",
                LocalDate.of(2013, 7, 7),
                17,
                Instant.parse("2026-01-01T12:00:01Z")));
    assertThatThrownBy(() -> new LoadedBag("17", "B6 108", LocalDate.MIN, 1, Instant.EPOCH))
        .hasMessage("tag (expected: 10 digits)");
  }
}
