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

/**
 * Turns payloads into bytes and back.
 *
 * <p>Both directions are plain CPU work on the caller's thread: a codec does no I/O, does not block
 * and keeps no state, so that one instance serves all threads. It sees the whole message because a
 * type or a header may decide how to write or read the payload; it does not change them.
 *
 * <p>Bytes come from strangers. A codec never uses what they say as the name of a class, a file or
 * an address, and reads any bytes in bounded time and stack.
 *
 * @param <T> the type of the payload
 */
public interface PayloadCodec<T> {

  /**
   * The bytes of a payload, in an array that nobody else writes to.
   *
   * @throws RuntimeException if the payload cannot be written; one that was read by this codec can
   */
  byte[] encode(Message<T> message);

  /**
   * The payload that bytes stand for. The content type of the message is not checked: who chose the
   * codec knows what to expect.
   *
   * @throws UnreadablePayload if they stand for none
   */
  T decode(Message<byte[]> message);

  /** The media type of what {@link #encode} writes. */
  String contentType();
}
