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

import dev.sluice.demo.chaos.Breakable;
import dev.sluice.demo.live.LiveSection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Turnarounds on the page: the newest, who works, and what the supervisor has done. The store is
 * asked twice a second; while it does not answer, what it said last is shown.
 */
final class TurnaroundSection implements LiveSection, Breakable, SmartLifecycle {

  private static final Duration EVERY = Duration.ofMillis(500);
  private static final int NEWEST = 6;

  private static final Logger log = LoggerFactory.getLogger(TurnaroundSection.class);

  private final TurnaroundDesk desk;
  private final Disposable.Swap asking = Disposables.swap();
  private volatile Known last = new Known(false, List.of());

  TurnaroundSection(TurnaroundDesk desk) {
    this.desk = desk;
  }

  private record Known(boolean up, List<TurnaroundView> turnarounds) {}

  /**
   * What the page shows.
   *
   * @param up whether the store answers
   * @param crews who works, by name
   * @param remedies what the supervisor of this process has done, the newest first
   * @param turnarounds the newest first
   */
  record View(
      boolean up,
      Map<String, Boolean> crews,
      List<RemedyLog.Remedied> remedies,
      List<TurnaroundView> turnarounds) {}

  @Override
  public String event() {
    return "turnarounds";
  }

  @Override
  public View view() {
    Known known = last;
    return new View(known.up(), desk.crews(), desk.remedies().last(), known.turnarounds());
  }

  @Override
  public List<String> broken() {
    return desk.crews().entrySet().stream()
        .filter(crew -> !crew.getValue())
        .map(crew -> "the crew " + crew.getKey() + " is dead")
        .toList();
  }

  private Mono<Known> ask() {
    return desk.newest(NEWEST)
        .map(newest -> new Known(true, newest))
        .onErrorResume(
            failure -> {
              if (last.up()) {
                log.warn("turnarounds cannot be shown, for now: {}", failure.toString());
              }
              return Mono.just(new Known(false, last.turnarounds()));
            });
  }

  @Override
  public void start() {
    asking.update(
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> ask(), 1)
            .subscribe(known -> last = known));
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
