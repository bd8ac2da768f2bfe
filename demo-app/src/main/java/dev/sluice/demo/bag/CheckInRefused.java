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
package dev.sluice.demo.bag;

import java.io.Serial;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A bag was not checked in, and its tag is free as far as anybody knows. */
public final class CheckInRefused extends RuntimeException {

  @Serial private static final long serialVersionUID = 1L;

  private CheckInRefused(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** Why, in words for the one who asked. */
  public String reason() {
    return Objects.requireNonNull(getMessage());
  }

  static CheckInRefused busy(int limit) {
    return new CheckInRefused(limit + " check-ins wait for Kafka already; try again later", null);
  }

  /** There is no room for another bag. */
  public static CheckInRefused full(int capacity) {
    return new CheckInRefused(
        "the ledger holds "
            + capacity
            + " bags, which is all it takes; start again with another data directory",
        null);
  }

  static CheckInRefused notConfirmed(Throwable cause) {
    return new CheckInRefused("Kafka has not confirmed the bag; check it in again", cause);
  }
}
