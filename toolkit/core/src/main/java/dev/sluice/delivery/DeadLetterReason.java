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
package dev.sluice.delivery;

/** Why a message went to the dead letters instead of being processed. */
public enum DeadLetterReason {
  /** The same input will always fail. */
  POISON,
  /** The bytes could not be decoded. */
  UNREADABLE,
  /** The message's own expiry had passed before work on it began. */
  EXPIRED,
  /** No route, recipient or reply address matched. */
  UNROUTABLE,
  /** Every attempt that the policy allows has failed. */
  ATTEMPTS_EXHAUSTED,
  /** There was no room for it where it should have waited. */
  OVERLOADED,
  /** The payload that the message refers to is gone. */
  CLAIM_LOST,
  /** A person or a program asked for it. */
  MANUAL
}
