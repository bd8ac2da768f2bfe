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
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.dispatch.Verdict;
import dev.sluice.dispatch.Work;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * The lanes of deliveries whose groups may be parked. A delivery of a group first asks the lot,
 * with its lane held: the one before it is done by then, so nobody can park the group between the
 * answer and what follows. Then it goes on, and the lane is held until it is decided.
 *
 * @param exclusive whether the source itself delivers one message of a group at a time
 * @param retries where retries are counted
 * @param assembly where the parking was assembled, for the leak detector
 * @param context that of the subscriber, for what is discarded
 */
record ParkingWork(
    Lot lot,
    Questions questions,
    boolean exclusive,
    int maxAttempts,
    RetryMeters retries,
    String assembly,
    Context context)
    implements Work<Arrival, Arrival, Delivery<byte[]>> {

  private static final Object ASKING = new Object();

  boolean isReplay(Arrival arrival) {
    return lot.isReplay(arrival.delivery);
  }

  /** Whether it must not be given back, because others of its group would overtake it. */
  boolean keepsPlace(Arrival arrival) {
    return !exclusive && arrival.group() != null && !isReplay(arrival);
  }

  /** What comes from the lot is one of its group at a time, and what arrives meanwhile parks. */
  @Override
  public @Nullable Object key(Arrival arrival) {
    return isReplay(arrival) ? null : arrival.group();
  }

  @Override
  public Publisher<Arrival> start(Lane<Arrival> lane) {
    Arrival arrival = lane.element();
    Settlement settlement = arrival.delivery.settlement();
    if (settlement.isSettled() || settlement.isLost()) {
      lane.skipWorker(); // the source took it back while it waited
      if (!settlement.isSettled()) {
        settlement.settle(Outcome.release(Outcome.Release.Why.LOST));
      }
      return Mono.empty();
    }
    if (arrival.isFree() || isReplay(arrival)) {
      return Mono.just(arrival);
    }
    lane.skipWorker();
    lane.attach(ASKING);
    arrival.ask(Objects.requireNonNull(arrival.group()), lane, lot, questions);
    return Mono.empty();
  }

  @Override
  public Delivery<byte[]> emit(Lane<Arrival> lane, Arrival arrival) {
    Delivery<byte[]> delivery = arrival.delivery;
    int attempt = delivery.origin().attempt() + Math.max(0, lane.attempt() - 1);
    Passage passage = new Passage(this, lane, arrival, attempt);
    lane.attach(passage);
    return new Delivery<>(
            delivery.message(),
            LeakDetector.track(passage, assembly),
            delivery.origin().withAttempt(attempt))
        .with(delivery.context());
  }

  @Override
  public Verdict completed(Lane<Arrival> lane) {
    return lane.attachment() == null ? Verdict.NEXT : Verdict.HOLD;
  }

  /** Nothing fails here: there is neither a function of the user nor a limit of time. */
  @Override
  public Verdict failed(Lane<Arrival> lane, Throwable error, boolean once) {
    return Verdict.fail(error);
  }

  /** What has neither gone out nor asked is discarded. */
  @Override
  public void abandoned(Lane<Arrival> lane) {
    Object attachment = lane.attachment();
    if (attachment instanceof Passage passage) {
      passage.abandon();
    } else if (attachment == ASKING) {
      lane.element().abandon(context);
    }
  }
}
