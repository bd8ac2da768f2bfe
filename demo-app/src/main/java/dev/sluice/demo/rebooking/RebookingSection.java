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

import dev.sluice.demo.chaos.Breakable;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.store.SagaLog.Stats;
import dev.sluice.store.SagaState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Rebookings on the page: the newest, and those that wait for a decision. The journal is asked
 * twice a second; while it does not answer, what it said last is shown.
 */
final class RebookingSection implements LiveSection, Breakable, SmartLifecycle {

  private static final Duration EVERY = Duration.ofMillis(500);
  private static final int NEWEST = 8;
  private static final int PARKED = 8;

  private static final Logger log = LoggerFactory.getLogger(RebookingSection.class);

  private final RebookingDesk desk;
  private final Partners partners;
  private final Disposable.Swap asking = Disposables.swap();
  private volatile View last = new View(false, 0, 0, Map.of(), List.of());

  RebookingSection(RebookingDesk desk, Partners partners) {
    this.desk = desk;
    this.partners = partners;
  }

  /**
   * What the page shows.
   *
   * @param up whether the journal answers
   * @param running how many are under way
   * @param parked how many wait for a decision
   * @param faults what is to fail
   * @param sagas those that wait for a decision, then the newest others
   */
  record View(
      boolean up, long running, long parked, Map<String, Boolean> faults, List<SagaView> sagas) {}

  @Override
  public String event() {
    return "rebookings";
  }

  @Override
  public View view() {
    View known = last;
    return new View(known.up(), known.running(), known.parked(), partners.faults(), known.sagas());
  }

  @Override
  public List<String> broken() {
    return partners.faults().entrySet().stream()
        .filter(Map.Entry::getValue)
        .map(fault -> "a rebooking fails: " + fault.getKey())
        .toList();
  }

  private Mono<View> ask() {
    return Mono.zip(desk.stats(), desk.newest(SagaState.PARKED, PARKED), desk.newest(null, NEWEST))
        .map(all -> view(all.getT1(), all.getT2(), all.getT3()))
        .onErrorResume(
            failure -> {
              if (last.up()) {
                log.warn("rebookings cannot be shown, for now: {}", failure.toString());
              }
              return Mono.just(
                  new View(false, last.running(), last.parked(), Map.of(), last.sagas()));
            });
  }

  private static View view(Stats stats, List<SagaView> parked, List<SagaView> newest) {
    List<SagaView> sagas = new ArrayList<>(parked);
    Set<String> shown = new HashSet<>();
    parked.forEach(saga -> shown.add(saga.id()));
    newest.stream().filter(saga -> shown.add(saga.id())).forEach(sagas::add);
    return new View(true, stats.running(), stats.parked(), Map.of(), sagas);
  }

  @Override
  public void start() {
    asking.update(
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> ask(), 1)
            .subscribe(view -> last = view));
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

  /** After the desk; before pictures are taken. */
  @Override
  public int getPhase() {
    return 350;
  }
}
