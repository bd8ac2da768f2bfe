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

import dev.sluice.demo.flight.Departure;
import java.time.LocalDate;
import org.jspecify.annotations.Nullable;

/**
 * A trip that is rebooked, as far as it is: what each step is given and gives. It stands in the
 * journal, so what is here may be added to and not changed.
 *
 * @param booking the reference of the booking
 * @param missed the flight that left without the passenger
 * @param flight the flight that is meant instead
 * @param date the day that flight was scheduled for
 * @param origin where it leaves
 * @param destination where it goes
 * @param seat the reference of the seat, when it is held
 * @param voucher the reference of the hotel voucher, when it is issued
 * @param payment the reference of the payment, when the card is charged
 * @param ticket the number of the ticket, when it is issued
 */
record Trip(
    String booking,
    String missed,
    String flight,
    LocalDate date,
    String origin,
    String destination,
    @Nullable String seat,
    @Nullable String voucher,
    @Nullable String payment,
    @Nullable String ticket) {

  static Trip of(String booking, Departure missed, Departure next) {
    return new Trip(
        booking,
        missed.flight(),
        next.flight(),
        next.date(),
        next.origin(),
        next.destination(),
        null,
        null,
        null,
        null);
  }

  Trip withSeat(String reference) {
    return with(reference, voucher, payment, ticket);
  }

  Trip withVoucher(String reference) {
    return with(seat, reference, payment, ticket);
  }

  Trip withPayment(String reference) {
    return with(seat, voucher, reference, ticket);
  }

  Trip withTicket(String reference) {
    return with(seat, voucher, payment, reference);
  }

  private Trip with(
      @Nullable String newSeat,
      @Nullable String newVoucher,
      @Nullable String newPayment,
      @Nullable String newTicket) {
    return new Trip(
        booking,
        missed,
        flight,
        date,
        origin,
        destination,
        newSeat,
        newVoucher,
        newPayment,
        newTicket);
  }
}
