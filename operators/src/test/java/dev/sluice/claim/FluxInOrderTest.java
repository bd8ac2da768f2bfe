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
package dev.sluice.claim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

class FluxInOrderTest {

  /** Leaves when it is told to, and writes down what it gets. */
  private static final class Leaving extends BaseSubscriber<String> {

    final List<String> got = new ArrayList<>();
    final List<Object> discarded = new ArrayList<>();

    @Override
    public Context currentContext() {
      return reactor.core.publisher.Operators.enableOnDiscard(Context.empty(), discarded::add);
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      subscription.request(16);
    }

    @Override
    protected void hookOnNext(String value) {
      got.add(value);
    }
  }

  @Test
  void whatBeginsWhileTheSubscriberLeavesIsDiscarded() {
    Leaving subscriber = new Leaving();
    FluxInOrder.create(
            Flux.just("a"),
            4,
            element ->
                Mono.defer(
                    () -> {
                      subscriber.cancel(); // after the place was taken, before the work has begun
                      return Mono.fromSupplier(() -> "value of " + element);
                    }))
        .subscribe(subscriber);
    assertThat(subscriber.got).isEmpty();
    assertThat(subscriber.discarded).containsExactly("value of a");
  }

  @Test
  void workThatTakesTimeIsCancelledAsSoonAsItHasBegun() {
    Leaving subscriber = new Leaving();
    List<String> cancelled = new ArrayList<>();
    FluxInOrder.create(
            Flux.just("a"),
            4,
            element ->
                Mono.defer(
                    () -> {
                      subscriber.cancel();
                      return Mono.<String>never().doOnCancel(() -> cancelled.add(element));
                    }))
        .subscribe(subscriber);
    assertThat(cancelled).containsExactly("a");
  }
}
