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
package dev.sluice.parking;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.retry.Probe;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;

/** The rules of Reactive Streams for publishers. */
@Test
public class DeliveryParkingVerification extends PublisherVerification<Delivery<byte[]>> {

  public DeliveryParkingVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Delivery<byte[]>> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return parking(source.map(n -> new Probe("a" + n).delivery()));
  }

  @Override
  public Publisher<Delivery<byte[]>> createFailedPublisher() {
    return parking(Flux.error(new IllegalStateException("failed")));
  }

  private static Publisher<Delivery<byte[]>> parking(Flux<Delivery<byte[]>> source) {
    return source
        .transform(Parking.ofDeliveries(new OpenLot(), p -> p).window(16))
        .doOnNext(delivery -> delivery.settlement().settle(Outcome.ack()));
  }
}
