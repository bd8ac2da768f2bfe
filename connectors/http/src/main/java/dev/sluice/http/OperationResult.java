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

import dev.sluice.store.Content;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.OperationStore;
import java.util.Objects;

/** What the work of an operation gives: bytes that are kept with it, or where they are. */
public final class OperationResult {

  private static final OperationResult NOTHING =
      new OperationResult(new Ending.Result(Content.of("", new byte[0])));

  private final Ending ending;

  private OperationResult(Ending ending) {
    this.ending = ending;
  }

  /**
   * Bytes that are kept with the operation.
   *
   * @param type their media type, such as {@code application/json}
   * @param bytes at most {@link OperationStore#MAX_BODY}; what is larger belongs somewhere else, at
   *     a location
   * @throws IllegalArgumentException if there are more
   */
  public static OperationResult of(String type, byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    return new OperationResult(new Ending.Result(Content.of(type, bytes)));
  }

  /** Nothing but that it is done. */
  public static OperationResult nothing() {
    return NOTHING;
  }

  /**
   * A resource of this server.
   *
   * @param path its path, with a query if need be, below one of {@link
   *     OperationsSpec#resultsBelow}; the operation fails if it is not
   */
  public static OperationResult at(String path) {
    return new OperationResult(new Ending.ResultAt(path));
  }

  Ending ending() {
    return ending;
  }
}
