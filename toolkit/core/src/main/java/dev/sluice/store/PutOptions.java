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

import java.util.Objects;
import java.util.OptionalLong;

/**
 * What is known of a payload before it is stored. Immutable: each method returns a changed copy.
 */
public final class PutOptions {

  /** The content type of a payload that was given none: {@value}. */
  public static final String DEFAULT_CONTENT_TYPE = "application/octet-stream";

  private static final int MAX_CONTENT_TYPE = 256;
  private static final PutOptions DEFAULTS = new PutOptions(DEFAULT_CONTENT_TYPE, -1);

  private final String contentType;
  private final long length; // -1: not known

  private PutOptions(String contentType, long length) {
    this.contentType = contentType;
    this.length = length;
  }

  /** Of unknown length, and of the type {@value #DEFAULT_CONTENT_TYPE}. */
  public static PutOptions defaults() {
    return DEFAULTS;
  }

  /**
   * How the payload is written as bytes, as a media type.
   *
   * @param contentType 1 to 256 printable characters of ASCII
   */
  public PutOptions contentType(String contentType) {
    Objects.requireNonNull(contentType, "contentType");
    if (contentType.isBlank()
        || contentType.length() > MAX_CONTENT_TYPE
        || contentType.chars().anyMatch(c -> c < 0x20 || c > 0x7e)) {
      throw new IllegalArgumentException(
          "contentType: "
              + contentType.length()
              + " characters (expected: 1..256 printable ones of ASCII)");
    }
    return new PutOptions(contentType, length);
  }

  /**
   * How many bytes there are: a body that has more or fewer is not stored.
   *
   * @param length 0 or more
   */
  public PutOptions length(long length) {
    if (length < 0) {
      throw new IllegalArgumentException("length: " + length + " (expected: >= 0)");
    }
    return new PutOptions(contentType, length);
  }

  /** The media type. */
  public String contentType() {
    return contentType;
  }

  /** How many bytes there are, if that is known. */
  public OptionalLong length() {
    return length < 0 ? OptionalLong.empty() : OptionalLong.of(length);
  }
}
