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
import dev.sluice.codec.JacksonCodec;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import reactor.core.publisher.Mono;

/** What has not happened in time, as this process was told of it. Thread-safe. */
final class Alarms {

  private static final int LAST = 5;
  private static final JacksonCodec<Arrived> CODEC = JacksonCodec.json(Arrived.class);

  private final EventTally tally;
  private final Clock clock;
  private final Deque<Alarm> last = new ArrayDeque<>(); // guarded by itself

  Alarms(EventTally tally, Clock clock) {
    this.tally = tally;
    this.clock = clock;
  }

  /**
   * Something that has not happened in time.
   *
   * @param id the correlation id of the arrival
   * @param withinMillis the time that it had
   */
  record Alarm(Instant at, String id, String flight, long withinMillis) {}

  /** To be told at least once of each. */
  Mono<Void> raise(Deadlines.Missed missed) {
    return Mono.fromRunnable(
        () -> {
          Alarm alarm =
              new Alarm(
                  clock.instant(),
                  missed.trigger().id(),
                  CODEC.decode(missed.trigger()).flight(),
                  missed.within().toMillis());
          synchronized (last) {
            if (last.stream().anyMatch(known -> known.id().equals(alarm.id()))) {
              return;
            }
            last.addFirst(alarm);
            if (last.size() > LAST) {
              last.removeLast();
            }
          }
          tally.add(ArrivalPlan.OVERDUE.name());
        });
  }

  /** The last {@value #LAST}, the newest first. */
  List<Alarm> last() {
    synchronized (last) {
      return List.copyOf(last);
    }
  }
}
