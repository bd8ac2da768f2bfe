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

import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.ParkedGroup;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Departures that are parked, as the parking lot had them a moment ago; the ledger hears of them.
 * Thread-safe.
 */
final class ParkedFlights implements SmartLifecycle, LiveSection {

  private static final Duration EVERY = Duration.ofMillis(500);
  private static final int SHOWN = 20;

  private static final Logger log = LoggerFactory.getLogger(ParkedFlights.class);

  private final ParkingLot lot;
  private final Ledger ledger;
  private final Disposable.Swap looking = Disposables.swap();
  private volatile List<ParkedFlight> flights = List.of();

  ParkedFlights(ParkingLot lot, Ledger ledger) {
    this.lot = lot;
    this.ledger = ledger;
  }

  /**
   * A departure that is not loaded.
   *
   * @param key what keeps its bags in order
   * @param draining whether it was released, and its bags are on their way
   * @param bags how many of it are parked
   * @param why what was wrong with the bag that could not be loaded
   * @param sinceMillis for how long
   */
  record ParkedFlight(String key, boolean draining, long bags, String why, long sinceMillis) {

    static ParkedFlight of(ParkedGroup group) {
      return new ParkedFlight(
          group.group(), group.isDraining(), group.messages(), group.why(), group.age().toMillis());
    }
  }

  /** Those of this moment, the oldest first. */
  Mono<List<ParkedFlight>> now() {
    return lot.groups(LoadingView.FLOW, ParkingLot.MAX_LIMIT)
        .map(ParkedFlight::of)
        .collectList()
        .doOnNext(this::take);
  }

  private void take(List<ParkedFlight> found) {
    flights = List.copyOf(found.subList(0, Math.min(SHOWN, found.size())));
    ledger.parked(found.stream().collect(Collectors.toMap(ParkedFlight::key, ParkedFlight::bags)));
  }

  @Override
  public void start() {
    looking.update(
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .concatMap(
                tick ->
                    now()
                        .doOnError(
                            failure ->
                                log.warn(
                                    "the parking lot cannot be asked: {}", failure.getMessage()))
                        .onErrorComplete(),
                1)
            .subscribe());
  }

  @Override
  public void stop() {
    looking.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = looking.get();
    return current != null && !current.isDisposed();
  }

  /** Before the pictures, which show it. */
  @Override
  public int getPhase() {
    return 200;
  }

  @Override
  public String event() {
    return "convoys";
  }

  /** What the page shows: without the age, which changes all the time. */
  @Override
  public Object view() {
    return new View(
        flights.stream().map(f -> new Shown(f.key(), f.draining(), f.bags(), f.why())).toList());
  }

  /** The oldest ones, at most 20. */
  record View(List<Shown> parked) {}

  /** A parked departure, as on the page. */
  record Shown(String key, boolean draining, long bags, String why) {}
}
