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
package dev.sluice.level;

import dev.sluice.delivery.StaleDelivery;
import dev.sluice.dispatch.Gate;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;

/** A rate and a circuit breaker. */
final class LevelGate implements Gate {

  private static final Logger log = LoggerFactory.getLogger(LoadLeveling.class);

  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);
  private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);

  private final boolean onRequest;
  private final Rate.@Nullable Bucket bucket;
  private final @Nullable CircuitBreaker breaker;
  private final long pause; // until a breaker that has refused is asked again
  private final Scheduler timer;

  /**
   * A gate for one subscription.
   *
   * @param onRequest whether it opens only for values that the subscriber waits for
   */
  LevelGate(
      boolean onRequest, @Nullable Rate rate, @Nullable CircuitBreaker breaker, Scheduler timer) {
    this.onRequest = onRequest;
    this.bucket = rate == null ? null : rate.bucket();
    this.breaker = breaker;
    this.pause = breaker == null ? 0 : pause(breaker);
    this.timer = timer;
  }

  /** Often enough to be no more than a tenth late: others may use the breaker, and open it. */
  private static long pause(CircuitBreaker breaker) {
    long millis = breaker.getCircuitBreakerConfig().getWaitIntervalFunctionInOpenState().apply(1);
    long tenth = TimeUnit.MILLISECONDS.toNanos(millis) / 10;
    return Math.max(SHORTEST_PAUSE, Math.min(LONGEST_PAUSE, tenth));
  }

  @Override
  public long take(boolean requested) {
    if (onRequest && !requested) {
      return UNTIL_REQUESTED;
    }
    long now = bucket == null ? 0 : timer.now(TimeUnit.NANOSECONDS);
    long closed = bucket == null ? 0 : bucket.closedFor(now);
    if (closed > 0) {
      return closed;
    }
    if (breaker != null && !permits(breaker)) {
      return pause;
    }
    if (bucket != null) {
      bucket.take(now);
    }
    return 0;
  }

  @Override
  public void giveBack() {
    if (bucket != null) {
      bucket.giveBack();
    }
    if (breaker != null) {
      tell(breaker::releasePermission);
    }
  }

  @Override
  public void ended(long nanos, @Nullable Throwable error) {
    if (breaker == null) {
      return;
    }
    if (error == null) {
      tell(() -> breaker.onSuccess(nanos, TimeUnit.NANOSECONDS));
    } else if (error instanceof StaleDelivery) { // says nothing of what is behind the breaker
      tell(breaker::releasePermission);
    } else {
      tell(() -> breaker.onError(nanos, TimeUnit.NANOSECONDS, error));
    }
  }

  private static boolean permits(CircuitBreaker breaker) {
    try {
      return breaker.tryAcquirePermission();
    } catch (Throwable e) {
      report(breaker, e);
      return false;
    }
  }

  private void tell(Runnable what) {
    try {
      what.run();
    } catch (Throwable e) {
      report(Objects.requireNonNull(breaker), e);
    }
  }

  /** Its listeners and predicates are the user's. */
  private static void report(CircuitBreaker breaker, Throwable error) {
    Exceptions.throwIfJvmFatal(error);
    log.warn("circuit breaker {} threw", breaker.getName(), error);
  }
}
