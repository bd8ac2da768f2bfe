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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
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
 * Takes a picture of each section four times a second, whether or not anybody looks, because each
 * frame is also a sample of the invariant. A picture is written as JSON once, for all who look, and
 * sent if it differs from the one before. One that cannot be taken, or is too large, is logged and
 * left out; the others do not notice.
 */
public final class LiveFeed implements SmartLifecycle {

  static final Duration INTERVAL = Duration.ofMillis(250);

  /** How many characters of JSON a section may have. */
  static final int LARGEST = 256 * 1024;

  private static final Pattern EVENT = Pattern.compile("[a-z]+(-[a-z]+)*");

  private static final Logger log = LoggerFactory.getLogger(LiveFeed.class);

  private final List<Showing> showing = new ArrayList<>();
  private final JsonMapper json;
  private final Disposable.Swap ticking = Disposables.swap();

  LiveFeed(List<LiveSection> sections, JsonMapper json) {
    this.json = json;
    Set<String> events = new HashSet<>();
    for (LiveSection section : sections) {
      String event = section.event();
      if (!EVENT.matcher(event).matches() || !events.add(event)) {
        throw new IllegalArgumentException(
            "event: "
                + event
                + " (expected: small letters and hyphens, of no other section) of "
                + section.getClass().getName());
      }
      showing.add(new Showing(section));
    }
  }

  /** A feed of what these know, and of the sections. */
  public static LiveFeed of(
      Ledger ledger,
      Departures departures,
      Timetable timetable,
      DeadLetterLog deadLetters,
      LoadingGauges gauges,
      Supplier<Frame.Load> load,
      List<LiveSection> sections,
      JsonMapper json,
      Clock clock) {
    List<LiveSection> all = new ArrayList<>(sections.size() + 1);
    all.add(new LiveState(ledger, departures, timetable, deadLetters, gauges, load, clock));
    all.addAll(sections);
    return new LiveFeed(all, json);
  }

  /**
   * A view as it is sent.
   *
   * @param name of the event
   * @param json the view
   */
  record Event(String name, String json) {}

  /**
   * The latest picture of each section and all that follow. Who is slow misses some, but never the
   * latest: at most two of each section wait.
   */
  Flux<Event> events() {
    return Flux.fromIterable(showing)
        .flatMap(each -> each.latest.asFlux().onBackpressureLatest(), showing.size(), 1);
  }

  /** Takes a picture of each section. */
  void take() {
    showing.forEach(Showing::take);
  }

  @Override
  public void start() {
    ticking.update(
        Flux.interval(Duration.ZERO, INTERVAL)
            .onBackpressureDrop()
            .subscribe(tick -> take(), failure -> log.error("the live feed has failed", failure)));
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
    showing.forEach(each -> each.latest.tryEmitComplete());
  }

  /** A section, and the picture of it that was sent last. */
  private final class Showing {

    private final LiveSection section;
    private final Sinks.Many<Event> latest = Sinks.many().replay().latest();
    private String last = "";
    private boolean failing;

    private Showing(LiveSection section) {
      this.section = section;
    }

    private void take() {
      try {
        String next = json.writeValueAsString(section.view());
        if (next.length() > LARGEST) {
          throw new IllegalStateException(
              next.length() + " characters (expected: at most " + LARGEST + ")");
        }
        failing = false;
        if (!next.equals(last)) {
          last = next;
          latest.tryEmitNext(new Event(section.event(), next));
        }
      } catch (Throwable e) { // an Error too: nobody would begin to tick again
        if (!failing) {
          failing = true;
          log.error("no picture of {} until it can be taken again", section.event(), e);
        }
      }
    }
  }
}
