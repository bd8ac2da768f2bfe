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
package dev.sluice.demo.carousel;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The holds of aircraft that have landed: their bags come out in no order of flights. */
final class Hold {

  private final Outbound<LandedBag> queue;
  private final List<Departure> flights;

  Hold(Outbound<LandedBag> queue, Departures departures) {
    this.queue = queue;
    this.flights = departures.inOrder();
  }

  /** Unloads so many bags of any flights. */
  Mono<Void> unload(int bags) {
    return queue
        .sendAll(
            Flux.range(0, bags)
                .map(i -> bag(flights.get(ThreadLocalRandom.current().nextInt(flights.size())))))
        .then();
  }

  /** Unloads so many bags of one flight. */
  Mono<Void> unload(int bags, Departure departure) {
    return queue.sendAll(Flux.range(0, bags).map(i -> bag(departure))).then();
  }

  /** Tags of bags that have landed begin with 95. */
  private static Message<LandedBag> bag(Departure departure) {
    String tag = "95%08d".formatted(ThreadLocalRandom.current().nextInt(100_000_000));
    return Message.builder(new LandedBag(tag, departure.flight(), departure.date()))
        .id(MessageIds.next())
        .type("bag.landed")
        .group(departure.key())
        .build();
  }
}
