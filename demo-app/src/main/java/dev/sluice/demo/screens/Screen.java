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
package dev.sluice.demo.screens;

import dev.sluice.pubsub.Published;
import dev.sluice.pubsub.SubscriberSpec;
import dev.sluice.pubsub.Topic;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/**
 * One who wants to know of flights: shows the latest event that it has got, and forgets nothing
 * that it has not shown. When it is broken it fails with each event; it comes back and goes on
 * behind the last one that it has shown, as long as the topic has it. Thread-safe.
 */
final class Screen {

  private static final Duration COMES_BACK_AFTER = Duration.ofSeconds(1);

  private final String name;
  private final String wants;
  private final UnaryOperator<SubscriberSpec<FlightEvent>> spec;
  private final LongAdder shown = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private final AtomicLong next = new AtomicLong();
  private final Disposable.Swap subscription = Disposables.swap();
  private volatile boolean broken;
  private volatile @Nullable FlightEvent last;

  /**
   * @param wants what it subscribes to, for people
   * @param spec the same, for the topic
   */
  Screen(String name, String wants, UnaryOperator<SubscriberSpec<FlightEvent>> spec) {
    this.name = name;
    this.wants = wants;
    this.spec = spec;
  }

  String name() {
    return name;
  }

  void breakDown(boolean on) {
    broken = on;
  }

  boolean isBroken() {
    return broken;
  }

  /** Subscribes; what it has not shown yet of what the topic still has comes first. */
  void start(Topic<FlightEvent> topic) {
    subscription.update(
        Flux.defer(() -> topic.subscribe(s -> spec.apply(s.name(name)).fromPosition(next.get())))
            .doOnNext(this::show)
            .retryWhen(
                Retry.fixedDelay(Long.MAX_VALUE, COMES_BACK_AFTER)
                    .doBeforeRetry(signal -> failures.increment()))
            .subscribe());
  }

  void stop() {
    subscription.update(Disposables.disposed());
  }

  private void show(Published<FlightEvent> published) {
    if (broken) {
      throw new IllegalStateException("screen " + name + " is broken");
    }
    last = published.message().payload();
    shown.increment();
    next.set(published.position() + 1);
  }

  /**
   * How it is doing.
   *
   * @param wants what it subscribes to
   * @param shown events that it has shown
   * @param failures how often it has failed and come back
   * @param last what it shows; null before the first event
   */
  record View(
      String name,
      String wants,
      boolean broken,
      long shown,
      long failures,
      @Nullable FlightEvent last) {}

  View view() {
    return new View(name, wants, broken, shown.sum(), failures.sum(), last);
  }
}
