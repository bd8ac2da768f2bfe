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
package dev.sluice.time;

import dev.sluice.Experimental;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The schedulers that time something: the one check of every option that takes one. */
@Experimental
public final class Timers {

  private static final String REACTOR = Schedulers.class.getPackageName();

  private Timers() {}

  /**
   * The scheduler, if it can do something later. One of Reactor's own is asked to, with nothing to
   * do and taken back at once; any other, as that of virtual time, is believed, because it may
   * count what it is asked for. That one has been disposed of is no concern of this.
   *
   * @param option what it was given as
   * @throws IllegalArgumentException if it can do things at once only, as {@code
   *     Schedulers.immediate()} and one made of an executor that knows no delay
   */
  public static Scheduler require(String option, Scheduler timer) {
    Objects.requireNonNull(timer, option);
    if (timer.getClass().getPackageName().equals(REACTOR) && !keepsTime(timer)) {
      throw new IllegalArgumentException(
          option
              + ": "
              + timer
              + " (expected: a scheduler that can do something later, as Schedulers.parallel() can"
              + " and Schedulers.immediate() cannot)");
    }
    return timer;
  }

  private static boolean keepsTime(Scheduler timer) {
    try {
      timer.schedule(() -> {}, 1, TimeUnit.MILLISECONDS).dispose();
      return true;
    } catch (RejectedExecutionException e) {
      return !e.equals(Exceptions.failWithRejectedNotTimeCapable());
    }
  }
}
