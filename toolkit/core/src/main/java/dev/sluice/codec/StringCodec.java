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

import dev.sluice.message.Message;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Texts as UTF-8. What is not well-formed is refused in both directions, never replaced: bytes that
 * are not UTF-8, and texts with unpaired surrogates.
 */
public final class StringCodec implements PayloadCodec<String> {

  private static final StringCodec UTF_8 = new StringCodec();

  private StringCodec() {}

  /** The codec; there is one. */
  public static StringCodec utf8() {
    return UTF_8;
  }

  /**
   * The text in UTF-8.
   *
   * @throws IllegalArgumentException if the text has an unpaired surrogate
   */
  @Override
  public byte[] encode(Message<String> message) {
    try {
      ByteBuffer encoded =
          StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(message.payload()));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          "payload: an unpaired surrogate (expected: well-formed Unicode)", e);
    }
  }

  @Override
  public String decode(Message<byte[]> message) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(message.payload()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new UnreadablePayload(contentType(), "not UTF-8", e);
    }
  }

  @Override
  public String contentType() {
    return "text/plain;charset=utf-8";
  }
}
