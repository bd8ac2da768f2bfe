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

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The work of an operation has failed, and this is what its caller is told. */
public final class OperationFailed extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  /** With what the caller is told. */
  public OperationFailed(Problem problem) {
    this(problem, null);
  }

  /** With what the caller is told, and a cause, which they are not. */
  public OperationFailed(Problem problem, @Nullable Throwable cause) {
    super(Objects.requireNonNull(problem, "problem").status() + " " + problem.code(), cause);
    this.problem = problem;
  }

  /** What the caller is told. */
  public Problem problem() {
    return problem;
  }
}
