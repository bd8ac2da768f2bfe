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
package dev.sluice.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.internals.FetchBuffer;
import org.apache.kafka.common.utils.LogContext;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** That a settlement may wake a consumer of the newer protocol from where nobody may block. */
class WakeupTest {

  @Test
  void mayWaitForTheLockOfTheFetches() throws Exception {
    FetchBuffer fetches = new FetchBuffer(new LogContext());
    Field field = FetchBuffer.class.getDeclaredField("lock");
    field.setAccessible(true);
    ReentrantLock lock = (ReentrantLock) field.get(fetches);
    lock.lock();
    Method wakeup = FetchBuffer.class.getDeclaredMethod("wakeup");
    wakeup.setAccessible(true);
    Mono<Object> woken =
        Mono.fromCallable(() -> wakeup.invoke(fetches)).subscribeOn(Schedulers.parallel()).cache();
    try {
      woken.subscribe(nothing -> {}, error -> {});
      Broker.await("somebody to wait for the lock", lock::hasQueuedThreads);
    } finally {
      lock.unlock();
    }
    woken.block(Duration.ofSeconds(30));
    assertThat(lock.isLocked()).isFalse();
  }
}
