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
package dev.sluice.demo.load;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;

/**
 * The bags of a load, as passengers bring them: flights open for check-in in the order of their
 * departure, several at once, and a flight closes with its last bag. The same arguments give the
 * same bags. Not thread-safe.
 */
final class Passengers {

  private final Departures departures;
  private final int[] left;
  private final List<Departure> open = new ArrayList<>();
  private final int openAtOnce;
  private final Random random;
  private int nextToOpen;
  private int remaining;

  /**
   * @param bags how many there are in all
   * @param openAtOnce how many flights are open for check-in at the same time, at least 1
   */
  Passengers(Departures departures, int bags, int openAtOnce, long seed) {
    this.departures = departures;
    this.openAtOnce = openAtOnce;
    this.random = new Random(seed);
    this.left = share(bags, departures.size(), random);
    this.remaining = bags;
  }

  /** Gives each flight its part of the bags: some are fuller than others, the sum is exact. */
  private static int[] share(int bags, int flights, Random random) {
    double[] upTo = new double[flights];
    double sum = 0;
    for (int i = 0; i < flights; i++) {
      sum += 0.6 + 0.8 * random.nextDouble();
      upTo[i] = sum;
    }
    int[] shares = new int[flights];
    long before = 0;
    for (int i = 0; i < flights; i++) {
      long until = i == flights - 1 ? bags : Math.round(bags * upTo[i] / sum);
      shares[i] = (int) (until - before);
      before = until;
    }
    return shares;
  }

  boolean hasNext() {
    return remaining > 0;
  }

  /** The departure of the next bag. */
  Departure next() {
    if (remaining == 0) {
      throw new NoSuchElementException("passengers: none left");
    }
    while (open.size() < openAtOnce && nextToOpen < left.length) {
      if (left[nextToOpen] > 0) {
        open.add(departures.get(nextToOpen));
      }
      nextToOpen++;
    }
    int at = random.nextInt(open.size());
    Departure departure = open.get(at);
    remaining--;
    if (--left[departure.index()] == 0) {
      open.remove(at);
    }
    return departure;
  }
}
