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
package dev.sluice.demo.chaos;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A scanner that reads question marks where the digits of a tag are; the rest it can read. */
final class Smudges {

  private final Outbound<byte[]> checkedIn;
  private final Timetable timetable;

  Smudges(Outbound<byte[]> checkedIn, Timetable timetable) {
    this.checkedIn = checkedIn;
    this.timetable = timetable;
  }

  /** Checks in so many bags whose tags cannot be read. */
  Mono<Void> write(int bags) {
    return Flux.range(0, bags).flatMap(i -> checkedIn.send(smudged()), 32).then();
  }

  private Message<byte[]> smudged() {
    List<Timetable.Leaving> next = timetable.nextFirst();
    ThreadLocalRandom random = ThreadLocalRandom.current();
    Departure departure = next.get(random.nextInt(Math.min(10, next.size()))).departure();
    String record =
        "{\"tag\":\"%06d????\",\"flight\":\"%s\",\"date\":\"%s\",\"sequence\":1}"
            .formatted(random.nextInt(1_000_000), departure.flight(), departure.date());
    return Message.builder(record.getBytes(StandardCharsets.UTF_8))
        .type("bag.checked-in")
        .contentType("application/json")
        .build();
  }
}
