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

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The duty to decide, exactly once, what becomes of a delivery.
 *
 * <p>A settlement goes from <em>open</em> to <em>decided</em> ({@link #settle} returned true), to
 * <em>done</em> (the effect has happened: row written, dead letter confirmed, offset marked) and to
 * <em>durable</em> (the source will not deliver the message again after a crash), or at any point
 * to <em>lost</em> (another consumer owns the message now, and nothing that is decided here from
 * then on has an effect; what was done but not durable may be done again).
 *
 * <p>Thread-safe; no method blocks.
 */
public sealed interface Settlement permits SettlementCore, TrackedSettlement {

  /**
   * Decides. This is hot on purpose: the decision is made by the call, not by a subscription that
   * somebody may forget. Never throws, also when the ownership is already lost.
   *
   * @return true if this call decided, false if it had been decided before
   */
  boolean settle(Outcome outcome);

  /** What was decided, or null while it is open. */
  @Nullable Outcome outcome();

  /** Whether it has been decided. */
  default boolean isSettled() {
    return outcome() != null;
  }

  /** Whether it has been decided and is done or lost: whether {@link #onDone} would not wait. */
  boolean isDone();

  /** Whether the ownership of the message has ended. */
  boolean isLost();

  /**
   * Whether its work has become pointless: it belongs to a message that was split, and a part of
   * that has ended badly already. Who works on the other parts may look at it to stop early; what
   * they decide is waited for all the same.
   */
  default boolean isDoomed() {
    return false;
  }

  /**
   * Whether it is about a part or a copy of a message, so that the message may come back although
   * this was acknowledged.
   */
  default boolean isShared() {
    return false;
  }

  /**
   * Completes when the effect is durable at the source. Few need to wait for it; a worker never
   * should, because a source may make many settlements durable together and seconds later.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when durable; fails with {@link StaleDelivery} when the ownership ended first:
   *       then the message may come again, although it need not
   *   <dt>Cancel
   *   <dd>only stops waiting; the decision stands
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>signals on the thread of the source that made it durable
   * </dl>
   */
  Mono<Void> durable();

  /**
   * Completes when the ownership ends before the effect is durable, so that work which has become
   * pointless can be cancelled. To cancel a worker, turn it into an error: a worker that merely
   * completes early looks like one that succeeded.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes on loss; otherwise never terminates
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>signals on the thread of the source that noticed the loss
   * </dl>
   */
  Mono<Void> lost();

  /**
   * Calls {@code listener} once with what became of the delivery, when it is decided and either
   * done or lost; at once if it already is. That is the decision; but a Release as {@link
   * Outcome.Release.Why#LOST} when the ownership ended before it took effect. For operators that
   * bound or order deliveries; the listener must neither block nor throw, and must not hold this
   * settlement, or a leak of it could not be seen.
   */
  void onDone(Consumer<? super Outcome> listener);
}
