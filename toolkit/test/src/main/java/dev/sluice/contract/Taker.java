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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Signal;

/** A consumer that asks for what a test says, keeps what it gets, and does with it what it must. */
final class Taker extends BaseSubscriber<Delivery<byte[]>> {

  private final ChannelRig rig;
  private final BiConsumer<Taker, Delivery<byte[]>> handler;
  private final List<Delivery<byte[]>> taken = new CopyOnWriteArrayList<>();
  private volatile @Nullable Signal<Void> end;
  private volatile boolean silent;
  private int read;

  private Taker(ChannelRig rig, BiConsumer<Taker, Delivery<byte[]>> handler) {
    this.rig = rig;
    this.handler = handler;
  }

  /** A consumer without demand. */
  static Taker of(
      Publisher<Delivery<byte[]>> deliveries,
      ChannelRig rig,
      BiConsumer<Taker, Delivery<byte[]>> handler) {
    Taker taker = new Taker(rig, handler);
    deliveries.subscribe(taker);
    return taker;
  }

  Taker requesting(long n) {
    request(n);
    return this;
  }

  Taker unbounded() {
    return requesting(Long.MAX_VALUE);
  }

  // == what came ==

  /** The next delivery, which has to come. */
  Delivery<byte[]> next() {
    rig.await(
        "delivery " + (read + 1) + ", there were " + bodies() + ", end " + end,
        () -> taken.size() > read);
    return taken.get(read++);
  }

  /** The next delivery, which has to be this one. */
  Delivery<byte[]> next(String body) {
    Delivery<byte[]> delivery = next();
    assertThat(body(delivery)).isEqualTo(body);
    return delivery;
  }

  /** Checks that there is no delivery that the test has not looked at, and that none comes. */
  void nothing() {
    rig.pass(rig.quiet());
    assertThat(bodies().subList(read, taken.size())).as("deliveries that must not be").isEmpty();
  }

  /** Everything that came, looked at or not. */
  List<Delivery<byte[]>> taken() {
    return taken;
  }

  List<String> bodies() {
    return taken.stream().map(Taker::body).toList();
  }

  // == the end ==

  void completes() {
    rig.await("the end of the sequence", () -> end != null);
    assertThat(Objects.requireNonNull(end)).matches(Signal::isOnComplete, "is a completion");
  }

  Throwable fails() {
    rig.await("the end of the sequence", () -> end != null);
    Throwable error = Objects.requireNonNull(end).getThrowable();
    assertThat(error).as("what the sequence fails with").isNotNull();
    return Objects.requireNonNull(error);
  }

  void goesOn() {
    rig.pass(rig.quiet());
    assertThat(end).as("end of the sequence").isNull();
  }

  // == what the rest of the world does with it ==

  /** From now on it decides nothing. */
  void silence() {
    silent = true;
  }

  /** Decides what is undecided, so that nothing counts as leaked. */
  void letGo() {
    taken.forEach(
        delivery -> delivery.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
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
    taken.add(delivery);
    if (!silent) {
      handler.accept(this, delivery);
    }
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
