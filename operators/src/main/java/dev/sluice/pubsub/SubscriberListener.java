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
import dev.sluice.message.Message;

/**
 * Hears what a subscriber does not get. Called on the thread of the publisher or of the subscriber,
 * and must not block; what it throws is logged.
 */
@Experimental
public interface SubscriberListener {

  /** A message was dropped, or gave way to a newer one of its key, because the buffer was full. */
  default void dropped(Published<?> published) {}

  /**
   * The subscriber has fallen so far behind that the topic does not have what it would get next.
   *
   * @param from the position of the first message that it has missed
   * @param count how many, those that it would not have wanted included
   */
  default void missed(long from, long count) {}

  /** A filter or a key function has thrown, so the message was left out. */
  default void failed(Message<?> message, Throwable error) {}
}
