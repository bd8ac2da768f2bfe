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
package dev.sluice.demo.arrival;

import dev.sluice.choreography.Deadlines;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.IdempotencyStore;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What arrivals need beside the flows of those who take part: events that were committed are sent,
 * what is overdue is told, and what was done long ago is forgotten.
 */
final class ArrivalRounds implements SmartLifecycle {

  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
  private static final Duration FORGET_EVERY = Duration.ofMinutes(10);
  private static final int FORGOTTEN_AT_ONCE = 10_000;

  private static final Logger log = LoggerFactory.getLogger(ArrivalRounds.class);

  private final Flux<?> relay;
  private final Deadlines deadlines;
  private final IdempotencyStore done;
  private final AggregationStore awaited;
  private final Disposable.Swap running = Disposables.swap();

  ArrivalRounds(
      Flux<?> relay, Deadlines deadlines, IdempotencyStore done, AggregationStore awaited) {
    this.relay = relay;
    this.deadlines = deadlines;
    this.done = done;
    this.awaited = awaited;
  }

  private Mono<Void> forget() {
    return done.purge(FORGOTTEN_AT_ONCE)
        .then(awaited.purge(FORGOTTEN_AT_ONCE))
        .doOnError(failure -> log.warn("old arrivals stay, for now: {}", failure.toString()))
        .onErrorComplete()
        .then();
  }

  @Override
  public void start() {
    running.update(
        Disposables.composite(
            relay.subscribe(),
            deadlines.every(LOOK_EVERY).subscribe(),
            Flux.interval(FORGET_EVERY)
                .onBackpressureDrop()
                .concatMap(tick -> forget(), 1)
                .subscribe()));
  }

  @Override
  public void stop() {
    running.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = running.get();
    return current != null && !current.isDisposed();
  }

  /** Before the flows, whose events are sent; they stop first. */
  @Override
  public int getPhase() {
    return 300;
  }
}
