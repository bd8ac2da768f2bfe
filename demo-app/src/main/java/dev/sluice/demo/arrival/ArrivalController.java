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
package dev.sluice.demo.arrival;

import dev.sluice.choreography.EventTrace;
import dev.sluice.demo.flight.DepartureFields;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Lands aircraft, shows what follows from it and the graph of that, and breaks participants. */
@RestController
class ArrivalController {

  private static final String EXAMPLE = "{\"flight\":\"B6 108\"}";

  private final ArrivalSection section;
  private final Departures departures;
  private final Timetable timetable;

  ArrivalController(ArrivalSection section, Departures departures, Timetable timetable) {
    this.section = section;
    this.departures = departures;
    this.timetable = timetable;
  }

  @PostMapping(path = "/api/arrivals", consumes = MediaType.APPLICATION_JSON_VALUE)
  Mono<ResponseEntity<ArrivalSection.Landing>> land(
      @RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0])
        .map(this::read)
        .flatMap(fields -> section.land(fields.departure()))
        .map(
            landing ->
                ResponseEntity.accepted()
                    .location(URI.create("/api/arrivals/" + landing.id()))
                    .body(landing));
  }

  private DepartureFields read(byte[] body) {
    JsonFields fields = JsonFields.read(body, EXAMPLE, List.of("flight", "date"));
    DepartureFields departure = DepartureFields.read(fields, departures, timetable);
    if (departure == null || !fields.valid()) {
      throw fields.problem();
    }
    return departure;
  }

  @GetMapping("/api/arrivals")
  ArrivalSection.View view() {
    return section.view();
  }

  /** Follows a correlation id. */
  @GetMapping("/api/arrivals/{id}")
  List<EventTrace.Step> follow(@PathVariable String id) {
    List<EventTrace.Step> steps = section.follow(id);
    if (steps.isEmpty()) {
      throw Problem.notFound("nothing is known of this arrival, or not any more");
    }
    return steps;
  }

  @GetMapping(path = "/api/choreography.mmd", produces = "text/plain;charset=UTF-8")
  String graph() {
    return section.mermaid();
  }

  /** Has a participant do its part, refuse, or sleep. */
  @PutMapping("/api/arrivals/participants/{name}")
  Mono<ArrivalSection.View> set(@PathVariable String name, @RequestParam @Nullable String does) {
    if (!ArrivalPlan.PARTICIPANTS.contains(name)) {
      throw Problem.notFound(
          "nobody is called so (expected: " + String.join(", ", ArrivalPlan.PARTICIPANTS) + ")");
    }
    String expected = "works, refuses or sleeps";
    if (does == null || !does.matches("works|refuses|sleeps")) {
      throw Problem.malformed(
          List.of(
              does == null
                  ? FieldError.missing("does", expected)
                  : FieldError.was("does", does, expected)));
    }
    return section
        .set(name, Duties.Duty.valueOf(does.toUpperCase(Locale.ROOT)))
        .then(Mono.fromSupplier(section::view));
  }
}
