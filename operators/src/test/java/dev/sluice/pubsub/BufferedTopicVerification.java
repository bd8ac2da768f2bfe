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

import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;

/** The rules of Reactive Streams for publishers, for a subscriber with a buffer of its own. */
@Test
public class BufferedTopicVerification extends PublisherVerification<Published<Integer>> {

  public BufferedTopicVerification() {
    super(new TestEnvironment(500));
  }

  @Override
  public long maxElementsFromPublisher() {
    return 1 << 16;
  }

  @Override
  public Publisher<Published<Integer>> createPublisher(long elements) {
    return TopicVerification.filled(elements).subscribe(s -> s.fromEarliest().dropOldest(1 << 16));
  }

  @Override
  public Publisher<Published<Integer>> createFailedPublisher() {
    return TopicVerification.filled(2).subscribe(s -> s.fromEarliest().disconnect(1));
  }
}
