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
package dev.sluice.store;

/**
 * A step of a task.
 *
 * @param task the id of the task, 1 to {@value TaskStore#MAX_ID} characters
 * @param step its name, 1 to {@value TaskStore#MAX_STEP} characters
 */
public record StepKey(String task, String step) {

  /**
   * Checks it.
   *
   * @throws IllegalArgumentException if one is too short, too long, or not storable: U+0000 and
   *     halves of surrogate pairs are not
   */
  public StepKey {
    StoredText.require("task", task, TaskStore.MAX_ID);
    StoredText.require("step", step, TaskStore.MAX_STEP);
  }

  @Override
  public String toString() {
    return task + "/" + step;
  }
}
