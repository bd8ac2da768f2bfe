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
package dev.sluice.store;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Bytes, and what they are: a request, a result. */
public final class Content {

  /** The longest type, in characters. */
  public static final int MAX_TYPE = 200;

  private final String type;
  private final byte[] bytes;

  private Content(String type, byte[] bytes) {
    StoredText.require("type", type, 0, MAX_TYPE);
    this.type = type;
    this.bytes = Objects.requireNonNull(bytes, "bytes");
  }

  /**
   * Takes the array, not a copy.
   *
   * @param type the media type, at most {@value #MAX_TYPE} characters; empty if nobody said it
   * @throws IllegalArgumentException if {@code type} is out of range
   */
  public static Content of(String type, byte[] bytes) {
    return new Content(type, bytes);
  }

  /** The media type; empty if nobody said it. */
  public String type() {
    return type;
  }

  /** Nobody may write to it. */
  public byte[] bytes() {
    return bytes;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Content content
        && type.equals(content.type)
        && Arrays.equals(bytes, content.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * type.hashCode() + Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "Content[" + type + ", " + bytes.length + " bytes]";
  }
}
