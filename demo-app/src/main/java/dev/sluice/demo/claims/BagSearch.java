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
package dev.sluice.demo.claims;

import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Ledger.BagView;
import dev.sluice.demo.ledger.Stage;
import dev.sluice.http.OperationFailed;
import dev.sluice.http.OperationResult;
import dev.sluice.http.OperationRun;
import dev.sluice.http.Problem;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** Looks for a bag that somebody misses: in one place after the other, which takes a while. */
final class BagSearch {

  private static final List<String> PLACES =
      List.of("the check-in hall", "the belts", "the holds", "the office");

  private static final int NUMBER = 8;

  private final Ledger ledger;
  private final JsonMapper json;
  private final Duration place;
  private final Clock clock;

  /**
   * @param place how long it takes to look in one place
   */
  BagSearch(Ledger ledger, JsonMapper json, Duration place, Clock clock) {
    this.ledger = ledger;
    this.json = json;
    this.place = place;
    this.clock = clock;
  }

  /**
   * What was found.
   *
   * @param number what the case is called; the same however often it was looked
   * @param stage how far the bag is
   * @param answer what its owner is told
   */
  record Case(
      String number,
      String tag,
      String flight,
      String date,
      Stage stage,
      String answer,
      Instant closedAt) {}

  /** Looks everywhere, says how far it is, and gives the case; fails if nobody knows the bag. */
  Mono<OperationResult> search(OperationRun run) {
    String tag = ClaimRequest.read(run.request().bytes()).tag();
    return Flux.range(0, PLACES.size())
        .concatMap(
            i -> {
              run.progress(100 * i / PLACES.size(), "looking in " + PLACES.get(i));
              return Mono.delay(place);
            },
            1)
        .then(Mono.fromSupplier(() -> found(run.id(), tag)));
  }

  private OperationResult found(String id, String tag) {
    BagView bag = ledger.find(tag);
    if (bag == null) {
      throw new OperationFailed(
          new Problem(404, "not-checked-in", "Not Found", "no bag with this tag was checked in"));
    }
    String number =
        "LB-" + String.format("%08x", id.hashCode()).substring(0, NUMBER).toUpperCase(Locale.ROOT);
    return OperationResult.of(
        "application/json",
        json.writeValueAsBytes(
            new Case(
                number,
                tag,
                bag.flight(),
                bag.date().toString(),
                bag.stage(),
                answer(bag),
                clock.instant())));
  }

  private static String answer(BagView bag) {
    return switch (bag.stage()) {
      case RESERVED, CHECKED_IN, LOADING -> "It is still here, and goes with " + bag.flight() + ".";
      case PARKED -> "It waits with all bags of " + bag.flight() + " until the belt is free.";
      case LOADED -> "It is in the hold of " + bag.flight() + ".";
      default -> "It did not get into the hold; somebody has to look at it.";
    };
  }
}
