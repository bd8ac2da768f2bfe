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
package dev.sluice.bench;

import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** Adds up everything that a sequence of numbers emits, and waits for its end. */
final class SumSubscriber implements CoreSubscriber<Integer> {

  private final CountDownLatch ended = new CountDownLatch(1);
  private long sum;
  private @Nullable Throwable error;

  /**
   * The sum.
   *
   * @throws IllegalStateException if it is not the expected one
   */
  static long of(Flux<Integer> flux, long expected) {
    SumSubscriber subscriber = new SumSubscriber();
    flux.subscribe(subscriber);
    try {
      subscriber.ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (subscriber.error != null || subscriber.sum != expected) {
      throw new IllegalStateException(
          "sum: " + subscriber.sum + " (expected: " + expected + ")", subscriber.error);
    }
    return subscriber.sum;
  }

  @Override
  public void onSubscribe(Subscription s) {
    s.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(Integer value) {
    sum += value;
  }

  @Override
  public void onError(Throwable t) {
    error = t;
    ended.countDown();
  }

  @Override
  public void onComplete() {
    ended.countDown();
  }
}
