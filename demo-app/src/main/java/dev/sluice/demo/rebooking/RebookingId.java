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
package dev.sluice.demo.rebooking;

import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The ids of rebookings. A journal lists its sagas in the order of their ids: these are such that a
 * later one comes first, so that the first page has the newest.
 */
final class RebookingId {

  private static final long LAST = (1L << 44) - 1;
  private static final Pattern FORM = Pattern.compile("[0-9a-f]{11}-[0-9a-f]{8}");

  private RebookingId() {}

  static String at(Instant now) {
    return String.format(
        "%011x-%08x", LAST - now.toEpochMilli(), ThreadLocalRandom.current().nextInt());
  }

  static boolean isOne(String id) {
    return FORM.matcher(id).matches();
  }
}
