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
package dev.sluice.demo.screening;

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Lands an aircraft, and shows how screening gets on with its bags. */
@RestController
@RequestMapping("/api/transfers")
class TransferController {

  private static final int MOST = 2_000;

  private final Arrivals arrivals;
  private final ScreeningView view;

  TransferController(Arrivals arrivals, ScreeningView view) {
    this.arrivals = arrivals;
    this.view = view;
  }

  @GetMapping
  ScreeningView.View view() {
    return view.view();
  }

  @PostMapping
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<Arrivals.Landed> land(
      @RequestParam(defaultValue = "100") String bags,
      @RequestParam(defaultValue = "0") String late) {
    List<FieldError> errors = new ArrayList<>();
    int all = number("bags", bags, 1, MOST, errors);
    int tooLate = number("late", late, 0, Math.max(0, all), errors);
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    return arrivals.land(all, tooLate);
  }

  private static int number(
      String name, String given, int least, int most, List<FieldError> errors) {
    int number = given.matches("[0-9]{1,6}") ? Integer.parseInt(given) : -1;
    if (number < least || number > most) {
      errors.add(FieldError.was(name, given, least + ".." + most));
    }
    return number;
  }
}
