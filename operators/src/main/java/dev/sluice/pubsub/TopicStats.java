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
import java.util.List;

/**
 * What a topic is doing.
 *
 * @param published how many messages were published
 * @param retained how many of them it still has
 * @param subscribers those that are subscribed
 */
@Experimental
public record TopicStats(long published, long retained, List<SubscriberStats> subscribers) {

  public TopicStats {
    subscribers = List.copyOf(subscribers);
  }

  /**
   * How a subscriber keeps up.
   *
   * @param name its name
   * @param waiting messages that wait for it; if it catches up, those that it may not want included
   * @param lost messages that it did not get: dropped, replaced, missed, or left out because a
   *     filter has thrown
   */
  @Experimental
  public record SubscriberStats(String name, long waiting, long lost) {}
}
