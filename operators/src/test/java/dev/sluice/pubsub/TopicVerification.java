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
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;

/** The rules of Reactive Streams for publishers, for a subscriber that reads the topic. */
@Test
public class TopicVerification extends PublisherVerification<Published<Integer>> {

  public TopicVerification() {
    super(new TestEnvironment(500));
  }

  @Override
  public long maxElementsFromPublisher() {
    return 1 << 16;
  }

  @Override
  public Publisher<Published<Integer>> createPublisher(long elements) {
    return filled(elements).subscribe(s -> s.fromEarliest());
  }

  static Topic<Integer> filled(long elements) {
    Topic<Integer> topic = Topic.create("events", c -> c.retain(1 << 16));
    for (int i = 0; i < elements; i++) {
      topic.publish(Message.of(i));
    }
    topic.close();
    return topic;
  }

  @Override
  public Publisher<Published<Integer>> createFailedPublisher() {
    return filled(2).subscribe(s -> s.fromEarliest().disconnect(1));
  }
}
