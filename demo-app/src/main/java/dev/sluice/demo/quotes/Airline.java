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
package dev.sluice.demo.quotes;

import dev.sluice.channel.Recipient;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * A partner airline that may have a seat. It takes its time, now and then a long time; it can be
 * closed, and then it refuses. Thread-safe.
 */
final class Airline implements Recipient<Route, Offer> {

  /** One answer of so many is a slow one. */
  private static final int SLOW_ONE_OF = 5;

  private static final int SLOWER = 4;

  private final String name;
  private final Duration usual;
  private final LongUnaryOperator random;
  private volatile boolean open = true;

  /**
   * @param usual how long it usually takes to answer
   */
  Airline(String name, Duration usual) {
    this(name, usual, bound -> ThreadLocalRandom.current().nextLong(bound));
  }

  Airline(String name, Duration usual, LongUnaryOperator random) {
    this.name = name;
    this.usual = usual;
    this.random = random;
  }

  @Override
  public String name() {
    return name;
  }

  void open(boolean isOpen) {
    open = isOpen;
  }

  boolean isOpen() {
    return open;
  }

  @Override
  public Publisher<Offer> ask(Route route) {
    return Mono.delay(takes())
        .map(
            answered -> {
              if (!open) {
                throw new IllegalStateException("closed");
              }
              return offer(route);
            });
  }

  /** Half of the usual time to one and a half of it; a slow answer takes four times as long. */
  private Duration takes() {
    long half = usual.toMillis() / 2;
    long millis = half + random.applyAsLong(2 * half + 1);
    return Duration.ofMillis(random.applyAsLong(SLOW_ONE_OF) == 0 ? SLOWER * millis : millis);
  }

  /** The same route costs the same, as long as nobody books it. */
  private Offer offer(Route route) {
    int hash = (name + route.from() + route.to()).hashCode();
    return new Offer(8_900 + Math.floorMod(hash, 300) * 100, 1 + Math.floorMod(hash >> 8, 9));
  }
}
