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
package dev.sluice.pubsub;

import dev.sluice.Experimental;

/** A subscriber was disconnected, because it did not take messages as fast as they came. */
@Experimental
public final class SlowSubscriber extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String subscriber;
  private final long position;

  SlowSubscriber(String topic, String subscriber, int capacity, long position) {
    super(
        topic
            + ": subscriber "
            + subscriber
            + " is too slow, "
            + capacity
            + " messages were waiting when "
            + position
            + " came");
    this.subscriber = subscriber;
    this.position = position;
  }

  /** The name of the subscriber. */
  public String subscriber() {
    return subscriber;
  }

  /** The position of the message that found no room. */
  public long position() {
    return position;
  }
}
