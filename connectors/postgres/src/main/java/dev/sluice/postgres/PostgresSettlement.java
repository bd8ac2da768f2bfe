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
package dev.sluice.postgres;

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;

/** The settlement of one delivery. Done and durable are the same here. */
final class PostgresSettlement extends SettlementCore {

  /*
   * Threads: onDecided on the thread that decides, which hands the decision to the consumer's
   * drain; everything else on that drain.
   */

  final Claimed claimed;
  final Stored stored;

  /** The number in the group; meaningless for a message without one. */
  final long seq;

  final Origin origin;
  final PostgresConsumer consumer;

  /** Written before the decision that {@link #close} asks for: its Release is also a loss. */
  private volatile boolean revoked;

  /** Whether a transaction of the user's is to consume the message. */
  enum Joined {
    NOT,
    /** Until it ends, what is decided otherwise waits. */
    OPEN,
    COMMITTED
  }

  private volatile Joined joined = Joined.NOT;

  private static final AtomicReferenceFieldUpdater<PostgresSettlement, Joined> JOINED =
      AtomicReferenceFieldUpdater.newUpdater(PostgresSettlement.class, Joined.class, "joined");

  PostgresSettlement(
      PostgresConsumer consumer, Claimed claimed, Stored stored, long seq, Origin origin) {
    this.consumer = consumer;
    this.claimed = claimed;
    this.stored = stored;
    this.seq = seq;
    this.origin = origin;
  }

  @Override
  protected void onDecided(Outcome outcome) {
    consumer.decided(this, outcome);
  }

  @Override
  protected void onRedundant(Outcome outcome) {
    if (!revoked) {
      consumer.redundant();
    }
  }

  /** True if no transaction had been begun and nothing decided. */
  boolean join() {
    return !isSettled() && !isLost() && JOINED.compareAndSet(this, Joined.NOT, Joined.OPEN);
  }

  /** The transaction has ended. */
  void leave(boolean committed) {
    joined = committed ? Joined.COMMITTED : Joined.NOT;
    consumer.left(this);
  }

  Joined joined() {
    return joined;
  }

  /** Takes the message back, unless the holder has decided. */
  void close(Outcome.Release.Why why) {
    revoked = true;
    settle(Outcome.release(why));
  }

  /** The message was consumed, or was not ours any more. */
  void consumed(boolean owned) {
    if (owned) {
      markDurable();
    } else {
      lose();
    }
  }

  /** The message went back, or was not ours any more. */
  void givenBack(boolean owned) {
    Outcome outcome = outcome();
    boolean asked =
        outcome instanceof Outcome.Retry || (outcome instanceof Outcome.Release && !revoked);
    consumed(owned && asked);
  }

  /** The lease has ended, or the consumer. */
  void lose() {
    markLost();
  }

  @Override
  public String toString() {
    return origin.channel() + ' ' + origin.position() + " (attempt " + origin.attempt() + ')';
  }
}
