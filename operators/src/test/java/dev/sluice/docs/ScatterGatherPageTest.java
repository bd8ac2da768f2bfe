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
package dev.sluice.docs;

import static dev.sluice.gather.ScatterGather.scatterGather;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Recipient;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.IncompleteGather;
import dev.sluice.gather.Leg;
import dev.sluice.gather.Recipients;
import dev.sluice.gather.ScatterGather;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/scatter-gather.md. */
class ScatterGatherPageTest {

  private record Trip(String from, String to) {}

  private record Offer(String airline, int price) {}

  private final Airline north = new Airline("north", 120);
  private final Airline south = new Airline("south", 95);
  private final Airline west = new Airline("west", 240);

  private record Airline(String name, int price) {
    Mono<Offer> quote(Trip trip) {
      return Mono.just(new Offer(name, price));
    }
  }

  private ScatterGather<Trip, Offer> quotes() {
    // #region scatter
    ScatterGather<Trip, Offer> quotes =
        scatterGather(
            Recipients.of(
                Recipient.of("north", north::quote), // a Publisher: non-blocking
                Recipient.of("south", south::quote),
                Recipient.of("west", west::quote)),
            s ->
                s.within(Duration.ofMillis(800)) // for everything, one timer
                    .timeout(Duration.ofMillis(500)) // for one ask
                    .retry(r -> r.retries(1))
                    .bulkhead(32, 64)); // asks of one airline at once, and waiting
    // #endregion
    return quotes;
  }

  @Test
  void collected() {
    ScatterGather<Trip, Offer> quotes = quotes();
    // #region ask
    Mono<Offer> cheapest =
        quotes
            .ask(new Trip("OSL", "LIS"))
            .flatMapIterable(Gathered::answers)
            .sort(Comparator.comparing(Offer::price))
            .next();
    // #endregion
    StepVerifier.create(cheapest).expectNext(new Offer("south", 95)).verifyComplete();
  }

  @Test
  void streamed() {
    ScatterGather<Trip, Offer> quotes = quotes();
    // #region stream
    Flux<Offer> asTheyCome =
        quotes.stream(new Trip("OSL", "LIS"))
            .mapNotNull(Leg::answer)
            .onErrorComplete(IncompleteGather.class); // who is late is left out
    // #endregion
    StepVerifier.create(asTheyCome.map(Offer::airline))
        .expectNext("north", "south", "west")
        .verifyComplete();
  }

  @Test
  void forEachElement() {
    ScatterGather<Trip, Offer> quotes = quotes();
    Flux<Trip> trips = Flux.just(new Trip("OSL", "LIS"), new Trip("OSL", "RIX"));
    // #region flux
    Flux<String> offers =
        trips.transform(
            quotes.combining((trip, gathered) -> trip.to() + ": " + gathered.answers().size()));
    // #endregion
    StepVerifier.create(offers).expectNext("LIS: 3", "RIX: 3").verifyComplete();
  }

  @Test
  void agreed() {
    List<Recipient<String, Integer>> replicas =
        List.of(
            Recipient.of("one", key -> Mono.just(7)),
            Recipient.of("two", key -> Mono.just(6)),
            Recipient.of("three", key -> Mono.just(7)));
    // #region quorum
    ScatterGather<String, Integer> read =
        scatterGather(
            Recipients.ofAll(replicas),
            s -> s.quorum(2).within(Duration.ofMillis(50)).hedge(Duration.ofMillis(10), 1));
    // #endregion
    StepVerifier.create(read.ask("balance"))
        .assertNext(
            gathered -> {
              assertThat(gathered.complete()).isTrue();
              assertThat(gathered.agreed()).isEqualTo(7);
            })
        .verifyComplete();
  }
}
