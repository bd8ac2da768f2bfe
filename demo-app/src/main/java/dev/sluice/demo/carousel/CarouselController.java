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

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Unloads bags, shows the carousels, and changes which bags go to which. */
@RestController
@RequestMapping("/api/carousels")
class CarouselController {

  private static final int MOST = 500;

  private final Carousels carousels;
  private final Hold hold;
  private final Departures departures;
  private final Timetable timetable;

  CarouselController(Carousels carousels, Hold hold, Departures departures, Timetable timetable) {
    this.carousels = carousels;
    this.hold = hold;
    this.departures = departures;
    this.timetable = timetable;
  }

  @GetMapping
  Carousels.View view() {
    return carousels.view();
  }

  /** What the queue has. */
  record Unloaded(int bags) {}

  /** Unloads bags of one flight, or of any. */
  @PostMapping("/bags")
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<Unloaded> unload(
      @RequestParam(defaultValue = "40") String bags, @RequestParam @Nullable String flight) {
    List<FieldError> errors = new ArrayList<>();
    int number = number("bags", bags, MOST, errors);
    Departure departure = null;
    if (flight != null) {
      departure =
          departures.find(flight).stream()
              .min(Comparator.comparing(timetable::departsAt))
              .orElse(null);
      if (departure == null) {
        errors.add(FieldError.was("flight", flight, "a flight of the schedule, such as B6 108"));
      }
    }
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    Mono<Void> unloading = departure == null ? hold.unload(number) : hold.unload(number, departure);
    return unloading.thenReturn(new Unloaded(number));
  }

  /** From now on, bags of this flight or airline go to this carousel. */
  @PutMapping("/routes/{key}")
  Carousels.View route(@PathVariable String key, @RequestParam(defaultValue = "") String carousel) {
    List<FieldError> errors = new ArrayList<>();
    boolean known =
        departures.inOrder().stream()
            .anyMatch(one -> one.carrier().equals(key) || one.flight().equals(key));
    if (!known) {
      errors.add(
          FieldError.was(
              "key", key, "an airline or a flight of the schedule, such as B6 or B6 108"));
    }
    int number = number("carousel", carousel, Carousels.COUNT, errors);
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    carousels.route(key, number);
    return carousels.view();
  }

  /** From now on, there is no route for this flight or airline. */
  @DeleteMapping("/routes/{key}")
  Carousels.View remove(@PathVariable String key) {
    if (!carousels.remove(key)) {
      throw Problem.notFound("there is no such route");
    }
    return carousels.view();
  }

  private static int number(String name, String given, int most, List<FieldError> errors) {
    int number = given.matches("[0-9]{1,6}") ? Integer.parseInt(given) : 0;
    if (number < 1 || number > most) {
      String expected = "1.." + most;
      errors.add(
          given.isEmpty()
              ? FieldError.missing(name, expected)
              : FieldError.was(name, given, expected));
    }
    return number;
  }
}
