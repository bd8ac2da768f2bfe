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
package dev.sluice.deadletter;

import dev.sluice.deadletter.DeadLettering.Digest;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/**
 * Looks at the dead letters again and again, and remembers what it saw, for gauges and health
 * checks: {@link DeadLettering#reviewer}. Thread-safe; it goes on until it is disposed of.
 */
public final class DeadLetterReviewer implements Metered, Watched, Disposable {

  private static final double NANOS = Duration.ofSeconds(1).toNanos();

  private final Disposable review;
  private volatile @Nullable Digest last;

  DeadLetterReviewer(Flux<Digest> review) {
    this.review = review.subscribe(digest -> last = digest);
  }

  /** What it saw last; null until it has seen anything. Of a store that is away it is old. */
  public @Nullable Digest last() {
    return last;
  }

  /** Whether letters have been there for longer than they should: a warning for health checks. */
  public boolean isOverdue() {
    Digest digest = last;
    return digest != null && digest.overdue();
  }

  /** A warning once {@link #isOverdue()}. */
  @Override
  public @Nullable String warning() {
    Digest digest = last;
    return digest == null || !digest.overdue()
        ? null
        : digest.stats().letters()
            + " dead letters wait, the oldest for "
            + Duration.ofSeconds(digest.stats().oldest().toSeconds());
  }

  /** How many there are, how old the oldest is, and how many wait for somebody to look at them. */
  @Override
  public void meters(Meters meters) {
    gauge(
        meters,
        "sluice.deadletters",
        "messages",
        "Dead letters in the store",
        digest -> digest.stats().letters());
    gauge(
        meters,
        "sluice.deadletters.oldest.age",
        "seconds",
        "How long the oldest of them has been there",
        digest -> digest.stats().oldest().toNanos() / NANOS);
    gauge(
        meters,
        "sluice.deadletters.unreviewed",
        "messages",
        "How many there are, if the oldest has been there for longer than it should",
        digest -> digest.overdue() ? digest.stats().letters() : 0);
  }

  private void gauge(
      Meters meters, String name, String unit, String description, ToDoubleFunction<Digest> value) {
    meters.gauge(
        name,
        unit,
        description,
        () -> {
          Digest digest = last;
          return digest == null ? Double.NaN : value.applyAsDouble(digest);
        });
  }

  @Override
  public void dispose() {
    review.dispose();
  }

  @Override
  public boolean isDisposed() {
    return review.isDisposed();
  }
}
