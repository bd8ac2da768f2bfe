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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.Test;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

class TimersTest {

  @Test
  void takesWhatKeepsTime() {
    VirtualTimeScheduler time = VirtualTimeScheduler.create();
    ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
    try {
      assertThat(Timers.require("timer", time)).isSameAs(time);
      assertThat(time.getScheduledTaskCount()).isZero();
      assertThat(Timers.require("timer", Schedulers.parallel())).isSameAs(Schedulers.parallel());
      assertThat(Timers.require("timer", Schedulers.single())).isSameAs(Schedulers.single());
      Scheduler made = Schedulers.fromExecutorService(executor);
      assertThat(Timers.require("timer", made)).isSameAs(made);
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  void refusesWhatCannotWait() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Timers.require("scheduler", Schedulers.immediate()))
        .withMessageStartingWith("scheduler: ")
        .withMessageContaining("(expected: a scheduler that can do something later");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Timers.require("timer", Schedulers.fromExecutor(Runnable::run)))
        .withMessageStartingWith("timer: ");
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      Scheduler made = Schedulers.fromExecutorService(executor);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Timers.require("timer", made))
          .withMessageStartingWith("timer: ");
    } finally {
      executor.shutdownNow();
    }
    assertThatNullPointerException()
        .isThrownBy(() -> Timers.require("timer", null))
        .withMessage("timer");
  }

  @Test
  void leavesOneThatIsDisposedOfToWhoeverUsesIt() {
    Scheduler disposed = Schedulers.newSingle("disposed");
    disposed.dispose();
    assertThat(Timers.require("timer", disposed)).isSameAs(disposed);
  }
}
