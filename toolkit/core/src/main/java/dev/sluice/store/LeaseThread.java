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
package dev.sluice.store;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import reactor.core.scheduler.NonBlocking;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A thread on which leases are renewed and nothing else is done, so that work which keeps Reactor's
 * threads busy does not cost anybody a lease.
 *
 * <p>Its time is always real: it does not come from the factory of {@link Schedulers}, because a
 * thread that lives as long as the process would keep the virtual time of the test that happened to
 * need it first.
 */
public final class LeaseThread extends Thread implements NonBlocking {

  private LeaseThread(Runnable task, String name) {
    super(task, name);
    setDaemon(true);
  }

  /**
   * A new thread; it is a daemon, may not block, and begins when there is something to do. A task
   * that is cancelled is forgotten at once.
   *
   * @param name of the thread
   */
  public static Scheduler named(String name) {
    ScheduledThreadPoolExecutor one =
        new ScheduledThreadPoolExecutor(1, task -> new LeaseThread(task, name));
    one.setRemoveOnCancelPolicy(true);
    return Schedulers.fromExecutorService(one, name);
  }
}
