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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;

/** A subscriber under test: remembers what it got, and settles it as the test says. */
final class Member extends BaseSubscriber<Delivery<byte[]>> implements AutoCloseable {

  private final List<Delivery<byte[]>> deliveries = Collections.synchronizedList(new ArrayList<>());
  private final Consumer<Delivery<byte[]>> handler;
  private final long initialRequest;
  private final Sinks.One<Duration> stop = Sinks.one();
  private final Sinks.Empty<Void> ended = Sinks.empty();
  private volatile @Nullable Throwable error;
  private volatile @Nullable String thread;

  private Member(Consumer<Delivery<byte[]>> handler, long initialRequest) {
    this.handler = handler;
    this.initialRequest = initialRequest;
  }

  /** Acknowledges everything at once. */
  static Member acking(KafkaChannel channel) {
    return handling(channel, delivery -> delivery.settlement().settle(Outcome.ack()));
  }

  /** Leaves everything undecided. */
  static Member holding(KafkaChannel channel) {
    return handling(channel, delivery -> {});
  }

  static Member handling(KafkaChannel channel, Consumer<Delivery<byte[]>> handler) {
    return join(channel, options -> options, Long.MAX_VALUE, handler);
  }

  static Member join(
      KafkaChannel channel,
      UnaryOperator<ReceiveOptions> options,
      long initialRequest,
      Consumer<Delivery<byte[]>> handler) {
    Member member = new Member(handler, initialRequest);
    channel
        .receive(options.apply(ReceiveOptions.defaults().stop(member.stop.asMono())))
        .subscribe(member);
    return member;
  }

  @Override
  protected void hookOnSubscribe(Subscription subscription) {
    if (initialRequest > 0) {
      subscription.request(initialRequest);
    }
  }

  @Override
  protected void hookOnNext(Delivery<byte[]> delivery) {
    thread = Thread.currentThread().getName();
    deliveries.add(delivery);
    handler.accept(delivery);
  }

  @Override
  protected void hookOnError(Throwable throwable) {
    error = throwable;
  }

  @Override
  protected void hookFinally(SignalType type) {
    ended.tryEmitEmpty();
  }

  List<Delivery<byte[]>> deliveries() {
    return List.copyOf(deliveries);
  }

  List<String> texts() {
    return deliveries().stream().map(d -> Broker.text(d.message())).toList();
  }

  int count() {
    return deliveries.size();
  }

  @Nullable Throwable error() {
    return error;
  }

  @Nullable String thread() {
    return thread;
  }

  Member awaitCount(int n) {
    Broker.await(n + " deliveries, has " + count(), () -> count() >= n);
    return this;
  }

  void awaitEnd() {
    ended.asMono().block(Duration.ofSeconds(30));
  }

  void stop(Duration grace) {
    stop.tryEmitValue(grace);
    awaitEnd();
  }

  /** Settles what is left, so that nothing counts as leaked, and leaves the group. */
  @Override
  public void close() {
    stop.tryEmitValue(Duration.ZERO);
    deliveries.forEach(d -> d.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
    if (!isDisposed()) {
      awaitEnd();
    }
    deliveries.forEach(d -> d.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
  }
}
