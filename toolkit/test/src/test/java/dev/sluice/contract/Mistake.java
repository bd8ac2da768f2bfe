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
package dev.sluice.contract;

/** What one can get wrong in a channel over a log. Each must make the contract fail. */
enum Mistake {
  /** None: the contract holds. */
  NONE,
  /** A delivery is acknowledged when it is handed out. */
  ACKNOWLEDGE_ON_DELIVERY,
  /** The offset after the highest settled record is committed, not the first unsettled one. */
  COMMIT_HIGHEST_SEEN,
  /** A settlement is durable when the commit is sent, not when the broker has confirmed it. */
  DURABLE_BEFORE_CONFIRMED,
  /** A settlement counts for whoever owns the partition now. */
  NO_EPOCH_CHECK,
  /** Records polled in one period of ownership are delivered in the next. */
  STALE_RECORDS_ADMITTED,
  /** What a cancelled consumer had not decided is acknowledged. */
  CANCEL_IS_AN_ACK,
  /** A rejected record is consumed before its letter is confirmed. */
  CONSUMED_BEFORE_LETTER,
  /** A release counts as a good end. */
  RELEASE_IS_AN_ACK,
  /** More is handed out than was asked for. */
  DEMAND_IGNORED,
  /** The bound on unsettled deliveries is not looked at. */
  WINDOW_IGNORED,
  /** The end does not wait for the last commit. */
  NO_FLUSH_AT_THE_END
}
