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

/** Runs the consumer of one receiver on a thread of its own. */
interface KafkaLoop {

  /** What a loop reports, on its own thread. Of failed and closed the first call counts. */
  interface Listener {

    /** A record that is new and admitted. */
    void arrived(Arrival arrival);

    /** The loop has ended by itself, and its consumer is closed or was never made. */
    void failed(Throwable error);

    /** The loop has ended because it was asked to, and its offsets are committed. */
    void closed();
  }

  /** Begins to consume. Called once; does not block. */
  void start();

  /** Makes the loop look at its assignment soon. */
  void wakeup();

  /** Ends it, without waiting for deliveries that are out; does not block. */
  void close();
}
