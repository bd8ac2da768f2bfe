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
package dev.sluice.kafka;

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * The settlement of one delivery of a record.
 *
 * <p>Ack, and Reject once its dead letter is confirmed, settle the record's slot in the window of
 * its partition, which is all that DONE means here; DURABLE follows when an offset beyond the slot
 * has been committed. Retry and Release leave the slot open and hand the record to the receiver,
 * which delivers it again.
 */
final class KafkaSettlement extends SettlementCore implements Consumer<Outcome> {

  /** What this delivery has done to the slot of its record. */
  private enum Slot {
    UNTOUCHED,
    SETTLED,
    LEFT_OPEN
  }

  private final Arrival arrival;
  private final Origin origin;
  private final Receiver receiver;
  private volatile Slot slot = Slot.UNTOUCHED;

  KafkaSettlement(Arrival arrival, Origin origin, Receiver receiver) {
    this.arrival = arrival;
    this.origin = origin;
    this.receiver = receiver;
  }

  Arrival arrival() {
    return arrival;
  }

  Origin origin() {
    return origin;
  }

  @Override
  protected void onDecided(Outcome outcome) {
    if (outcome instanceof Outcome.Reject reject) {
      receiver.deadLetter(this, reject);
    } else if (outcome instanceof Outcome.Retry retry) {
      arrival.attempt++;
      giveBack(retry.delay());
    } else if (outcome instanceof Outcome.Release release) {
      giveBack(release.delay());
    } else {
      consume();
    }
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    receiver.decidedAgain();
  }

  /** Listens to its own end, which spares an object a delivery. */
  @Override
  public void accept(Outcome outcome) {
    receiver.deliveryDone(isLost());
  }

  /** The record is done with, provided that it is still ours. */
  void consume() {
    Partition partition = arrival.partition;
    if (partition.settle(arrival)) {
      slot = Slot.SETTLED;
      partition.done(this);
      markDone();
    } else {
      partition.done(this);
      markLost();
    }
    receiver.settled(arrival);
  }

  /** The record stays where it is and comes again; nothing remains to be done at the broker. */
  private void giveBack(Duration delay) {
    slot = Slot.LEFT_OPEN;
    arrival.partition.done(this);
    receiver.givenBack(arrival, delay); // first, or a later record would take the free place
    markDurable();
  }

  /**
   * The broker knows {@code committed} as the next offset of the group.
   *
   * @return whether there is nothing left to wait for
   */
  boolean tellIfDurable(long committed) {
    if (slot == Slot.SETTLED && arrival.offset < committed) {
      markDurable();
      return true;
    }
    return slot == Slot.LEFT_OPEN || isLost();
  }

  void lose() {
    markLost();
  }

  @Override
  protected void onDurableAwaited() {
    arrival.partition.awaitDurability(this);
  }

  @Override
  public String toString() {
    return origin.position() + " (attempt " + origin.attempt() + ')';
  }
}
