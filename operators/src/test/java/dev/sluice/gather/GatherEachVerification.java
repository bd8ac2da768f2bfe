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

/** The rules of Reactive Streams for publishers, with a gather for each element. */
@Test
public class GatherEachVerification extends PublisherVerification<Gathered<Integer>> {

  public GatherEachVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Gathered<Integer>> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return source.transform(
        scatterGather(
            Recipients.of(
                Recipient.of("here", i -> Mono.just(i)),
                Recipient.of("there", i -> Mono.just(i).subscribeOn(Schedulers.parallel()))),
            s -> s.concurrency(4).within(Duration.ofSeconds(10))));
  }

  @Override
  public Publisher<Gathered<Integer>> createFailedPublisher() {
    return Flux.<Integer>error(new IllegalStateException("failed"))
        .transform(scatterGather(Recipients.of(Recipient.of("here", i -> Mono.just(i))), s -> s));
  }
}
