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
package dev.sluice.delivery;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

/**
 * One message for several subscribers, each of which has a copy and deals with its failures by
 * itself: a copy that is retried comes again to its subscriber alone, and one that is rejected goes
 * to that subscriber's dead letters. For the message both are as good as an Ack. So it is
 * acknowledged when every subscriber is done with its copy; or released, to come again to all of
 * them, when one gave its copy back.
 *
 * <p>Thread-safe. Who hands out the copies calls {@link #producerDone} exactly when there will be
 * no more.
 */
public final class MulticastSettlement {

  /** What a subscriber does about copies that fail. Its methods must not block. */
  public interface Subscriber {

    /**
     * Delivers a copy again, not before the delay of {@code retry} is over.
     *
     * @param copy the settlement of the next attempt
     */
    void again(Settlement copy, Outcome.Retry retry);

    /**
     * Sends a copy to the dead letters of the subscriber. Completes when they have confirmed it; an
     * error gives the copy back. Cancelled when the message is lost.
     */
    Mono<Void> deadLetter(Outcome.Reject reject);
  }

  private static final Logger log = LoggerFactory.getLogger(MulticastSettlement.class);

  private final Settlement parent;
  private final SplitSettlement split;

  /** Nobody has a copy yet. */
  public MulticastSettlement(Settlement parent) {
    this.parent = Objects.requireNonNull(parent, "parent");
    this.split = new SplitSettlement(parent);
  }

  /** The copy of a subscriber, or null when the producer is done. */
  public @Nullable Settlement copy(Subscriber subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    Settlement token = split.child();
    return token == null ? null : new Copy(parent, token, subscriber);
  }

  /**
   * There are no more copies. Only the first call counts.
   *
   * @param outcome Ack when every subscriber has got its copy, Release when not
   */
  public void producerDone(Outcome outcome) {
    split.producerDone(outcome);
  }

  /** One attempt at a copy. The token is that of the copy, and passes from attempt to attempt. */
  private static final class Copy extends SettlementCore {

    private static final Outcome GIVEN_BACK = Outcome.release(Outcome.Release.Why.CANCELLED);

    private final Settlement parent;
    private final Settlement token;
    private final Subscriber subscriber;

    Copy(Settlement parent, Settlement token, Subscriber subscriber) {
      this.parent = parent;
      this.token = token;
      this.subscriber = subscriber;
    }

    @Override
    protected void onDecided(Outcome outcome) {
      if (outcome instanceof Outcome.Retry retry) {
        again(retry);
        markDone(); // after it is back, or the next of its group could overtake it
      } else if (outcome instanceof Outcome.Reject reject) {
        deadLetter(reject);
      } else {
        end(outcome);
      }
    }

    private void again(Outcome.Retry retry) {
      try {
        subscriber.again(new Copy(parent, token, subscriber), retry);
      } catch (Throwable t) {
        failed(t);
      }
    }

    private void deadLetter(Outcome.Reject reject) {
      Mono.defer(() -> subscriber.deadLetter(reject))
          .takeUntilOther(parent.lost())
          .subscribe(
              nothing -> {}, this::failed, () -> end(parent.isLost() ? GIVEN_BACK : Outcome.ack()));
    }

    /** The copy is given back, for it may not have arrived anywhere. */
    private void failed(Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.error("a subscriber could not deal with a failed copy of {}; it comes again", parent, t);
      end(GIVEN_BACK);
    }

    private void end(Outcome outcome) {
      token.settle(outcome);
      markDone();
    }

    @Override
    public boolean isLost() {
      return parent.isLost();
    }

    /** What others do with their copies does not matter. */
    @Override
    public boolean isDoomed() {
      return parent.isDoomed();
    }

    @Override
    public boolean isShared() {
      return true;
    }

    @Override
    public Mono<Void> durable() {
      return parent.durable();
    }

    @Override
    public Mono<Void> lost() {
      return parent.lost();
    }

    @Override
    public String toString() {
      return "a copy of " + parent;
    }
  }
}
