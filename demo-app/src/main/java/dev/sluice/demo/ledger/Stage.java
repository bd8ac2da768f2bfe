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
package dev.sluice.demo.ledger;

/** How far a bag has come. */
public enum Stage {
  /** Its tag is taken; whether it is on the topic is not known yet. */
  RESERVED,
  /** It is on the topic and waits for its turn. */
  CHECKED_IN,
  /** It is being put into the hold. */
  LOADING,
  /** It waits because a bag of its flight could not be loaded. */
  PARKED,
  /** It is in the hold. */
  LOADED,
  /** It could not be loaded. */
  DEAD_LETTERED
}
