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
package dev.sluice.convoy;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.scheduler.Scheduler;

/**
 * Ends a run of a worker when its delivery was lost and the grace after that is over. Disposed when
 * the run is decided.
 */
final class LossWatch extends BaseSubscriber<Void> {

  private final Run run;
  private final Duration grace;
  private final Scheduler timer;

  LossWatch(Run run, Duration grace, Scheduler timer) {
    this.run = run;
    this.grace = grace;
    this.timer = timer;
  }

  /** The delivery is lost. */
  @Override
  protected void hookOnComplete() {
    try {
      timer.schedule(run::endOfGrace, grace.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) { // no timer, no grace
      run.endOfGrace();
    }
  }
}
