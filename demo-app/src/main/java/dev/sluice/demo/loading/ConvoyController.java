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
package dev.sluice.demo.loading;

import dev.sluice.demo.problem.Problem;
import dev.sluice.store.ParkingLot;
import java.util.List;
import java.util.Set;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Shows which departures are parked, and releases them by hand. */
@RestController
@RequestMapping("/api/convoys")
class ConvoyController {

  private final ParkedFlights parked;
  private final ParkingLot lot;
  private final Jams jams;

  ConvoyController(ParkedFlights parked, ParkingLot lot, Jams jams) {
    this.parked = parked;
    this.lot = lot;
    this.jams = jams;
  }

  /**
   * What does not go on.
   *
   * @param parked the departures in the parking lot, the longest there first
   * @param jammed the departures whose belt is jammed, whether or not a bag has met it
   */
  record Convoys(List<ParkedFlights.ParkedFlight> parked, Set<String> jammed) {}

  @GetMapping
  Mono<Convoys> convoys() {
    return parked.now().map(flights -> new Convoys(flights, jams.keys()));
  }

  /** What was released. */
  record Released(String key) {}

  /** Clears the belt and lets the bags go on, from the first that was parked. */
  @PostMapping("/{key}/release")
  Mono<Released> release(@PathVariable String key) {
    return Mono.defer(
        () -> {
          boolean jammed = jams.clear(key);
          return lot.release(LoadingView.FLOW, key)
              .filter(released -> released || jammed)
              .switchIfEmpty(
                  Mono.error(() -> Problem.notFound("this departure is neither parked nor jammed")))
              .thenReturn(new Released(key));
        });
  }
}
