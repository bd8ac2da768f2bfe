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
package dev.sluice.demo.load;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.bag.CheckInRefused;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.live.Frame;
import dev.sluice.demo.problem.Problem;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Replays the departures of the week as bags, one load at a time. Bags go through the same intake
 * as those of {@code POST /api/bags}; unreadable ones are written straight to the topic, spread
 * evenly over the load. Thread-safe.
 */
public final class LoadGenerator implements SmartLifecycle, LoadRun.Target {

  /** About so many bags per second come to each flight that is open. */
  private static final double BAGS_PER_FLIGHT_AND_SECOND = 2.5;

  private static final int FEWEST_OPEN = 12;
  private static final int MOST_OPEN = 300;

  private final BagIntake intake;
  private final Outbound<byte[]> topic;
  private final Ledger ledger;
  private final Departures departures;
  private final Timetable timetable;

  private @Nullable LoadRun run; // guarded by this

  /**
   * @param topic where unreadable records are written
   */
  public LoadGenerator(
      BagIntake intake,
      Outbound<byte[]> topic,
      Ledger ledger,
      Departures departures,
      Timetable timetable) {
    this.intake = intake;
    this.topic = topic;
    this.ledger = ledger;
    this.departures = departures;
    this.timetable = timetable;
  }

  /**
   * Starts a load.
   *
   * @throws Problem 409 if one is running, 503 if no tags are left
   */
  synchronized Frame.Load start(LoadRequest request) {
    LoadRun before = run;
    if (before != null && before.isRunning()) {
      throw Problem.conflict("a load is running (expected: none; stop it with DELETE /api/load)");
    }
    OptionalInt series = ledger.freeSeries();
    if (series.isEmpty() || !ledger.hasRoom()) {
      throw Problem.unavailable(
          "no room for more bags; start again with another data directory", null, null);
    }
    int open =
        (int)
            Math.max(FEWEST_OPEN, Math.min(MOST_OPEN, request.rate() / BAGS_PER_FLIGHT_AND_SECOND));
    LoadRun next =
        new LoadRun(
            request,
            new Passengers(departures, request.bags(), open, series.getAsInt()),
            departures.size(),
            series.getAsInt(),
            timetable.restart(request.duration()),
            Schedulers.parallel());
    run = next;
    next.start(this);
    return next.view();
  }

  /** Stops the load, if there is one, and tells how far it came. */
  synchronized Frame.Load stopLoad() {
    LoadRun current = run;
    if (current != null) {
      current.stop();
    }
    return view();
  }

  /** The load that is running, or the last one. */
  public synchronized Frame.Load view() {
    LoadRun current = run;
    return current == null
        ? new Frame.Load("idle", 0, 0, 0, 0, 0, departures.size(), timetable.compression(), "")
        : current.view();
  }

  @Override
  public Publisher<?> checkIn(String tag, Departure departure) {
    return intake.checkIn(tag, departure);
  }

  @Override
  public Publisher<?> writeUnreadable(String tag, Departure departure) {
    if (!ledger.hasRoom()) {
      return Mono.error(CheckInRefused.full(ledger.capacity()));
    }
    return topic.send(
        Message.builder(smudged(tag, departure))
            .type("bag.checked-in")
            .contentType("application/json")
            .build());
  }

  /** What a scanner makes of a wet or torn tag. Nobody can tell the flight, so it has no group. */
  private static byte[] smudged(String tag, Departure departure) {
    String torn = "{\"tag\":\"" + tag + "\",\"flight\":\"" + departure.carrier();
    String blurred =
        "{\"tag\":\"%s????\",\"flight\":\"%s\",\"date\":\"%s\",\"sequence\":1}"
            .formatted(tag.substring(0, 6), departure.flight(), departure.date());
    String empty = "\u0000\u0000\u0000\u0000";
    String[] smudges = {torn, blurred, empty};
    return smudges[Math.floorMod(tag.hashCode(), smudges.length)].getBytes(StandardCharsets.UTF_8);
  }

  // == lifecycle: nothing to start; a load ends before the flow does ==

  @Override
  public void start() {}

  @Override
  public void stop() {
    stopLoad();
  }

  @Override
  public synchronized boolean isRunning() {
    LoadRun current = run;
    return current != null && current.isRunning();
  }

  @Override
  public boolean isAutoStartup() {
    return false;
  }

  @Override
  public int getPhase() {
    return 300;
  }
}
