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
package dev.sluice.demo.bag;

import dev.sluice.demo.bag.BagIntake.CheckIn;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Ledger.BagView;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.net.URI;
import java.time.Duration;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * Checks in bags and tells where they are. A bag is answered with 201 when Kafka has confirmed its
 * record; the same tag again is answered with 200 and the bag that is there.
 */
@RestController
@RequestMapping("/api/bags")
class BagController {

  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final BagIntake intake;
  private final Ledger ledger;
  private final Departures departures;
  private final Timetable timetable;

  BagController(BagIntake intake, Ledger ledger, Departures departures, Timetable timetable) {
    this.intake = intake;
    this.ledger = ledger;
    this.departures = departures;
    this.timetable = timetable;
  }

  @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE)
  Mono<ResponseEntity<BagView>> checkIn(@RequestBody(required = false) Mono<byte[]> body) {
    return body.defaultIfEmpty(new byte[0])
        .map(bytes -> BagRequest.read(bytes, departures, timetable))
        .flatMap(this::checkIn);
  }

  private Mono<ResponseEntity<BagView>> checkIn(BagRequest request) {
    return intake
        .checkIn(request.tag(), request.departure())
        .map(checkIn -> answer(request, checkIn))
        .onErrorMap(
            CheckInRefused.class,
            refused -> Problem.unavailable(refused.reason(), RETRY_AFTER, refused));
  }

  private ResponseEntity<BagView> answer(BagRequest request, CheckIn checkIn) {
    BagView bag = checkIn.bag();
    if (checkIn.fresh()) {
      return ResponseEntity.created(URI.create("/api/bags/" + bag.tag())).body(bag);
    }
    boolean same =
        bag.flight().equals(request.departure().flight())
            && (!request.dated() || bag.date().equals(request.departure().date()));
    if (!same) {
      throw Problem.conflict(
          FieldError.of(
              "tag",
              "it is on a bag of " + bag.flight() + ", " + bag.date(),
              "a tag that is not in use"));
    }
    ledger.absorbed();
    return ResponseEntity.ok(bag);
  }

  @GetMapping("/{tag}")
  BagView find(@PathVariable String tag) {
    BagView bag = Bag.isTag(tag) ? ledger.find(tag) : null;
    if (bag == null) {
      throw Problem.notFound("no bag with this tag is checked in");
    }
    return bag;
  }
}
