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
package dev.sluice.channel;

/** What a channel guarantees beyond handing messages over. */
public enum Capability {
  /** Messages of one group are delivered in the order in which they were sent. */
  ORDERED_GROUPS,
  /** At most one message of a group is out at a time, over all consumers. */
  EXCLUSIVE_GROUPS,
  /** A more urgent message overtakes less urgent ones that wait. */
  PRIORITY,
  /** A message sent with a delay, or given back with one, is not delivered before it. */
  DELAY,
  /** Expired messages are rejected by the channel itself. */
  EXPIRY,
  /** A delivery that is not settled within its lease goes to another consumer. */
  LEASES,
  /** {@link Inbound#depth()} knows the number of waiting messages. */
  DEPTH,
  /** Settlement can join a transaction of the user. */
  TRANSACTIONAL,
  /** Waiting messages can be looked at without taking them. */
  BROWSE,
  /** The number of attempts survives a crash of the consumer. */
  REDELIVERY_COUNT
}
