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
package dev.sluice.bridge;

/** A send has failed, and nothing says that it was because of the message. */
final class TargetAway extends RuntimeException {

  private static final long serialVersionUID = 1L;

  TargetAway(Throwable cause) {
    super(cause.toString(), cause, false, false);
  }

  Throwable failure() {
    Throwable cause = getCause();
    return cause == null ? this : cause;
  }
}
