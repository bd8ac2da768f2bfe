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
package dev.sluice.pubsub;

import dev.sluice.pubsub.SubscriberSpec.Overflow;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/** The messages of a topic, for one subscriber for each subscription. */
final class TopicFlux<T> extends Flux<Published<T>> implements Scannable {

  private final Topic<T> topic;
  private final SubscriberSpec<T> spec;

  private TopicFlux(Topic<T> topic, SubscriberSpec<T> spec) {
    this.topic = topic;
    this.spec = spec;
  }

  static <T> Flux<Published<T>> create(Topic<T> topic, SubscriberSpec<T> spec) {
    return onAssembly(new TopicFlux<>(topic, spec));
  }

  /** Connected only when it knows that it is subscribed: nothing may come before. */
  @Override
  public void subscribe(CoreSubscriber<? super Published<T>> actual) {
    Subscriber<T> subscriber;
    try {
      subscriber =
          spec.overflow() == Overflow.CATCH_UP
              ? new Reader<>(topic, spec, actual)
              : new Buffered<>(topic, spec, actual);
    } catch (RejectedExecutionException e) { // the scheduler was disposed of
      Operators.error(actual, Operators.onRejectedExecution(e, actual.currentContext()));
      return;
    }
    actual.onSubscribe(subscriber);
    topic.add(subscriber);
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return topic.name();
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
  }
}
