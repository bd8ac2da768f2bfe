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

import static dev.sluice.dispatch.ReadyOrder.mostUrgentFirst;
import static dev.sluice.priority.PriorityMerge.priorityDispatch;

import java.util.Comparator;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/** The rules of Reactive Streams for publishers, with workers on other threads. */
@Test
public class PriorityDispatchVerification extends PublisherVerification<Integer> {

  public PriorityDispatchVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Integer> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return source.transform(
        priorityDispatch(
            mostUrgentFirst(Comparator.<Integer>reverseOrder()),
            i -> Flux.just(i).hide().subscribeOn(Schedulers.parallel()),
            c -> c.concurrency(8)));
  }

  @Override
  public Publisher<Integer> createFailedPublisher() {
    return Flux.just(1)
        .transform(
            priorityDispatch(
                mostUrgentFirst(Comparator.<Integer>naturalOrder()),
                i -> Flux.<Integer>error(new IllegalStateException("failed")),
                c -> c));
  }
}
