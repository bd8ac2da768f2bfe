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
package dev.sluice.demo.live;

/** What the loading flow tells about itself. Thread-safe, never waits. */
public interface LoadingGauges {

  /** How busy the convoy is. */
  Frame.Convoy convoy();

  /** Whether the flow runs. */
  Frame.Flow flow();

  /** Whether the broker answers, and what waits in it. */
  Frame.Kafka kafka();
}
