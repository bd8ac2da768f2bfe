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
package dev.sluice.demo.scan;

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Scans bags, and changes the order in which that is done. */
@RestController
class ScanController {

  private static final int MOST = 500;

  private final ScanPipeline scans;
  private final LabelPrinter printer;

  ScanController(ScanPipeline scans, LabelPrinter printer) {
    this.scans = scans;
    this.printer = printer;
  }

  @GetMapping("/api/pipeline")
  ScanPipeline.View view() {
    return scans.view();
  }

  /** What is under the scanner. */
  record Scanning(int bags, int unreadable) {}

  @PostMapping("/api/scans")
  @ResponseStatus(HttpStatus.ACCEPTED)
  Mono<Scanning> scan(
      @RequestParam(defaultValue = "50") String bags,
      @RequestParam(defaultValue = "0") String unreadable) {
    List<FieldError> errors = new ArrayList<>();
    int all = number("bags", bags, 1, MOST, errors);
    int torn = number("unreadable", unreadable, 0, Math.max(0, all), errors);
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    return printer.scan(all, torn).thenReturn(new Scanning(all, torn));
  }

  /** Puts the filters into another order; 409 if one would not find what it needs. */
  @PutMapping("/api/pipeline/order")
  ScanPipeline.View reorder(@RequestParam(defaultValue = "") List<String> filters) {
    try {
      scans.pipeline().reorder(filters);
    } catch (IllegalArgumentException e) {
      throw Problem.conflict(String.valueOf(e.getMessage()));
    }
    return scans.view();
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
