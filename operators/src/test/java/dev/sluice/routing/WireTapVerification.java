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
package dev.sluice.routing;

import static dev.sluice.routing.WireTap.wireTap;

import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The rules of Reactive Streams for publishers, with a wire tap that never ends. */
@Test
public class WireTapVerification extends PublisherVerification<Integer> {

  public WireTapVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Integer> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return source.transform(wireTap(e -> Mono.never(), c -> c.capacity(4)));
  }

  @Override
  public Publisher<Integer> createFailedPublisher() {
    return Flux.<Integer>error(new IllegalStateException("failed"))
        .transform(wireTap(e -> Mono.never(), c -> c));
  }
}
