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

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class LeaseThreadTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int MAX_COLLECTIONS = 200;

  @AfterEach
  void realTime() {
    VirtualTimeScheduler.reset();
  }

  @Test
  void isRealWhereTimeIsVirtual() throws Exception {
    VirtualTimeScheduler.getOrSet();
    Scheduler leases = LeaseThread.named("leases");
    CompletableFuture<Thread> ran = new CompletableFuture<>();
    leases.schedule(() -> ran.complete(Thread.currentThread()), 1, TimeUnit.MILLISECONDS);
    Thread thread = ran.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertThat(thread.getName()).isEqualTo("leases");
    assertThat(thread.isDaemon()).isTrue();
    leases.dispose();
  }

  @Test
  void mayNotBlock() {
    Scheduler leases = LeaseThread.named("leases");
    Mono.fromCallable(Schedulers::isInNonBlockingThread)
        .subscribeOn(leases)
        .as(StepVerifier::create)
        .expectNext(true)
        .expectComplete()
        .verify(PATIENCE);
    leases.dispose();
  }

  /** A lease is renewed after ten seconds, and mostly given back long before. */
  @Test
  void forgetsWhatIsCancelled() {
    Scheduler leases = LeaseThread.named("leases");
    WeakReference<byte[]> renewed = cancelled(leases);
    for (int i = 0; i < MAX_COLLECTIONS && renewed.get() != null; i++) {
      System.gc();
    }
    assertThat(renewed.get()).isNull();
    leases.dispose();
  }

  /** In a frame of its own, so that no local variable keeps it. */
  private static WeakReference<byte[]> cancelled(Scheduler leases) {
    byte[] lease = new byte[1];
    Disposable renewal = leases.schedule(() -> lease[0]++, 1, TimeUnit.DAYS);
    renewal.dispose();
    return new WeakReference<>(lease);
  }
}
