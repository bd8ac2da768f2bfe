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
package dev.sluice.priority;

import static dev.sluice.priority.PriorityMerge.priorityMerge;

import java.util.List;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;

/** The rules of Reactive Streams for publishers, with the elements spread over three sources. */
@Test
public class PriorityMergeVerification extends PublisherVerification<Integer> {

  public PriorityMergeVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Integer> createPublisher(long elements) {
    Flux<Integer> source = Flux.just(1).repeat();
    if (elements > Integer.MAX_VALUE) {
      return priorityMerge(List.of(source, source, source), p -> p.weighted(8, 4, 1));
    }
    long third = elements / 3;
    return priorityMerge(
        List.of(source.take(third), source.take(third), source.take(elements - 2 * third)),
        p -> p.weighted(8, 4, 1));
  }

  @Override
  public Publisher<Integer> createFailedPublisher() {
    return priorityMerge(
        List.of(Flux.<Integer>never(), Flux.error(new IllegalStateException("failed"))));
  }
}
