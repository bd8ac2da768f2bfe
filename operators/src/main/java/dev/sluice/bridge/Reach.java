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

import dev.sluice.delivery.ErrorPolicy;
import java.time.Clock;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Whether the target takes messages, as far as its answers tell: when it does not, nothing is sent
 * but a probe from time to time, which is the message whose turn it is. Thread-safe.
 */
final class Reach {

  /*
   * Threads: any. Each event replaces the state by one that follows from it.
   *
   * Invariants:
   *   R1  AWAY becomes PROBING by one who takes the permission, and no other permission is given
   *       until that probe has ended or was given back
   *   R2  only a probe that is confirmed makes it REACHABLE: what had begun before proves nothing
   *   R3  a probe that fails makes the wait before the next one longer; a send that fails because it
   *       had begun before does not
   */

  enum Phase {
    REACHABLE,
    AWAY,
    PROBING
  }

  /** A failed send. */
  record Failure(Throwable error, Instant at) {}

  /**
   * What is known.
   *
   * @param since when the phase that is not PROBING began
   * @param probeAt when the next probe is due, if it is away
   * @param probes how many have failed in a row
   * @param failures how many sends have failed since one was confirmed
   * @param outages how often it was away
   */
  record State(
      Phase phase,
      Instant since,
      long probeAt,
      int probes,
      long failures,
      long outages,
      @Nullable Failure last) {

    State phase(Phase next) {
      return new State(next, since, probeAt, probes, failures, outages, last);
    }
  }

  /** How soon a gate that is closed for an unknown time is asked again. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(100);

  private final ErrorPolicy waits;
  private final Clock clock;
  private final AtomicReference<State> state;
  private volatile boolean paused;

  /**
   * A target that is believed to be there.
   *
   * @param waits how long to wait before each probe
   */
  Reach(ErrorPolicy waits, Clock clock) {
    this.waits = waits;
    this.clock = clock;
    this.state =
        new AtomicReference<>(
            new State(Phase.REACHABLE, clock.instant(), 0, 0, 0, 0, /* last= */ null));
  }

  State state() {
    return Objects.requireNonNull(state.get());
  }

  boolean isReachable() {
    return state().phase() == Phase.REACHABLE;
  }

  void pause(boolean paused) {
    this.paused = paused;
  }

  boolean isPaused() {
    return paused;
  }

  /**
   * Takes a permission to send.
   *
   * @param now on the clock of the gate, in nanoseconds
   * @return 0, or for how long there is none
   */
  long take(long now) {
    if (paused) {
      return PATIENCE;
    }
    for (; ; ) {
      State current = state();
      if (current.phase() == Phase.REACHABLE) {
        return 0;
      }
      if (current.phase() == Phase.PROBING) {
        return PATIENCE;
      }
      long left = current.probeAt() - now;
      if (left > 0) {
        return left;
      }
      if (state.compareAndSet(current, current.phase(Phase.PROBING))) {
        return 0;
      }
    }
  }

  /** A send was confirmed. */
  void confirmed() {
    if (state().phase() == Phase.PROBING) {
      Instant now = clock.instant();
      state.updateAndGet(
          s ->
              s.phase() == Phase.PROBING
                  ? new State(Phase.REACHABLE, now, 0, 0, 0, s.outages(), s.last())
                  : s);
    }
  }

  /** A send has failed, and not because of its message. */
  void failed(long now, Throwable error) {
    Failure failure = new Failure(error, clock.instant());
    state.updateAndGet(
        s -> {
          if (s.phase() == Phase.AWAY) { // it had begun before
            return new State(
                Phase.AWAY,
                s.since(),
                s.probeAt(),
                s.probes(),
                s.failures() + 1,
                s.outages(),
                failure);
          }
          boolean probe = s.phase() == Phase.PROBING;
          int probes = probe ? s.probes() + 1 : 0;
          return new State(
              Phase.AWAY,
              probe ? s.since() : failure.at(),
              now + TimeUnit.NANOSECONDS.convert(waits.delayAfter(probes + 1)),
              probes,
              s.failures() + 1,
              probe ? s.outages() : s.outages() + 1,
              failure);
        });
  }

  /** A send has ended that says nothing of the target: if it was the probe, another one may go. */
  void noNews(long now) {
    state.updateAndGet(
        s ->
            s.phase() == Phase.PROBING
                ? new State(
                    Phase.AWAY, s.since(), now, s.probes(), s.failures(), s.outages(), s.last())
                : s);
  }
}
