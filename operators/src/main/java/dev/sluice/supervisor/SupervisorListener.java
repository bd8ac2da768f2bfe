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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;

/**
 * Hears what a supervisor does about steps in trouble: the place for an alarm when one is {@link
 * Treatment.Escalate escalated}. Called on a thread of the store, so it must be quick and must not
 * block; what it throws is logged and otherwise ignored.
 */
@Experimental
@FunctionalInterface
public interface SupervisorListener {

  /** A step was in trouble, and this was done about it. */
  void treated(Trouble trouble, Treatment treatment);
}
