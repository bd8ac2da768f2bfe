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
package dev.sluice.demo.quotes;

import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import dev.sluice.gather.Completion;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Leg;
import dev.sluice.gather.ScatterGather;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.util.MultiValueMap;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * Asks all partner airlines for a seat at once, and answers when enough of them have: {@code GET
 * /api/quotes?from=JFK&to=BOS}. Fewer answers in time are no error; the answer says so.
 */
@RestController
@RequestMapping("/api/quotes")
class QuotesController {

  private final ScatterGather<Route, Offer> quotes;
  private final Airlines airlines;
  private final Departures departures;

  QuotesController(ScatterGather<Route, Offer> quotes, Airlines airlines, Departures departures) {
    this.quotes = quotes;
    this.airlines = airlines;
    this.departures = departures;
  }

  /**
   * What came back.
   *
   * @param complete whether enough have answered
   * @param why what ended it
   * @param tookMillis from the question to that
   * @param cheapest who has the best price; null if nobody has answered
   * @param legs one for each airline
   */
  record Quotes(
      Route route,
      boolean complete,
      Completion why,
      long tookMillis,
      @Nullable String cheapest,
      List<Quote> legs) {}

  /**
   * What became of one airline.
   *
   * @param offer null if there is none
   * @param error why, if it has failed
   * @param tookMillis how long it was asked
   */
  record Quote(
      String airline,
      Leg.State state,
      @Nullable Offer offer,
      @Nullable String error,
      long tookMillis) {}

  @GetMapping
  Mono<Quotes> ask(@RequestParam MultiValueMap<String, String> query) {
    Route route = Route.read(query, departures);
    return quotes.ask(route).map(gathered -> answer(route, gathered));
  }

  private static Quotes answer(Route route, Gathered<Offer> gathered) {
    List<Quote> legs = gathered.legs().stream().map(QuotesController::quote).toList();
    String cheapest =
        legs.stream()
            .filter(leg -> leg.offer() != null)
            .min(Comparator.comparingInt(leg -> leg.offer() == null ? 0 : leg.offer().cents()))
            .map(Quote::airline)
            .orElse(null);
    return new Quotes(
        route, gathered.complete(), gathered.why(), millis(gathered.took()), cheapest, legs);
  }

  private static Quote quote(Leg<Offer> leg) {
    Throwable error = leg.error();
    return new Quote(
        leg.recipient(),
        leg.state(),
        leg.answer(),
        error == null ? null : error.getMessage(),
        millis(leg.took()));
  }

  private static long millis(Duration duration) {
    return duration.toMillis();
  }

  /** Who is open. */
  @GetMapping("/airlines")
  Map<String, Boolean> airlines() {
    Map<String, Boolean> open = new TreeMap<>();
    airlines.all().forEach(airline -> open.put(airline.name(), airline.isOpen()));
    return open;
  }

  /** Closes an airline, or opens it again. */
  @PutMapping("/airlines/{name}")
  Map<String, Boolean> open(@PathVariable String name, @RequestParam @Nullable String open) {
    Airline meant =
        airlines.all().stream()
            .filter(airline -> airline.name().equals(name))
            .findFirst()
            .orElseThrow(() -> Problem.notFound("there is no such partner airline"));
    if (!"true".equals(open) && !"false".equals(open)) {
      String expected = "true or false";
      throw Problem.malformed(
          List.of(
              open == null
                  ? FieldError.missing("open", expected)
                  : FieldError.was("open", open, expected)));
    }
    meant.open("true".equals(open));
    return airlines();
  }
}
