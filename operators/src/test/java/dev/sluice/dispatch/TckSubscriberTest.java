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
package dev.sluice.dispatch;

import java.lang.reflect.Field;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.reactivestreams.tck.TestEnvironment;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * The TCK's subscriber waits for a lock now and then; that is no fault of the operator it tests.
 */
class TckSubscriberTest {

  @Test
  void theSubscriberOfTheTckMayWaitForItsLockOnAParallelThread() throws Exception {
    TestEnvironment.ManualSubscriber<Integer> subscriber =
        new TestEnvironment.ManualSubscriber<>(new TestEnvironment());
    Field received = TestEnvironment.ManualSubscriber.class.getDeclaredField("received");
    received.setAccessible(true);
    Field queue = TestEnvironment.Receptacle.class.getDeclaredField("abq");
    queue.setAccessible(true);
    queue.set(received.get(subscriber), new Contended());

    Mono.fromRunnable(
            () -> {
              subscriber.onNext(1);
              subscriber.onComplete();
            })
        .subscribeOn(Schedulers.parallel())
        .as(StepVerifier::create)
        .expectComplete()
        .verify(Duration.ofSeconds(10));
  }

  private static final class Contended extends ArrayBlockingQueue<Object> {

    private static final long serialVersionUID = 1;

    Contended() {
      super(2);
    }

    @Override
    public boolean add(Object element) {
      LockSupport.parkNanos(1);
      return super.add(element);
    }
  }
}
