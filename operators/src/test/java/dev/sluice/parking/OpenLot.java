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

import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import java.time.Duration;
import java.util.Collection;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A lot that nobody ever parks in. */
final class OpenLot implements ParkingLot {

  private static UnsupportedOperationException unexpected() {
    return new UnsupportedOperationException("nothing is parked here");
  }

  @Override
  public Flux<String> parked(String flow, Collection<String> groups) {
    return Flux.empty();
  }

  @Override
  public Mono<Claim> claim(String flow, Duration lease) {
    return Mono.empty();
  }

  @Override
  public Mono<Long> park(String flow, Message<byte[]> message, String why) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> parkBehind(String flow, Message<byte[]> message) {
    return Mono.error(unexpected());
  }

  @Override
  public Flux<ParkedGroup> groups(String flow, int limit) {
    return Flux.error(unexpected());
  }

  @Override
  public Flux<Parked> list(String flow, String group, long after, int limit) {
    return Flux.error(unexpected());
  }

  @Override
  public Mono<Boolean> drop(String flow, String group, long place) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> release(String flow, String group) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> renew(Claim claim, Duration lease) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Parked> first(Claim claim) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> remove(Claim claim, long place) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> parkAgain(Claim claim, String why) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> open(Claim claim) {
    return Mono.error(unexpected());
  }

  @Override
  public Mono<Boolean> giveBack(Claim claim) {
    return Mono.error(unexpected());
  }
}
