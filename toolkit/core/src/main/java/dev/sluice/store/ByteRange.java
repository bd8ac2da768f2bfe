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

/**
 * A part of a payload.
 *
 * @param offset the first byte, from 0
 * @param length how many bytes at most, 1 or more; {@link Long#MAX_VALUE} for all that follow
 */
public record ByteRange(long offset, long length) {

  private static final ByteRange ALL = from(0);

  public ByteRange {
    if (offset < 0) {
      throw new IllegalArgumentException("offset: " + offset + " (expected: >= 0)");
    }
    if (length < 1) {
      throw new IllegalArgumentException("length: " + length + " (expected: >= 1)");
    }
  }

  /** Everything. */
  public static ByteRange all() {
    return ALL;
  }

  /** Everything from a byte on. */
  public static ByteRange from(long offset) {
    return new ByteRange(offset, Long.MAX_VALUE);
  }

  /** Whether it has no end of its own. */
  public boolean isOpen() {
    return length == Long.MAX_VALUE;
  }
}
