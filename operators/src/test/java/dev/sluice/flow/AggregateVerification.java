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
package dev.sluice.flow;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;

/** The rules of Reactive Streams for publishers. */
@Test
public class AggregateVerification extends PublisherVerification<Delivery<List<Message<Integer>>>> {

  public AggregateVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Delivery<List<Message<Integer>>>> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements * 3);
    return aggregate(source.map(Member::of));
  }

  @Override
  public Publisher<Delivery<List<Message<Integer>>>> createFailedPublisher() {
    return aggregate(Flux.error(new IllegalStateException("failed")));
  }

  private static Publisher<Delivery<List<Message<Integer>>>> aggregate(
      Flux<Delivery<Integer>> source) {
    return FluxAggregate.create(
            source,
            new FluxAggregate.Plan<>(
                3,
                Duration.ofHours(1),
                AggregateSpec.defaults(),
                delivery -> true,
                (delivery, error) -> {},
                Clock.systemUTC(),
                new NoPressure(),
                "here"))
        .doOnNext(list -> list.settlement().settle(Outcome.ack()));
  }
}
