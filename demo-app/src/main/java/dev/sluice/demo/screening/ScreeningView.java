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

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.spring.Flows;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What is seen of screening: the queues are asked for their depth once a second. Thread-safe. */
final class ScreeningView implements SmartLifecycle, LiveSection {

  static final String SCREENING = "screening";
  static final String SCANNING = "scanning";
  static final int MOST_STATIONS = 16;

  private static final Duration EVERY = Duration.ofSeconds(1);

  private final Flows flows;
  private final Stations stations;
  private final Late late;
  private final Inbound transfers;
  private final Inbound belt;
  private final Disposable.Swap asking = Disposables.swap();
  private volatile long waiting;
  private volatile long onBelt;

  ScreeningView(Flows flows, Stations stations, Late late, Inbound transfers, Inbound belt) {
    this.flows = flows;
    this.stations = stations;
    this.late = late;
    this.transfers = transfers;
    this.belt = belt;
  }

  /**
   * How it stands.
   *
   * @param waiting bags that wait for a station, of all instances
   * @param atStations bags that this process has taken to its stations
   * @param stations how many stations are open in this process
   * @param mostStations how many there can be
   * @param onBelt bags that wait for the scanner, of all instances
   * @param atScanner bags that this process has taken to its scanner
   * @param screened bags that this process has screened since it started
   * @param late bags that it has found too late for their flight, or could not use
   * @param scanned bags that it has scanned
   */
  record View(
      long waiting,
      long atStations,
      int stations,
      int mostStations,
      long onBelt,
      long atScanner,
      long screened,
      long late,
      long scanned) {}

  @Override
  public String event() {
    return "screening";
  }

  @Override
  public View view() {
    FlowHandle screening = flows.handle(SCREENING);
    FlowHandle scanning = flows.handle(SCANNING);
    return new View(
        waiting,
        held(screening),
        stations.open(),
        MOST_STATIONS,
        onBelt,
        held(scanning),
        screening == null ? 0 : screening.stats().acknowledged(),
        late.bags(),
        scanning == null ? 0 : scanning.stats().acknowledged());
  }

  private static long held(@Nullable FlowHandle flow) {
    return flow == null ? 0 : flow.stats().unsettled();
  }

  @Override
  public void start() {
    asking.update(
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> ask(), 1)
            .subscribe());
  }

  /** What cannot be told stays as it was. */
  private Mono<Void> ask() {
    return Mono.when(
            transfers.depth().doOnNext(depth -> waiting = depth).onErrorComplete(),
            belt.depth().doOnNext(depth -> onBelt = depth).onErrorComplete())
        .timeout(EVERY.multipliedBy(10), Mono.empty());
  }

  @Override
  public void stop() {
    asking.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = asking.get();
    return current != null && !current.isDisposed();
  }

  /** Before the pictures, which show it. */
  @Override
  public int getPhase() {
    return 200;
  }
}
