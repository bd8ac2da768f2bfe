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
 * Another saga has changed the record and has not ended. It is worth to try again later: with
 * {@link StepSpec#retry}, at most for as long as that saga may take, or two that wait for each
 * other wait for ever.
 */
public final class SemanticallyLocked extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String holder;

  SemanticallyLocked(String holder) {
    super("locked by saga " + holder + " (expected: by none, or this one)", null, false, false);
    this.holder = holder;
  }

  /** The name and the id of the saga that has it. */
  public String holder() {
    return holder;
  }
}
