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
package dev.sluice.demo.rebooking;

import dev.sluice.saga.StepContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Who is asked for something when a trip is rebooked: airline, hotel, bank. They take their time,
 * and each can be made to fail. Who asks one of them twice with the same key gets the same
 * reference again, as these services must; they forget nothing in a restart because there is
 * nothing to remember: the reference is made of the key. Thread-safe.
 */
final class Partners {

  private final Duration answerAfter;
  private final Set<Fault> faults = ConcurrentHashMap.newKeySet();

  /**
   * @param answerAfter how long each of them takes
   */
  Partners(Duration answerAfter) {
    this.answerAfter = answerAfter;
  }

  /** Makes something fail from now on, or work again. */
  void set(Fault fault, boolean on) {
    if (on) {
      faults.add(fault);
    } else {
      faults.remove(fault);
    }
  }

  /** Each fault by its label, and whether it is on. */
  Map<String, Boolean> faults() {
    Map<String, Boolean> all = new TreeMap<>();
    for (Fault fault : Fault.values()) {
      all.put(fault.label(), faults.contains(fault));
    }
    return all;
  }

  Mono<Trip> holdSeat(Trip trip) {
    return reference("S").map(trip::withSeat);
  }

  Mono<Void> releaseSeat(Trip before, @Nullable Trip after) {
    return answered();
  }

  Mono<Trip> issueVoucher(Trip trip) {
    return reference("H")
        .map(
            reference -> {
              if (faults.contains(Fault.HOTEL)) {
                throw new PartnerRefused("the hotel is full");
              }
              return trip.withVoucher(reference);
            });
  }

  Mono<Void> cancelVoucher(Trip before, @Nullable Trip after) {
    return answered();
  }

  Mono<Trip> charge(Trip trip) {
    return reference("P").map(trip::withPayment);
  }

  Mono<Void> refund(Trip before, @Nullable Trip after) {
    return answered()
        .then(
            Mono.defer(
                () ->
                    faults.contains(Fault.REFUND)
                        ? Mono.error(new IllegalStateException("the bank gives nothing back"))
                        : Mono.empty()));
  }

  Mono<Trip> issueTicket(Trip trip) {
    return reference("T")
        .map(
            reference -> {
              if (faults.contains(Fault.TICKET)) {
                throw new PartnerRefused("the airline issues no ticket");
              }
              return trip.withTicket(reference);
            });
  }

  Mono<Void> voidTicket(Trip before, @Nullable Trip after) {
    return answered();
  }

  private Mono<Void> answered() {
    return Mono.delay(answerAfter).then();
  }

  private Mono<String> reference(String prefix) {
    return StepContext.current()
        .delayElement(answerAfter)
        .map(step -> prefix + "-" + digest(step.idempotencyKey()));
  }

  private static String digest(String key) {
    String digits = UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
    return digits.substring(0, 8).toUpperCase(Locale.ROOT);
  }
}
