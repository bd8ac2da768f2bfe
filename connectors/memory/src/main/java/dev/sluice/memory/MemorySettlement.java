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
package dev.sluice.memory;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.memory.GroupQueues.Claim;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/** The settlement of one claim. Done and durable are the same here. */
final class MemorySettlement extends SettlementCore {

  /*
   * Threads: onDecided on the thread that decides; close and abandon on whatever ends the consumer;
   * consumed and givenBack on the thread that reached the queues, after the guard was released.
   *
   * revoked    written before the decision that close asks for: its Release is also a loss
   * letter, abandoned   each side writes its own and then reads the other's, so that a letter is
   *                     cancelled whoever comes first
   */

  private final MemoryChannel channel;
  private final MemoryConsumer consumer;
  private final Claim claim;
  private final Origin origin;

  private volatile boolean revoked;
  private volatile boolean abandoned;
  private volatile @Nullable Disposable letter;

  MemorySettlement(MemoryChannel channel, MemoryConsumer consumer, Claim claim, Origin origin) {
    this.channel = channel;
    this.consumer = consumer;
    this.claim = claim;
    this.origin = origin;
  }

  Claim claim() {
    return claim;
  }

  Origin origin() {
    return origin;
  }

  // == the holder has decided ==

  @Override
  protected void onDecided(Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      channel.consume(this);
    } else if (outcome instanceof Outcome.Release release) {
      channel.giveBack(this, release.delay(), /* counted= */ false);
    } else if (outcome instanceof Outcome.Retry retry) {
      channel.giveBack(this, retry.delay(), /* counted= */ true);
    } else if (outcome instanceof Outcome.Reject reject) {
      reject(reject);
    }
  }

  /** The dead letter is confirmed first, then the message is consumed. */
  private void reject(Outcome.Reject reject) {
    if (!channel.hold(this)) {
      markLost();
      return;
    }
    Disposable sending =
        consumer
            .options()
            .deadLetter(claim.message, origin, reject)
            .subscribe(nothing -> {}, error -> refused(error, reject), () -> channel.consume(this));
    letter = sending;
    if (abandoned) {
      sending.dispose();
    }
  }

  /** The consumer ends before the message is back, so that it does not get it again. */
  private void refused(Throwable error, Outcome.Reject reject) {
    consumer.fail(error);
    channel.giveBack(
        this, Duration.ZERO, /* counted= */ reject.reason() != DeadLetterReason.EXPIRED);
  }

  // == the consumer ends ==

  /** Takes the message back, unless the holder has decided. */
  void close(Outcome.Release.Why why) {
    revoked = true;
    settle(Outcome.release(why));
  }

  /** Takes the message back although the holder has decided: its dead letter is not confirmed. */
  void abandon() {
    abandoned = true;
    Disposable sending = letter;
    if (sending != null) {
      sending.dispose();
    }
    channel.giveBack(this, Duration.ZERO, /* counted= */ true);
  }

  /** Takes the message back, whatever the holder has decided or will decide. */
  void crash() {
    abandon();
    close(Outcome.Release.Why.LOST);
  }

  // == the queues have answered ==

  void consumed(boolean owned) {
    if (owned) {
      markDurable();
    } else {
      markLost();
    }
  }

  void givenBack(boolean owned) {
    if (!owned && abandoned) {
      return; // its dead letter was confirmed a moment ago, and who hears of that says so
    }
    Outcome outcome = outcome();
    boolean asked =
        outcome instanceof Outcome.Retry || (outcome instanceof Outcome.Release && !revoked);
    if (owned && asked) {
      markDurable();
    } else {
      markLost();
    }
  }

  /** The lease has ended. */
  void lose() {
    markLost();
  }

  @Override
  public String toString() {
    return origin.channel() + ' ' + origin.position() + " (attempt " + origin.attempt() + ')';
  }
}
