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
package dev.sluice.parking;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.Verdict;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** A delivery on its way into the flow: it goes on, or parks behind others of its group. */
final class Arrival {

  /*
   * Threads: ask and abandon inside the drain; the answer on a thread of the store, which tells the
   * lane once. open is written before that, and read inside the drain after it.
   */

  private static final Outcome LOST = Outcome.release(Outcome.Release.Why.LOST);

  final Delivery<byte[]> delivery;
  private final Disposable.Swap asking = Disposables.swap();
  private boolean open;

  Arrival(Delivery<byte[]> delivery) {
    this.delivery = delivery;
  }

  @Nullable String group() {
    return delivery.message().group();
  }

  /** Whether it may go on as far as its group is concerned. */
  boolean isFree() {
    return open || group() == null;
  }

  /** Asks whether its group is parked, and parks it if so; then tells the held lane to go on. */
  void ask(String group, Lane<Arrival> lane, Lot lot, Questions questions) {
    Settlement settlement = delivery.settlement();
    asking.update(
        questions
            .isParked(group)
            .flatMap(parked -> parked ? behind(lot) : Mono.just(Optional.<Outcome>empty()))
            .takeUntilOther(settlement.lost())
            .defaultIfEmpty(Optional.of(LOST))
            .subscribe(end -> answered(end.orElse(null), lane)));
  }

  /** Its end, if it is in the lot now; empty if the group was opened meanwhile. */
  private Mono<Optional<Outcome>> behind(Lot lot) {
    return lot.untilItAnswers(
            Mono.defer(() -> lot.store().parkBehind(lot.flow(), delivery.message())))
        .map(here -> here ? Optional.of(Outcome.deferred()) : Optional.empty());
  }

  private void answered(@Nullable Outcome end, Lane<Arrival> lane) {
    if (end == null) {
      open = true;
      lane.finish(Verdict.rerun(Duration.ZERO));
    } else {
      delivery.settlement().settle(end);
      delivery.settlement().onDone(done -> lane.finish(Verdict.NEXT));
    }
  }

  /** The sequence is over, and it has not gone on. */
  void abandon(Context context) {
    asking.dispose();
    giveBack(delivery);
    Operators.onDiscard(delivery, context);
  }

  /** Unless it was settled before: one that was rejected is discarded too. */
  static void giveBack(Delivery<?> delivery) {
    if (!delivery.settlement().isSettled()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }
}
