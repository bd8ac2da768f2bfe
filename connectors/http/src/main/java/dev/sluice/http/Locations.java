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
package dev.sluice.http;

import dev.sluice.store.Operation.Ending;
import java.util.List;
import java.util.regex.Pattern;

/** Where results may be: nowhere but on this server, and there where it is allowed. */
final class Locations {

  /** No scheme, no host, no backslash, nothing that is not printed, nothing that climbs up. */
  private static final Pattern SAFE = Pattern.compile("/[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*");

  private static final Pattern CLIMBS =
      Pattern.compile(
          "(^|.*/)(\\.|%2e){1,2}(/.*|\\?.*|$)|.*//.*|.*%(2f|5c|0[0-9a-f]|1[0-9a-f]).*",
          Pattern.CASE_INSENSITIVE);

  private final List<String> below;

  Locations(List<String> below) {
    this.below = below;
  }

  /**
   * The ending itself.
   *
   * @throws IllegalArgumentException if it is a location that is not allowed
   */
  Ending checked(Ending ending) {
    if (ending instanceof Ending.ResultAt at && !isAllowed(at.location())) {
      throw new IllegalArgumentException(
          "location: " + at.location() + " (expected: a path below one of " + below + ")");
    }
    return ending;
  }

  boolean isAllowed(String location) {
    int query = location.indexOf('?');
    String path = query < 0 ? location : location.substring(0, query);
    return SAFE.matcher(location).matches()
        && !CLIMBS.matcher(path).matches()
        && below.stream().anyMatch(path::startsWith);
  }
}
