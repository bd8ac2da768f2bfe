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
package dev.sluice.saga;

/**
 * A failure that the journal of a durable saga remembers: the exception itself went with its
 * process.
 */
public final class ReplayedFailure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String type;

  ReplayedFailure(String type, String message) {
    super(message, null, false, false);
    this.type = type;
  }

  /** The name of the class of the exception; empty if it is not known. */
  public String type() {
    return type;
  }
}
