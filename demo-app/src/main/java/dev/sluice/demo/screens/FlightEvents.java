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
package dev.sluice.demo.screens;

import dev.sluice.demo.chaos.Breakable;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.message.Message;
import dev.sluice.pubsub.Topic;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;

/**
 * What happens to flights, published to whoever wants to know. Nobody waits for a subscriber: one
 * that is broken is felt by nobody else. Beside what is published by hand, each flight that is the
 * next to leave is boarding.
 */
final class FlightEvents implements LiveSection, Breakable, SmartLifecycle {

  private static final int RETAINED = 1_000;
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

  private final Timetable timetable;
  private final Topic<FlightEvent> topic = Topic.create("flights", t -> t.retain(RETAINED));
  private final Disposable.Swap looking = Disposables.swap();
  private volatile @Nullable Departure boarding;

  private final List<Screen> screens =
      List.of(
          new Screen("hall", "flight.**", s -> s.types("flight.**")),
          new Screen("gates", "boarding, gate", s -> s.types("flight.*.boarding", "flight.*.gate")),
          new Screen("delays", "flight.*.delayed", s -> s.types("flight.*.delayed")),
          new Screen(
              "loyalty",
              "carrier = B6",
              s -> s.where(message -> message.payload().carrier().equals("B6"))));

  FlightEvents(Timetable timetable) {
    this.timetable = timetable;
  }

  /**
   * What the page shows.
   *
   * @param published how many events there were
   */
  record View(long published, List<Screen.View> screens) {}

  void publish(FlightEvent event) {
    topic.publish(Message.builder(event).type(event.type()).group(event.flight()).build());
  }

  Optional<Screen> screen(String name) {
    return screens.stream().filter(screen -> screen.name().equals(name)).findFirst();
  }

  @Override
  public String event() {
    return "screens";
  }

  @Override
  public View view() {
    return new View(topic.stats().published(), screens.stream().map(Screen::view).toList());
  }

  @Override
  public List<String> broken() {
    return screens.stream()
        .filter(Screen::isBroken)
        .map(screen -> "the screen " + screen.name() + " is broken")
        .toList();
  }

  private void look() {
    Departure next = timetable.nextFirst().get(0).departure();
    if (!next.equals(boarding)) {
      boarding = next;
      publish(FlightEvent.of(next, FlightEvent.Kind.BOARDING));
    }
  }

  @Override
  public void start() {
    screens.forEach(screen -> screen.start(topic));
    looking.update(
        Flux.interval(Duration.ZERO, LOOK_EVERY).onBackpressureDrop().subscribe(tick -> look()));
  }

  @Override
  public void stop() {
    looking.update(Disposables.disposed());
    screens.forEach(Screen::stop);
  }

  @Override
  public boolean isRunning() {
    Disposable current = looking.get();
    return current != null && !current.isDisposed();
  }
}
