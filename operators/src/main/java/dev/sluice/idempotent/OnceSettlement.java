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
package dev.sluice.idempotent;

import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The settlement of what is done once: it stands between whatever follows and the delivery, and
 * tells the store first. An Ack goes through when the store remembers it, anything else when the
 * key is released; an Ack for work that somebody else has taken over by now comes back as Release,
 * to find out what they made of it.
 */
final class OnceSettlement extends SettlementCore {

  /*
   * Threads: onDecided on the thread that decides, the store's answer on one of the store's, the end
   * of the delivery on one of its source's.
   *
   * The source may take the delivery back at any moment; what was done is remembered all the same,
   * so that its next delivery is recognised, but no longer at all costs. The renewals hold this for
   * at most the timeout, and never the handle that the leak detector watches.
   */

  private static final Logger log = LoggerFactory.getLogger(OnceSettlement.class);
  private static final Outcome BUSY = Outcome.release(Outcome.Release.Why.BUSY);
  private static final Outcome LOST = Outcome.release(Outcome.Release.Why.LOST);

  private final Remembering remembering;
  private final Started started;
  private final Settlement delivery;
  private final Disposable.Swap renewals = Disposables.swap();

  OnceSettlement(Remembering remembering, Started started, Settlement delivery) {
    this.remembering = remembering;
    this.started = started;
    this.delivery = delivery;
  }

  /** Keeps the lease while the work may still be acknowledged. */
  void keep() {
    IdempotentSpec spec = remembering.spec();
    renewals.update(
        remembering
            .held(started)
            .takeUntilOther(delivery.lost())
            .timeout(spec.timeout(), Mono.empty(), spec.timer())
            .subscribe());
  }

  @Override
  protected void onDecided(Outcome outcome) {
    renewals.dispose();
    Sinks.Empty<Void> gone = Sinks.empty();
    delivery.onDone(
        done -> {
          markDone();
          gone.tryEmitEmpty();
        });
    Mono<Outcome> answer =
        outcome instanceof Outcome.Ack
            ? remembered(outcome, gone.asMono())
            : remembering.release(started).thenReturn(outcome);
    answer.subscribe(delivery::settle);
  }

  /** While the delivery is ours we do not give up; then for as long as a lease. */
  private Mono<Outcome> remembered(Outcome outcome, Mono<Void> gone) {
    IdempotentSpec spec = remembering.spec();
    return remembering
        .complete(started, null)
        .doOnError(error -> log.warn("{} is not remembered yet", this, error))
        .retryWhen(remembering.trouble(error -> true))
        .map(mine -> mine ? outcome : BUSY)
        .takeUntilOther(
            Mono.firstWithSignal(delivery.lost(), gone)
                .then(Mono.delay(spec.lease(), spec.timer())))
        .defaultIfEmpty(LOST);
  }

  @Override
  public boolean isLost() {
    return delivery.isLost();
  }

  @Override
  public boolean isDoomed() {
    return delivery.isDoomed();
  }

  @Override
  public Mono<Void> durable() {
    return delivery.durable();
  }

  @Override
  public Mono<Void> lost() {
    return delivery.lost();
  }

  @Override
  public String toString() {
    return started.key().scope() + " once for " + started.key().key() + " at " + delivery;
  }
}
