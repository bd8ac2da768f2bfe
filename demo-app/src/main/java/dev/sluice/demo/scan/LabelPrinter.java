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
package dev.sluice.demo.scan;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Bags under the scanner: some have labels that cannot be read. */
final class LabelPrinter {

  private final Outbound<byte[]> labels;
  private final List<Departure> flights;

  LabelPrinter(Outbound<byte[]> labels, Departures departures) {
    this.labels = labels;
    this.flights = departures.inOrder();
  }

  /** Puts so many bags under the scanner, of which so many cannot be read. */
  Mono<Void> scan(int bags, int unreadable) {
    return labels.sendAll(Flux.range(0, bags).map(i -> label(i < unreadable))).then();
  }

  /** Tags of bags that are only scanned begin with 94. */
  private Message<byte[]> label(boolean torn) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    String flight = flights.get(random.nextInt(flights.size())).flight();
    String tag = "94%08d".formatted(random.nextInt(100_000_000));
    String label = (torn ? tag.substring(5) : tag) + '/' + flight;
    return Message.builder(label.getBytes(StandardCharsets.UTF_8))
        .id(MessageIds.next())
        .type("bag.scanned")
        .contentType("text/plain")
        .build();
  }
}
