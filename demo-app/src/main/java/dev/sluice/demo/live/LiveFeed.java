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
package dev.sluice.demo.live;

import dev.sluice.demo.deadletters.DeadLetterLog;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import java.time.Clock;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import tools.jackson.databind.json.JsonMapper;

/**
 * Takes a picture four times a second, whether or not anybody looks, because each is also a sample
 * of the invariant. A picture is written as JSON once, for all who look.
 */
public final class LiveFeed implements SmartLifecycle {

  static final Duration INTERVAL = Duration.ofMillis(250);

  private static final Logger log = LoggerFactory.getLogger(LiveFeed.class);

  private final LiveState state;
  private final JsonMapper json;
  private final Sinks.Many<String> frames = Sinks.many().replay().latest();
  private final Disposable.Swap ticking = Disposables.swap();

  private LiveFeed(LiveState state, JsonMapper json) {
    this.state = state;
    this.json = json;
  }

  /** A feed of what these know. */
  public static LiveFeed of(
      Ledger ledger,
      Departures departures,
      Timetable timetable,
      DeadLetterLog deadLetters,
      LoadingGauges gauges,
      Supplier<Frame.Load> load,
      JsonMapper json,
      Clock clock) {
    return new LiveFeed(
        new LiveState(ledger, departures, timetable, deadLetters, gauges, load, clock), json);
  }

  /** The latest picture and all that follow; who is slow misses some. */
  Flux<String> frames() {
    return frames.asFlux().onBackpressureLatest();
  }

  @Override
  public void start() {
    ticking.update(
        Flux.interval(Duration.ZERO, INTERVAL)
            .onBackpressureDrop()
            .map(tick -> json.writeValueAsString(state.frame()))
            .subscribe(
                frames::tryEmitNext,
                failure -> {
                  log.error("the live feed has failed", failure);
                  frames.tryEmitError(failure);
                }));
  }

  @Override
  public void stop() {
    ticking.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = ticking.get();
    return current != null && !current.isDisposed();
  }

  /** After everything a picture shows has started; before the web server. */
  @Override
  public int getPhase() {
    return 400;
  }

  /** Ends the streams first: a graceful web server would wait for them. */
  @EventListener(ContextClosedEvent.class)
  void end() {
    stop();
    frames.tryEmitComplete();
  }
}
