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
package dev.sluice.message;

import java.util.Locale;

/**
 * The wire names under which the fields of a message travel.
 *
 * <p>No {@link Headers} ever holds one of them, so that a field is written once and read once.
 */
final class Attributes {

  static final String SPEC_VERSION = "ce_specversion";
  static final String ID = "ce_id";
  static final String TYPE = "ce_type";
  static final String TIME = "ce_time";
  static final String GROUP = "ce_partitionkey";
  static final String CONTENT_TYPE = "content-type";
  static final String PRIORITY = "sl-priority";
  static final String CORRELATION = "sl-correlation";
  static final String CAUSATION = "sl-causation";
  static final String REPLY_TO = "sl-reply-to";
  static final String REPLY_TOKEN = "sl-reply-token";
  static final String EXPIRES = "sl-expires";

  private Attributes() {}

  static boolean isAttribute(String headerName) {
    return switch (headerName.toLowerCase(Locale.ROOT)) {
      case SPEC_VERSION,
          ID,
          TYPE,
          TIME,
          GROUP,
          CONTENT_TYPE,
          PRIORITY,
          CORRELATION,
          CAUSATION,
          REPLY_TO,
          REPLY_TOKEN,
          EXPIRES ->
          true;
      default -> false;
    };
  }
}
