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

import org.jspecify.annotations.Nullable;

/**
 * Bytes that a codec cannot read: no retry will help, the message belongs to the dead letters.
 *
 * <p>It is logged and kept with the dead letter, so neither the message nor the cause may quote the
 * payload: what a parser says in its exceptions usually does.
 */
public final class UnreadablePayload extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String contentType;

  /**
   * Creates the refusal.
   *
   * @param contentType what the codec expected, as a media type
   * @param problem what is wrong and where, without quoting the payload
   * @param cause an exception that does not quote the payload either, if there is one
   */
  public UnreadablePayload(String contentType, String problem, @Nullable Throwable cause) {
    super(contentType + ": " + problem, cause);
    this.contentType = contentType;
  }

  /** What the codec expected, as a media type. */
  public String contentType() {
    return contentType;
  }
}
