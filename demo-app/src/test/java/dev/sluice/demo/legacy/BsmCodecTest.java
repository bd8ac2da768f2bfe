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
package dev.sluice.demo.legacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.demo.legacy.TransferBag.Status;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Columns and what stands in them. */
class BsmCodecTest {

  private static TransferBag read(String line) {
    return BsmCodec.INSTANCE.decode(Message.of(line.getBytes(StandardCharsets.US_ASCII)));
  }

  private static String write(TransferBag bag) {
    return new String(BsmCodec.INSTANCE.encode(Message.of(bag)), StandardCharsets.US_ASCII);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "BSM0016123456B60108     |B6 108|ANNOUNCED",
        "BPM0016123456AA0001     |AA 1|SORTED",
        "BSM0000000000UA1545     |UA 1545|ANNOUNCED"
      })
  void aLineIsABag(String line, String flight, Status status) {
    TransferBag bag = read(line);
    assertThat(bag.flight()).isEqualTo(flight);
    assertThat(bag.status()).isEqualTo(status);
    assertThat(write(bag)).isEqualTo(line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "BSM",
        "BSM0016123456B60108    ",
        "BSM0016123456B60108      ",
        "XXX0016123456B60108     ",
        "BSM001612345?B60108     ",
        "BSM0016123456B6 108     ",
        "BSM0016123456B60108\\u0000    "
      })
  void anythingElseIsUnreadableAndNotQuoted(String line) {
    assertThatThrownBy(() -> read(line))
        .isInstanceOf(UnreadablePayload.class)
        .hasMessage("text/plain;charset=us-ascii: no BSM or BPM of 24 columns");
  }

  @Test
  void itSaysWhatItWrites() {
    assertThat(BsmCodec.INSTANCE.contentType()).isEqualTo("text/plain;charset=us-ascii");
  }
}
