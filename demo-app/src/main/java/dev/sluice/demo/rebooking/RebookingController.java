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
package dev.sluice.demo.rebooking;

import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * Begins rebookings, and says what of them is to fail. A rebooking is answered with 202 when the
 * journal has it; from then on it ends, whatever becomes of the caller or of this process.
 */
@RestController
@RequestMapping("/api/rebookings")
class RebookingController {

  private final RebookingDesk desk;
  private final Partners partners;
  private final Departures departures;
  private final Timetable timetable;

  RebookingController(
      RebookingDesk desk, Partners partners, Departures departures, Timetable timetable) {
    this.desk = desk;
    this.partners = partners;
    this.departures = departures;
    this.timetable = timetable;
  }

  @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
  Mono<ResponseEntity<SagaView>> rebook(@RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0])
        .map(bytes -> RebookingRequest.read(bytes, departures, timetable))
        .flatMap(desk::begin)
        .flatMap(desk::find)
        .map(
            saga ->
                ResponseEntity.accepted()
                    .location(URI.create("/api/sagas/" + saga.id()))
                    .body(saga));
  }

  /** What is to fail. */
  @GetMapping("/faults")
  Map<String, Boolean> faults() {
    return partners.faults();
  }

  @PutMapping("/faults/{label}")
  Map<String, Boolean> set(@PathVariable String label, @RequestParam @Nullable String on) {
    Fault fault =
        Arrays.stream(Fault.values())
            .filter(f -> f.label().equals(label))
            .findFirst()
            .orElseThrow(() -> Problem.notFound("no such fault (expected: " + labels() + ")"));
    if (!"true".equals(on) && !"false".equals(on)) {
      String expected = "true or false";
      throw Problem.malformed(
          List.of(
              on == null
                  ? FieldError.missing("on", expected)
                  : FieldError.was("on", on, expected)));
    }
    partners.set(fault, "true".equals(on));
    return partners.faults();
  }

  private static String labels() {
    return Arrays.stream(Fault.values()).map(Fault::label).collect(Collectors.joining(", "));
  }
}
