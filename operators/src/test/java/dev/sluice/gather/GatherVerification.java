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
package dev.sluice.gather;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.channel.Recipient;
import java.time.Duration;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The rules of Reactive Streams for publishers, with recipients here and on other threads. */
@Test
public class GatherVerification extends PublisherVerification<Gathered<Integer>> {

  public GatherVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public long maxElementsFromPublisher() {
    return 1;
  }

  @Override
  public Publisher<Gathered<Integer>> createPublisher(long elements) {
    return scatterGather(
            Recipients.<Integer, Integer>of(
                Recipient.of("here", i -> Mono.just(i)),
                Recipient.of("there", i -> Mono.just(i).subscribeOn(Schedulers.parallel()))),
            s -> s.within(Duration.ofSeconds(10)))
        .ask(1);
  }

  @Override
  public Publisher<Gathered<Integer>> createFailedPublisher() {
    return scatterGather(
            (Recipients<Integer, Integer>) i -> Flux.error(new IllegalStateException("failed")),
            s -> s)
        .ask(1);
  }
}
