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
package dev.sluice.demo.live;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A place in {@code bags.checked-in}, packed into a long: the ledger holds very many of them. */
final class RecordPosition {

  private static final int OFFSET_BITS = 48;
  private static final long MAX_OFFSET = (1L << OFFSET_BITS) - 1;

  /** As dead letters name it: topic, partition and offset. */
  private static final Pattern NAMED = Pattern.compile("[^@]{1,249}-([0-9]{1,5})@([0-9]{1,15})");

  private RecordPosition() {}

  static long of(int partition, long offset) {
    return ((long) partition << OFFSET_BITS) | (offset & MAX_OFFSET);
  }

  /** The position a dead letter names, or {@code null} if that is none. */
  static @Nullable Long parse(@Nullable String position) {
    Matcher parts = NAMED.matcher(String.valueOf(position));
    return parts.matches()
        ? of(Integer.parseInt(parts.group(1)), Long.parseLong(parts.group(2)))
        : null;
  }
}
