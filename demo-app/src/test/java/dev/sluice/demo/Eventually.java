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
package dev.sluice.demo;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Waits for what will come true. */
public final class Eventually {

  private static final Duration EVERY = Duration.ofMillis(50);
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private Eventually() {}

  /** The first value that is as expected, within a minute; asks again while asking fails. */
  public static <T> T eventually(Callable<T> value, Predicate<T> expected) {
    return eventually(value, expected, LIMIT);
  }

  /** The first value that is as expected, within the limit; asks again while asking fails. */
  static <T> T eventually(Callable<T> value, Predicate<T> expected, Duration limit) {
    StringBuilder last = new StringBuilder();
    T found =
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .publishOn(Schedulers.boundedElastic(), 1)
            .<T>handle(
                (tick, sink) -> {
                  try {
                    T current = value.call();
                    last.replace(0, last.length(), String.valueOf(current));
                    if (expected.test(current)) {
                      sink.next(current);
                    }
                  } catch (Exception | AssertionError e) {
                    last.replace(0, last.length(), e.toString());
                  }
                })
            .next()
            .timeout(limit, Mono.empty())
            .block();
    if (found == null) {
      throw new AssertionError("not within " + limit + "; last was " + last);
    }
    return found;
  }
}
