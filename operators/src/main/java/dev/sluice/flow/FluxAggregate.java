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
package dev.sluice.flow;

import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;

/**
 * Collects deliveries, by key, until there are enough or the first has waited long enough.
 *
 * <p>Hand-written, because the members of an aggregate hold the window of their source: an
 * aggregate must also be closed when nothing more can come before it is. {@code bufferTimeout} and
 * {@code groupBy} cannot know that, and lose what they hold on a cancel.
 */
final class FluxAggregate<T> extends FluxOperator<Delivery<T>, Delivery<List<Message<T>>>> {

  /**
   * What and how to collect.
   *
   * @param maxSize members of an aggregate at most
   * @param maxTime how long its first member waits at most
   * @param begins whether a member is worth going on with; settles it if not
   * @param failed settles a member whose key could not be told
   * @param clock tells which members have expired
   * @param assembly where the aggregates come from, for the leak detector
   */
  record Plan<T>(
      int maxSize,
      Duration maxTime,
      AggregateSpec<T> spec,
      Predicate<? super Delivery<T>> begins,
      BiConsumer<? super Delivery<T>, ? super Throwable> failed,
      Clock clock,
      Pressure pressure,
      String assembly) {

    /** Members that wait in the operator at most. */
    int capacity() {
      return Math.multiplyExact(maxSize, spec.maxOpen());
    }
  }

  private final Plan<T> plan;

  private FluxAggregate(Flux<? extends Delivery<T>> source, Plan<T> plan) {
    super(source);
    this.plan = plan;
  }

  static <T> Flux<Delivery<List<Message<T>>>> create(
      Flux<? extends Delivery<T>> source, Plan<T> plan) {
    return onAssembly(new FluxAggregate<>(source, plan));
  }

  @Override
  public void subscribe(CoreSubscriber<? super Delivery<List<Message<T>>>> actual) {
    source.subscribe(new AggregateMain<>(actual, plan));
  }

  @Override
  public int getPrefetch() {
    return plan.capacity();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return plan.spec().name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return super.scanUnsafe(key);
  }
}
