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
package dev.sluice.kafka;

/** How the members of a consumer group come to share the partitions of a topic. */
public enum GroupProtocol {
  /**
   * The members agree among themselves: when one comes or goes, all meet at the broker, and no
   * offset can be committed until the slowest has joined. Any broker.
   */
  CLASSIC,
  /**
   * The broker decides (KIP-848) and tells each member alone what to give up and what to take over;
   * the others go on. Sessions and heartbeats are configured at the broker. Brokers from 4.0 on.
   */
  CONSUMER
}
