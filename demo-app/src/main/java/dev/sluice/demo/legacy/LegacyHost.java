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
package dev.sluice.demo.legacy;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The legacy baggage system: announces bags, and repeats whatever it hears. Thread-safe. */
final class LegacyHost {

  private static final int SHOWN = 6;
  private static final long TAGS = 10_000_000_000L;

  private final Outbound<TransferBag> out;
  private final List<Departure> flights;
  private final AtomicLong announced = new AtomicLong();
  private final AtomicLong heard = new AtomicLong();
  private final Deque<String> lines = new ArrayDeque<>(); // guarded by itself

  LegacyHost(Outbound<byte[]> out, Departures departures) {
    this.out = Outbound.encoding(BsmCodec.INSTANCE, out);
    this.flights = departures.inOrder();
  }

  /** Announces bags of flights of the week; emits nothing. */
  Mono<Void> announce(int bags) {
    return Flux.range(0, bags)
        .map(i -> announcement())
        .concatMap(out::send)
        .doOnNext(receipt -> announced.incrementAndGet())
        .then();
  }

  private Message<TransferBag> announcement() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    Departure departure = flights.get(random.nextInt(flights.size()));
    String tag = String.format("%010d", random.nextLong(TAGS));
    return Message.builder(new TransferBag(tag, departure.flight(), TransferBag.Status.ANNOUNCED))
        .id(MessageIds.next())
        .type("bag.announced")
        .group(departure.flight())
        .build();
  }

  /** What the host hears of the airport. */
  byte[] hear(byte[] line) {
    heard.incrementAndGet();
    synchronized (lines) {
      lines.addFirst(new String(line, StandardCharsets.US_ASCII));
      if (lines.size() > SHOWN) {
        lines.removeLast();
      }
    }
    return line;
  }

  long announced() {
    return announced.get();
  }

  long heard() {
    return heard.get();
  }

  /** What it has heard last, the newest first. */
  List<String> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }
}
