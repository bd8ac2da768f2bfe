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

import dev.sluice.message.Message;
import org.jspecify.annotations.Nullable;

/** The newest messages of a topic, by their positions. Not thread-safe. */
final class TopicLog<T> {

  private final @Nullable Published<T>[] ring;
  private long end;

  @SuppressWarnings("unchecked")
  TopicLog(int retain) {
    this.ring = (Published<T>[]) new Published<?>[retain];
  }

  Published<T> append(Message<T> message) {
    Published<T> published = new Published<>(end, message);
    ring[(int) (end++ % ring.length)] = published;
    return published;
  }

  /** The position of the next message. */
  long end() {
    return end;
  }

  /** The oldest position that it still has, or the end if it has none. */
  long begin() {
    return Math.max(0, end - ring.length);
  }

  /**
   * The message at a position, or null if it has not come yet.
   *
   * @param position not before the beginning
   */
  @Nullable Published<T> at(long position) {
    return position < end ? ring[(int) (position % ring.length)] : null;
  }
}
