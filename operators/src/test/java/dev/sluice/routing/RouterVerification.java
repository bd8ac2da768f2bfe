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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.annotations.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The rules of Reactive Streams for publishers, for the receipts of a recipient list. */
@Test
public class RouterVerification extends PublisherVerification<Receipt> {

  private record Here(String name) implements Outbound<Integer> {

    @Override
    public Mono<Receipt> send(Message<Integer> message) {
      return Mono.just(new Receipt(name, message.id(), "0"));
    }
  }

  private final Router<Integer> router =
      Router.allMatches(
          "list", r -> r.when(i -> true, new Here("a")).when(i -> true, new Here("b")));

  public RouterVerification() {
    super(new TestEnvironment(200));
  }

  @Override
  public Publisher<Receipt> createPublisher(long elements) {
    Flux<Integer> source =
        elements > Integer.MAX_VALUE ? Flux.just(1).repeat() : Flux.range(0, (int) elements);
    return router.sendAll(source.map(Message::of));
  }

  @Override
  public Publisher<Receipt> createFailedPublisher() {
    return Router.<Integer>firstMatch("none", r -> r).sendAll(Flux.just(Message.of(1)));
  }
}
