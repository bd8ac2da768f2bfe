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
package dev.sluice.demo.turnaround;

import dev.sluice.demo.flight.DepartureFields;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import java.net.URI;
import java.util.List;
import java.util.Map;
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
 * Begins turnarounds, shows how far they are, and kills crews. A turnaround is answered with 202
 * when the store has it; from then on it is done or undone, whoever dies.
 */
@RestController
@RequestMapping("/api/turnarounds")
class TurnaroundController {

  private static final int SHOWN = 20;
  private static final String EXAMPLE = "{\"flight\":\"B6 108\"}";

  private final TurnaroundDesk desk;
  private final Departures departures;
  private final Timetable timetable;

  TurnaroundController(TurnaroundDesk desk, Departures departures, Timetable timetable) {
    this.desk = desk;
    this.departures = departures;
    this.timetable = timetable;
  }

  @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
  Mono<ResponseEntity<TurnaroundView>> begin(@RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0])
        .map(this::read)
        .flatMap(fields -> desk.begin(fields.departure()))
        .flatMap(desk::find)
        .map(
            turnaround ->
                ResponseEntity.accepted()
                    .location(URI.create("/api/turnarounds/" + turnaround.id()))
                    .body(turnaround));
  }

  private DepartureFields read(byte[] body) {
    JsonFields fields = JsonFields.read(body, EXAMPLE, List.of("flight", "date"));
    DepartureFields departure = DepartureFields.read(fields, departures, timetable);
    if (departure == null || !fields.valid()) {
      throw fields.problem();
    }
    return departure;
  }

  @GetMapping
  Mono<List<TurnaroundView>> list() {
    return desk.newest(SHOWN);
  }

  @GetMapping("/{id}")
  Mono<TurnaroundView> find(@PathVariable String id) {
    return desk.find(id);
  }

  /** Which crews work. */
  @GetMapping("/crews")
  Map<String, Boolean> crews() {
    return desk.crews();
  }

  /** Kills a crew, or has it work again. */
  @PutMapping("/crews/{name}")
  Map<String, Boolean> set(@PathVariable String name, @RequestParam @Nullable String works) {
    if (!"true".equals(works) && !"false".equals(works)) {
      String expected = "true or false";
      throw Problem.malformed(
          List.of(
              works == null
                  ? FieldError.missing("works", expected)
                  : FieldError.was("works", works, expected)));
    }
    desk.set(name, "true".equals(works));
    return desk.crews();
  }
}
