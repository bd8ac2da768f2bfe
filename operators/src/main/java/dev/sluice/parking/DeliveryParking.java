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
import dev.sluice.channel.Capability;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.FluxDispatch;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.store.ParkingLot;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Flux;
import reactor.util.context.Context;

/**
 * The parking of a sequence of deliveries, ready to be applied with {@link
 * Flux#transform(Function)}. Immutable.
 *
 * <p><img class="marble" src="doc-files/parking.svg" alt="A message has failed: it and what comes
 * after it in its group wait in the lot, other groups go on, and a released group comes in its
 * order">
 *
 * <dl>
 *   <dt>Emits
 *   <dd>each delivery whose group is not parked, under another settlement; every one of them must
 *       be settled
 *   <dt>Backpressure
 *   <dd>takes as many deliveries as the window says at once, then as many as have been settled
 *   <dt>Completes/Errors
 *   <dd>completes when the source has completed and every delivery is settled; an error of the
 *       source ends it at once. While the lot is in trouble nothing of any group passes
 *   <dt>Cancel
 *   <dd>cancels the source; what waits is released
 *   <dt>Discard
 *   <dd>on cancel and on error what waits is released
 *   <dt>Threads
 *   <dd>on that of the source, of the lot, of the subscriber that requests, or of whoever settles
 * </dl>
 */
@Experimental
public final class DeliveryParking
    implements Function<Flux<Delivery<byte[]>>, Flux<Delivery<byte[]>>> {

  private static final int DEFAULT_WINDOW = 1024;

  private final Lot lot;
  private final String assembly;
  private final boolean exclusive;
  private final int window;
  private final int maxAttempts;
  private final RetryMeters retries;

  DeliveryParking(ParkingLot lot, ParkingSpec spec) {
    this(
        new Lot(lot, "flow", spec),
        LeakDetector.assembly(),
        false,
        DEFAULT_WINDOW,
        ErrorPolicy.defaults().maxAttempts(),
        new RetryMeters());
  }

  private DeliveryParking(
      Lot lot,
      String assembly,
      boolean exclusive,
      int window,
      int maxAttempts,
      RetryMeters retries) {
    this.lot = lot;
    this.assembly = assembly;
    this.exclusive = exclusive;
    this.window = window;
    this.maxAttempts = maxAttempts;
    this.retries = retries;
  }

  /**
   * Whose groups these are: the same name after every restart. Defaults to {@code flow}.
   *
   * @param flow 1 to {@value ParkingLot#MAX_FLOW} characters
   */
  public DeliveryParking flow(String flow) {
    if (flow.isEmpty() || flow.length() > ParkingLot.MAX_FLOW) {
      throw new IllegalArgumentException(
          "name: \"" + flow + "\" (expected: 1.." + ParkingLot.MAX_FLOW + " characters, to park)");
    }
    return new DeliveryParking(
        new Lot(lot.store(), Objects.requireNonNull(flow, "flow"), lot.spec()),
        assembly,
        exclusive,
        window,
        maxAttempts,
        retries);
  }

  /** What the channel of the deliveries can do. Defaults to nothing. */
  public DeliveryParking source(Predicate<Capability> capabilities) {
    return new DeliveryParking(
        lot,
        assembly,
        capabilities.test(Capability.EXCLUSIVE_GROUPS),
        window,
        maxAttempts,
        retries);
  }

  /** How many deliveries may be out and not settled, 1 or more. Defaults to 1024. */
  public DeliveryParking window(int window) {
    if (window < 1) {
      throw new IllegalArgumentException("window: " + window + " (expected: >= 1)");
    }
    return new DeliveryParking(lot, assembly, exclusive, window, maxAttempts, retries);
  }

  /** How often a message is tried that is retried in its place. Defaults to 4. */
  public DeliveryParking maxAttempts(int maxAttempts) {
    return new DeliveryParking(lot, assembly, exclusive, window, maxAttempts, retries);
  }

  /** Where it counts its retries. Defaults to where nobody looks. */
  public DeliveryParking counting(RetryMeters retries) {
    return new DeliveryParking(
        lot, assembly, exclusive, window, maxAttempts, Objects.requireNonNull(retries, "retries"));
  }

  @Override
  public Flux<Delivery<byte[]>> apply(Flux<Delivery<byte[]>> deliveries) {
    DispatchOptions options =
        new DispatchOptions(
            "parking", Concurrency.fixed(window), window, null, lot.timer(), retries.step());
    return Flux.deferContextual(
        context -> {
          ParkingWork work =
              new ParkingWork(
                  lot,
                  new Questions(lot),
                  exclusive,
                  maxAttempts,
                  retries,
                  assembly,
                  Context.of(context));
          return FluxDispatch.create(deliveries.map(Arrival::new), () -> work, options)
              .doOnDiscard(Arrival.class, arrival -> Arrival.giveBack(arrival.delivery))
              .doOnDiscard(Delivery.class, Arrival::giveBack);
        });
  }

  /**
   * The messages of groups that were released, one of each group at a time, in their order; to be
   * merged with the source of the deliveries, before this is applied.
   *
   * @param options as for any receiver
   */
  public Flux<Delivery<byte[]>> released(ReceiveOptions options) {
    return new Replays(lot, assembly).deliveries(options);
  }
}
