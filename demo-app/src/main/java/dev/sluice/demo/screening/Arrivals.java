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

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.screening.Arrival.Connection;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** An aircraft lands: its bags come all at once, each for another flight. */
final class Arrivals {

  /** Of the week that passes in minutes. */
  private static final Duration TIGHT = Duration.ofSeconds(10);

  private static final Duration TRANSFER = Duration.ofSeconds(40);
  private static final Duration LATE = Duration.ofSeconds(1);
  private static final int FLIGHTS = 60;

  private final Outbound<Arrival> queue;
  private final Timetable timetable;
  private final Clock clock;

  Arrivals(Outbound<Arrival> queue, Timetable timetable, Clock clock) {
    this.queue = queue;
    this.timetable = timetable;
    this.clock = clock;
  }

  /**
   * What has landed.
   *
   * @param bags how many bags in all
   * @param late those of them whose flight had left
   * @param connections how many of each urgency
   */
  record Landed(int bags, int late, Map<Connection, Integer> connections) {}

  /** Puts so many bags into the queue; the flights of so many of them have left already. */
  Mono<Landed> land(int bags, int late) {
    return Mono.defer(
        () -> {
          Instant now = clock.instant();
          List<Timetable.Leaving> next =
              timetable.nextFirst().stream()
                  .filter(leaving -> leaving.at().isAfter(now))
                  .limit(FLIGHTS)
                  .toList();
          List<Message<Arrival>> all = new ArrayList<>(bags);
          Map<Connection, Integer> connections = new EnumMap<>(Connection.class);
          for (int i = 0; i < bags; i++) {
            Timetable.Leaving leaving = next.get(ThreadLocalRandom.current().nextInt(next.size()));
            Connection connection = connection(Duration.between(now, leaving.at()));
            connections.merge(connection, 1, Integer::sum);
            Instant leaves = i < late ? now.minus(LATE) : leaving.at();
            all.add(message(leaving.departure(), connection, leaves));
          }
          return queue
              .sendAll(Flux.fromIterable(all))
              .then(Mono.just(new Landed(bags, late, connections)));
        });
  }

  private static Connection connection(Duration time) {
    if (time.compareTo(TIGHT) < 0) {
      return Connection.TIGHT;
    }
    return time.compareTo(TRANSFER) < 0 ? Connection.TRANSFER : Connection.LOCAL;
  }

  /** Tags of transfers begin with 96. */
  private static Message<Arrival> message(
      Departure departure, Connection connection, Instant leaves) {
    String tag = "96%08d".formatted(ThreadLocalRandom.current().nextInt(100_000_000));
    return Message.builder(new Arrival(tag, departure.flight(), departure.date(), connection))
        .type("bag.arrived")
        .priority(connection.priority())
        .expiresAt(leaves)
        .build();
  }
}
