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

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** Adds up what a synchronous sequence emits, asking for 16 elements at a time. */
final class BatchSubscriber implements CoreSubscriber<Integer> {

  private static final int DEMAND = 16;

  private @Nullable Subscription s;
  private int received;
  private long sum;
  private boolean completed;
  private @Nullable Throwable error;

  static long sum(Flux<Integer> flux) {
    BatchSubscriber subscriber = new BatchSubscriber();
    flux.subscribe(subscriber);
    if (!subscriber.completed) {
      throw new IllegalStateException("not completed", subscriber.error);
    }
    return subscriber.sum;
  }

  @Override
  public void onSubscribe(Subscription s) {
    this.s = s;
    s.request(DEMAND);
  }

  @Override
  public void onNext(Integer value) {
    sum += value;
    if (++received == DEMAND) {
      received = 0;
      Subscription subscription = s;
      if (subscription != null) {
        subscription.request(DEMAND);
      }
    }
  }

  @Override
  public void onError(Throwable t) {
    error = t;
  }

  @Override
  public void onComplete() {
    completed = true;
  }
}
