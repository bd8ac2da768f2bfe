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

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a client prefers (RFC 7240), of what we know: how long it is ready to wait. */
final class Preferences {

  private static final Pattern WAIT =
      Pattern.compile(
          "(?:^|[,;])\\s*wait\\s*=\\s*\"?(\\d{1,9})\"?\\s*(?=$|[,;])", Pattern.CASE_INSENSITIVE);

  private Preferences() {}

  /** How long to wait, at most {@code longest}; zero if nothing is preferred. */
  static Duration wait(@Nullable String prefer, Duration longest) {
    Matcher matcher = WAIT.matcher(prefer == null ? "" : prefer);
    if (!matcher.find()) {
      return Duration.ZERO;
    }
    Duration wait = Duration.ofSeconds(Long.parseLong(matcher.group(1)));
    return wait.compareTo(longest) > 0 ? longest : wait;
  }
}
