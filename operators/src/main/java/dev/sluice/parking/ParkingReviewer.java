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

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.ParkedGroup;
import java.time.Duration;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Looks at the parked groups of a flow again and again: {@link Parking#reviewer}. */
@Experimental
public final class ParkingReviewer implements Metered, Watched, Disposable {

  private static final Logger log = LoggerFactory.getLogger(Parking.class);
  private static final double NANOS = Duration.ofSeconds(1).toNanos();

  private final String flow;
  private final Duration maxAge;
  private final Disposable review;
  private volatile @Nullable List<ParkedGroup> last;

  ParkingReviewer(
      ParkingLot lot, String flow, Duration pollInterval, Duration maxAge, Scheduler timer) {
    this.flow = flow;
    this.maxAge = maxAge;
    this.review =
        Mono.defer(() -> lot.groups(flow, ParkingLot.MAX_LIMIT).collectList())
            .doOnNext(groups -> last = List.copyOf(groups))
            .onErrorResume(
                error -> {
                  log.warn("the parked groups of {} could not be reviewed", flow, error);
                  return Mono.empty();
                })
            .repeatWhen(looked -> looked.concatMap(n -> Mono.delay(pollInterval, timer), 1))
            .subscribe();
  }

  /**
   * The groups that it saw last, the oldest first, at most {@value ParkingLot#MAX_LIMIT}; none
   * until it has seen any. Of a store that is away they are old.
   */
  public List<ParkedGroup> last() {
    List<ParkedGroup> groups = last;
    return groups == null ? List.of() : groups;
  }

  /** A warning once a group has been parked for longer than it should. */
  @Override
  public @Nullable String warning() {
    List<ParkedGroup> groups = last();
    if (groups.isEmpty() || groups.get(0).age().compareTo(maxAge) <= 0) {
      return null;
    }
    ParkedGroup oldest = groups.get(0);
    return "of the flow "
        + flow
        + " "
        + groups.size()
        + (groups.size() == ParkingLot.MAX_LIMIT ? " or more" : "")
        + " groups are parked, the oldest for "
        + Duration.ofSeconds(oldest.age().toSeconds());
  }

  /** How many groups are parked, how many messages they hold, and how old the oldest is. */
  @Override
  public void meters(Meters meters) {
    Meters ours = meters.with("flow", flow);
    gauge(ours, "sluice.parked.groups", "groups", "Groups that are parked", List::size);
    gauge(
        ours,
        "sluice.parked.messages",
        "messages",
        "Messages that wait in parked groups",
        groups -> groups.stream().mapToLong(ParkedGroup::messages).sum());
    gauge(
        ours,
        "sluice.parked.oldest.age",
        "seconds",
        "How long the oldest of the groups has been parked",
        groups -> groups.isEmpty() ? 0 : groups.get(0).age().toNanos() / NANOS);
  }

  private void gauge(
      Meters meters,
      String name,
      String unit,
      String description,
      ToDoubleFunction<List<ParkedGroup>> value) {
    meters.gauge(
        name,
        unit,
        description,
        () -> {
          List<ParkedGroup> groups = last;
          return groups == null ? Double.NaN : value.applyAsDouble(groups);
        });
  }

  /** Looks no more. */
  @Override
  public void dispose() {
    review.dispose();
  }

  @Override
  public boolean isDisposed() {
    return review.isDisposed();
  }
}
