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
package dev.sluice.demo.chaos;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** What can be broken on purpose, and mended again. Each answers with how things stand then. */
@RestController
@RequestMapping("/api/chaos")
class ChaosController {

  private static final int MOST_BAGS = 1_000;

  private final Chaos chaos;
  private final Departures departures;
  private final Timetable timetable;

  ChaosController(Chaos chaos, Departures departures, Timetable timetable) {
    this.chaos = chaos;
    this.departures = departures;
    this.timetable = timetable;
  }

  @GetMapping
  Chaos.View view() {
    return chaos.view();
  }

  @PostMapping("/slow-customs")
  Chaos.View slowCustoms(@RequestParam(defaultValue = "true") String on) {
    chaos.switches().slowCustoms(onOrOff(on));
    return chaos.view();
  }

  @PostMapping("/slow-scanner")
  Chaos.View slowScanner(@RequestParam(defaultValue = "true") String on) {
    chaos.switches().slowScanner(onOrOff(on));
    return chaos.view();
  }

  @PostMapping("/stop-broker")
  Mono<Chaos.View> stopBroker(@RequestParam(defaultValue = "true") String on) {
    return chaos.broker(!onOrOff(on)).then(Mono.fromSupplier(chaos::view));
  }

  @PostMapping("/kill-connections")
  Mono<Chaos.View> killConnections() {
    return chaos.killConnections().then(Mono.fromSupplier(chaos::view));
  }

  @PostMapping("/corrupt-tags")
  Mono<Chaos.View> corruptTags(@RequestParam(defaultValue = "10") String bags) {
    if (!bags.matches("[0-9]{1,4}")
        || Integer.parseInt(bags) < 1
        || Integer.parseInt(bags) > MOST_BAGS) {
      throw Problem.malformed(List.of(FieldError.was("bags", bags, "1.." + MOST_BAGS)));
    }
    return chaos.corruptTags(Integer.parseInt(bags)).then(Mono.fromSupplier(chaos::view));
  }

  /** Jams the belt of a departure; without a day that of the flight's next one. */
  @PostMapping("/jam-flight")
  Chaos.View jamFlight(
      @RequestParam String flight,
      @RequestParam(required = false) @Nullable String date,
      @RequestParam(defaultValue = "true") String on) {
    String key = departure(flight, date).key();
    if (onOrOff(on)) {
      chaos.jams().jam(key);
    } else {
      chaos.jams().clear(key);
    }
    return chaos.view();
  }

  private Departure departure(String flight, @Nullable String date) {
    List<Departure> ofFlight = departures.find(flight);
    if (ofFlight.isEmpty()) {
      throw Problem.malformed(
          List.of(FieldError.was("flight", flight, "a flight of the schedule, such as B6 108")));
    }
    if (date == null) {
      return ofFlight.stream().min(Comparator.comparing(timetable::departsAt)).orElseThrow();
    }
    try {
      Departure departure = departures.find(flight, LocalDate.parse(date));
      if (departure != null) {
        return departure;
      }
    } catch (DateTimeParseException e) {
      // Told like a day without this flight.
    }
    throw Problem.malformed(List.of(FieldError.was("date", date, "a day of flight " + flight)));
  }

  private static boolean onOrOff(String on) {
    if (!on.matches("true|false")) {
      throw Problem.malformed(List.of(FieldError.was("on", on, "true or false")));
    }
    return Boolean.parseBoolean(on);
  }
}
