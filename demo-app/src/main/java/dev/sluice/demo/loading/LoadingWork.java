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
package dev.sluice.demo.loading;

import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.bag.LoadedBag;
import dev.sluice.demo.ledger.Ledger;
import java.time.Clock;
import java.time.Duration;
import reactor.core.publisher.Mono;

/** Puts one bag into the hold, which takes a moment; a bag that is in it already is left alone. */
public final class LoadingWork {

  private final Ledger ledger;
  private final Jams jams;
  private final Duration shortest;
  private final Duration longest;
  private final Clock clock;

  /**
   * @param shortest how long the lightest bag takes
   * @param longest how long the heaviest bag takes
   */
  public LoadingWork(Ledger ledger, Jams jams, Duration shortest, Duration longest, Clock clock) {
    this.ledger = ledger;
    this.jams = jams;
    this.shortest = shortest;
    this.longest = longest;
    this.clock = clock;
  }

  /**
   * The loaded bag; nothing if it was loaded before.
   *
   * @throws Jams.Jammed if it is stuck
   */
  Mono<LoadedBag> load(Bag bag) {
    jams.check(bag);
    return ledger.beginLoading(bag.tag())
        ? Mono.delay(duration(bag)).map(done -> LoadedBag.of(bag, clock.instant()))
        : Mono.empty();
  }

  /** Some bags are heavier than others, each always the same. */
  private Duration duration(Bag bag) {
    double weight = Math.floorMod(bag.tag().hashCode() * 31, 1_000) / 999.0;
    long span = longest.toNanos() - shortest.toNanos();
    return shortest.plusNanos((long) (span * weight));
  }
}
