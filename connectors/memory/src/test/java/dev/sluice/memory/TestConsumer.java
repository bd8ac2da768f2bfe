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
package dev.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TransferQueue;
import java.util.stream.IntStream;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Signal;

/** A consumer that asks for what a test says and keeps what it gets. */
final class TestConsumer extends BaseSubscriber<Delivery<byte[]>> {

  private final TransferQueue<Delivery<byte[]>> received = new LinkedTransferQueue<>();
  private volatile Signal<Void> end;

  private TestConsumer() {}

  /** A consumer without demand. */
  static TestConsumer of(Inbound channel, ReceiveOptions options) {
    TestConsumer consumer = new TestConsumer();
    channel.receive(options).subscribe(consumer);
    return consumer;
  }

  TestConsumer requesting(long n) {
    request(n);
    return this;
  }

  TestConsumer unbounded() {
    return requesting(Long.MAX_VALUE);
  }

  /** The next delivery, which must be there. */
  Delivery<byte[]> next() {
    Delivery<byte[]> delivery = received.poll();
    assertThat(delivery).as("a delivery").isNotNull();
    return delivery;
  }

  /** The next delivery, which may take a while. */
  Delivery<byte[]> await() throws InterruptedException {
    Delivery<byte[]> delivery = received.poll(10, TimeUnit.SECONDS);
    assertThat(delivery).as("a delivery in time").isNotNull();
    return delivery;
  }

  /** The bodies of the next deliveries, which must be there. */
  String[] bodies(int n) {
    return IntStream.range(0, n).mapToObj(i -> body(next())).toArray(String[]::new);
  }

  /** Every delivery that the test has not taken. */
  List<Delivery<byte[]>> drain() {
    List<Delivery<byte[]>> all = new ArrayList<>();
    received.drainTo(all);
    return all;
  }

  /** Checks that there is no delivery that the test has not taken. */
  void nothing() {
    assertThat(received).isEmpty();
  }

  void completed() {
    assertThat(end).isNotNull();
    assertThat(end.isOnComplete()).isTrue();
  }

  void notEnded() {
    assertThat(end).isNull();
  }

  Throwable failure() {
    assertThat(end).isNotNull();
    assertThat(end.getThrowable()).isNotNull();
    return end.getThrowable();
  }

  static String body(Delivery<byte[]> delivery) {
    return new String(delivery.message().payload(), StandardCharsets.UTF_8);
  }

  @Override
  protected void hookOnSubscribe(Subscription subscription) {
    // demand comes from the test
  }

  @Override
  protected void hookOnNext(Delivery<byte[]> delivery) {
    received.add(delivery);
  }

  @Override
  protected void hookOnComplete() {
    end = Signal.complete();
  }

  @Override
  protected void hookOnError(Throwable error) {
    end = Signal.error(error);
  }
}
