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
package dev.sluice.test.marble;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Plays a script: input lanes come as fluxes, what comes out is written down as lanes. */
final class MarbleReplay {

  private final VirtualTimeScheduler time;
  private final SortedMap<Long, String> discarded = new TreeMap<>();

  private MarbleReplay(VirtualTimeScheduler time) {
    this.time = time;
  }

  /**
   * @param operator is given the input lanes by name, and makes the output lanes by name
   */
  static void run(
      MarbleScript script,
      Function<Map<String, Flux<String>>, Map<String, Flux<String>>> operator) {
    VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
    try {
      new MarbleReplay(time).play(script, operator);
    } finally {
      VirtualTimeScheduler.reset();
    }
  }

  private void play(
      MarbleScript script,
      Function<Map<String, Flux<String>>, Map<String, Flux<String>>> operator) {
    Map<String, Flux<String>> inputs = new LinkedHashMap<>();
    script.inputs().forEach(lane -> inputs.put(lane.name(), flux(lane)));
    Map<String, Flux<String>> made = operator.apply(inputs);
    Map<String, SortedMap<Long, String>> seen = new LinkedHashMap<>();
    List<Disposable> subscriptions = new ArrayList<>();
    for (MarbleLane lane : script.outputs()) {
      if (!lane.name().equals(MarbleScript.DISCARDED)) {
        Flux<String> flux = made.get(lane.name());
        if (flux == null) {
          throw new AssertionError(
              script.title()
                  + ": lane "
                  + lane.name()
                  + " (expected: one of "
                  + made.keySet()
                  + ')');
        }
        seen.put(lane.name(), new TreeMap<>());
        subscriptions.add(watch(lane, flux, seen.get(lane.name())));
      }
    }
    time.advanceTimeBy(script.duration());
    subscriptions.forEach(Disposable::dispose);

    for (MarbleLane lane : script.outputs()) {
      SortedMap<Long, String> events = seen.getOrDefault(lane.name(), discarded);
      compare(script, lane, print(events, lane.text().length()));
    }
    if (script.outputs().stream().noneMatch(l -> l.name().equals(MarbleScript.DISCARDED))
        && !discarded.isEmpty()) {
      throw new AssertionError(
          script.title() + ": discarded " + discarded + " (expected: a lane called discarded)");
    }
  }

  private Disposable watch(MarbleLane lane, Flux<String> flux, SortedMap<Long, String> seen) {
    Disposable subscription =
        flux.doOnDiscard(String.class, element -> note(discarded, element + "~"))
            .subscribe(
                element -> note(seen, element), error -> note(seen, "#"), () -> note(seen, "|"));
    lane.events().stream()
        .filter(event -> event.kind() == MarbleLane.Kind.CANCEL)
        .forEach(
            event ->
                at(
                    event.column(),
                    () -> {
                      note(seen, "!");
                      subscription.dispose();
                    }));
    return subscription;
  }

  private Flux<String> flux(MarbleLane lane) {
    return Flux.create(
        sink -> {
          List<Disposable> timers = new ArrayList<>();
          for (MarbleLane.Event event : lane.events()) {
            timers.add(
                at(
                    event.column(),
                    () -> {
                      switch (event.kind()) {
                        case COMPLETE -> sink.complete();
                        case ERROR -> sink.error(new IllegalStateException("#"));
                        default -> sink.next(event.label());
                      }
                    }));
          }
          sink.onDispose(() -> timers.forEach(Disposable::dispose));
        });
  }

  private Disposable at(int column, Runnable task) {
    return time.schedule(task, column, TimeUnit.MILLISECONDS);
  }

  private void note(Map<Long, String> lane, String token) {
    lane.merge(time.now(TimeUnit.MILLISECONDS), token, String::concat);
  }

  private static String print(SortedMap<Long, String> events, int length) {
    StringBuilder lane = new StringBuilder();
    events.forEach(
        (column, token) -> {
          while (lane.length() < column) {
            lane.append('-');
          }
          lane.append(token);
        });
    while (lane.length() < length) {
      lane.append('-');
    }
    return lane.toString();
  }

  private static void compare(MarbleScript script, MarbleLane lane, String observed) {
    String expected = lane.text().replace(' ', '-');
    if (!expected.equals(observed)) {
      throw new AssertionError(
          script.title()
              + '\n'
              + lane.name()
              + " in the script: "
              + expected
              + '\n'
              + " ".repeat(lane.name().length())
              + " as it came:    "
              + observed);
    }
  }
}
