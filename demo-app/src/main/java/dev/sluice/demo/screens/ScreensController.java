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
package dev.sluice.demo.screens;

import dev.sluice.demo.flight.DepartureFields;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Publishes what happens to flights, shows who has heard of it, and breaks screens. */
@RestController
class ScreensController {

  private static final String KINDS =
      Arrays.stream(FlightEvent.Kind.values())
          .map(FlightEvent.Kind::label)
          .collect(Collectors.joining(", "));

  private final FlightEvents events;
  private final Departures departures;
  private final Timetable timetable;

  ScreensController(FlightEvents events, Departures departures, Timetable timetable) {
    this.events = events;
    this.departures = departures;
    this.timetable = timetable;
  }

  @PostMapping(path = "/api/flight-events", consumes = MediaType.APPLICATION_JSON_VALUE)
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<FlightEvent> publish(@RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0]).map(this::read).doOnNext(events::publish);
  }

  private FlightEvent read(byte[] body) {
    JsonFields fields =
        JsonFields.read(
            body,
            "{\"flight\":\"B6 108\",\"kind\":\"delayed\"}",
            List.of("flight", "date", "kind"));
    DepartureFields departure = DepartureFields.read(fields, departures, timetable);
    String label = fields.text("kind", KINDS);
    Optional<FlightEvent.Kind> kind =
        Arrays.stream(FlightEvent.Kind.values()).filter(k -> k.label().equals(label)).findFirst();
    if (label != null && kind.isEmpty()) {
      fields.wrong(FieldError.was("kind", label, KINDS));
    }
    if (!fields.valid() || departure == null || kind.isEmpty()) {
      throw fields.problem();
    }
    return FlightEvent.of(departure.departure(), kind.get());
  }

  @GetMapping("/api/screens")
  FlightEvents.View view() {
    return events.view();
  }

  @PutMapping("/api/screens/{name}")
  FlightEvents.View breakDown(@PathVariable String name, @RequestParam @Nullable String broken) {
    Screen screen =
        events.screen(name).orElseThrow(() -> Problem.notFound("there is no such screen"));
    if (!"true".equals(broken) && !"false".equals(broken)) {
      String expected = "true or false";
      throw Problem.malformed(
          List.of(
              broken == null
                  ? FieldError.missing("broken", expected)
                  : FieldError.was("broken", broken, expected)));
    }
    screen.breakDown("true".equals(broken));
    return events.view();
  }
}
