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
package dev.sluice.bridge;

import dev.sluice.channel.DeliveryListener;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What is out on a bridge, and what has become of the rest. Thread-safe. */
final class Watch implements FlowListener {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration FRESH = Duration.ofMinutes(2);

  /** How many messages waited at the source, as somebody saw. */
  private record Look(long waiting, Instant at) {}

  private final Clock clock;
  private final Set<Follower> out = ConcurrentHashMap.newKeySet();
  private final LongAdder rejected = new LongAdder();
  private final AtomicBoolean asking = new AtomicBoolean();
  private volatile @Nullable FlowHandle flow;
  private volatile @Nullable Look last;

  Watch(Clock clock) {
    this.clock = clock;
  }

  @Override
  public void started(FlowHandle flow) {
    this.flow = flow;
  }

  /** The flow that was started last. */
  @Nullable FlowHandle flow() {
    return flow;
  }

  @Override
  public DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
    Follower follower = new Follower(clock.instant());
    out.add(follower);
    return follower;
  }

  /** By identity, in a set: its end may come on any thread, in any order. */
  private final class Follower implements DeliveryListener {

    private final Instant since;

    Follower(Instant since) {
      this.since = since;
    }

    @Override
    public void done(Outcome outcome) {
      out.remove(this);
      if (outcome instanceof Outcome.Reject) {
        rejected.increment();
      }
    }
  }

  long rejected() {
    return rejected.sum();
  }

  int unacknowledged() {
    return out.size();
  }

  /** How long the oldest of those has been out; zero if there is none. */
  Duration oldest() {
    Instant now = clock.instant();
    Instant oldest = now;
    for (Follower follower : out) {
      oldest = follower.since.isBefore(oldest) ? follower.since : oldest;
    }
    return Duration.between(oldest, now);
  }

  /**
   * How many messages have not crossed: those that are out, and those that waited at the source
   * when somebody looked before, if that was not long ago. Each look begins a new one, if none is
   * under way.
   */
  OptionalLong lag() {
    look();
    Look seen = last;
    return seen == null || seen.at.plus(FRESH).isBefore(clock.instant())
        ? OptionalLong.empty()
        : OptionalLong.of(seen.waiting + out.size());
  }

  private void look() {
    FlowHandle running = flow;
    if (running != null && asking.compareAndSet(false, true)) {
      running
          .depth()
          .timeout(PATIENCE)
          .doFinally(end -> asking.set(false))
          .subscribe(waiting -> last = new Look(waiting, clock.instant()), error -> last = null);
    }
  }
}
