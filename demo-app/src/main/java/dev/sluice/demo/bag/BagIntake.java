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
package dev.sluice.demo.bag;

import dev.sluice.channel.Outbound;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Ledger.BagView;
import dev.sluice.demo.ledger.Ledger.Reservation;
import dev.sluice.demo.ledger.Ledger.Ticket;
import dev.sluice.message.Message;
import java.time.Clock;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * Checks bags in: each tag once, and the bags of a flight in one order.
 *
 * <p>A tag is taken first, then its record is sent, and the check-in succeeds when Kafka has
 * confirmed the record. Who checks in the same tag meanwhile waits for the same end. All records
 * pass one queue: the sequence number of a bag is assigned where the order of its record is
 * decided. A check-in goes on when its caller goes away.
 */
public final class BagIntake {

  /** Check-ins that may wait for their record at once. */
  static final int MAX_PENDING = 20_000;

  private static final int MAX_SENDING = 1_024;

  private final Ledger ledger;
  private final Outbound<Bag> checkedIn;
  private final Clock clock;
  private final AtomicInteger pending = new AtomicInteger();
  private @Nullable FluxSink<Ticket> queue;

  /**
   * @param checkedIn where bags go; keeps the order of each group
   */
  public BagIntake(Ledger ledger, Outbound<Bag> checkedIn, Clock clock) {
    this.ledger = ledger;
    this.checkedIn = checkedIn;
    this.clock = clock;
    Flux.<Ticket>create(sink -> queue = sink).flatMap(this::send, MAX_SENDING).subscribe();
  }

  /** Check-ins that wait for their record to be confirmed. */
  public int pending() {
    return pending.get();
  }

  /**
   * The end of a check-in.
   *
   * @param fresh false if the bag was there already, or is checked in by somebody else
   */
  public record CheckIn(BagView bag, boolean fresh) {}

  /**
   * Checks in a bag.
   *
   * @return completes when the record is confirmed; fails with {@link CheckInRefused}
   */
  public Mono<CheckIn> checkIn(String tag, Departure departure) {
    return Mono.defer(
        () -> {
          if (pending() >= MAX_PENDING) {
            return Mono.error(CheckInRefused.busy(MAX_PENDING));
          }
          Reservation reservation = ledger.reserve(tag, departure);
          if (reservation instanceof Reservation.Granted granted) {
            pending.incrementAndGet();
            Objects.requireNonNull(queue).next(granted.ticket());
            return outcome(granted.ticket()).map(bag -> new CheckIn(bag, true));
          }
          if (reservation instanceof Reservation.Pending other) {
            return outcome(other.ticket()).map(bag -> new CheckIn(bag, false));
          }
          if (reservation instanceof Reservation.Known known) {
            return Mono.just(new CheckIn(known.bag(), false));
          }
          return Mono.error(CheckInRefused.full(ledger.capacity()));
        });
  }

  private static Mono<BagView> outcome(Ticket ticket) {
    return ticket.outcome().asMono().onErrorMap(CheckInRefused::notConfirmed);
  }

  /** Subscribed to by one thread at a time, in the order in which records are to be written. */
  private Mono<Void> send(Ticket ticket) {
    return Mono.defer(() -> sendNext(ticket))
        .onErrorResume(
            failure -> {
              ledger.abandon(ticket, failure);
              return Mono.empty();
            })
        .doFinally(end -> pending.decrementAndGet());
  }

  private Mono<Void> sendNext(Ticket ticket) {
    Departure departure = ticket.departure();
    Bag bag = Bag.of(ticket.tag(), departure, ledger.nextSequence(departure), clock.instant());
    return checkedIn
        .send(Message.builder(bag).type("bag.checked-in").group(departure.key()).build())
        .doOnNext(receipt -> ledger.confirm(ticket, bag.sequence(), bag.checkedInAt()))
        .then();
  }
}
