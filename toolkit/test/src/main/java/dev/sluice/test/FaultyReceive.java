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
package dev.sluice.test;

import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.test.FaultInjector.Fault;
import dev.sluice.test.FaultInjector.Kind;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** One subscription between a flow and a channel. */
final class FaultyReceive implements CoreSubscriber<Delivery<byte[]>>, Subscription {

  /*
   * Threads: onNext, onError and onComplete on the channel's, one at a time; request and cancel on
   * any, concurrently. A failure comes from either side, so `actual` is serialized.
   *
   * over      no more signals, because one was made to fail or the flow has cancelled
   * upstream  written before the flow knows of this subscription
   */

  private final CoreSubscriber<? super Delivery<byte[]>> actual;
  private final FaultInjector injector;
  private final String assembly;
  private Subscription upstream = Operators.emptySubscription();
  private @Nullable Fault ofReceive;
  private volatile boolean over;

  FaultyReceive(
      CoreSubscriber<? super Delivery<byte[]>> actual, FaultInjector injector, String assembly) {
    this.actual = Operators.serialize(actual);
    this.injector = injector;
    this.assembly = assembly;
  }

  void start(Inbound real, ReceiveOptions options) {
    if (injector.isDead()) {
      actual.onSubscribe(Operators.emptySubscription());
      return;
    }
    ofReceive = injector.begin(Kind.RECEIVE);
    if (ofReceive == Fault.FAIL_BEFORE) {
      Operators.error(actual, injector.failure());
    } else if (ofReceive == Fault.KILL_BEFORE) {
      actual.onSubscribe(Operators.emptySubscription());
    } else {
      real.receive(options).subscribe(this);
    }
  }

  @Override
  public Context currentContext() {
    return actual.currentContext();
  }

  // == channel ==

  @Override
  public void onSubscribe(Subscription subscription) {
    upstream = subscription;
    injector.remains(subscription::cancel);
    if (ofReceive == Fault.KILL_AFTER) {
      injector.kill();
    }
    over = ofReceive == Fault.NO_ANSWER;
    actual.onSubscribe(this);
    if (ofReceive == Fault.FAIL_AFTER) {
      fail();
    }
  }

  @Override
  public void onNext(Delivery<byte[]> delivery) {
    injector.remains(() -> release(delivery));
    if (injector.isDead()) {
      return;
    }
    if (over) {
      release(delivery);
      return;
    }
    Fault fault = injector.begin(Kind.DELIVER);
    if (fault == null) {
      deliver(delivery);
      return;
    }
    switch (fault) {
      case FAIL_BEFORE -> {
        fail();
        release(delivery);
      }
      case FAIL_AFTER -> {
        deliver(delivery);
        fail();
      }
      case KILL_BEFORE -> {} // it is dead
      case KILL_AFTER -> {
        deliver(delivery);
        injector.kill();
      }
      case NO_ANSWER -> // it is among the remains, unless its source takes it back
          delivery.settlement().lost().subscribe(v -> {}, e -> {}, () -> release(delivery));
    }
  }

  private void deliver(Delivery<byte[]> delivery) {
    FaultySettlement settlement = new FaultySettlement(delivery.settlement(), injector);
    settlement.follow();
    actual.onNext(delivery.with(LeakDetector.track(settlement, assembly)));
  }

  @Override
  public void onError(Throwable error) {
    if (!injector.isDead() && !over) {
      actual.onError(error);
    }
  }

  @Override
  public void onComplete() {
    if (!injector.isDead() && !over) {
      actual.onComplete();
    }
  }

  // == flow ==

  @Override
  public void request(long n) {
    if (injector.isDead() || over) {
      return;
    }
    Fault fault = injector.begin(Kind.REQUEST);
    if (fault == null) {
      upstream.request(n);
      return;
    }
    switch (fault) {
      case FAIL_BEFORE -> fail();
      case FAIL_AFTER -> {
        upstream.request(n);
        fail();
      }
      case KILL_BEFORE -> {} // it is dead
      case KILL_AFTER -> {
        injector.kill(); // first, or what the request brings would be delivered
        upstream.request(n);
      }
      case NO_ANSWER -> {} // it never arrives
    }
  }

  @Override
  public void cancel() {
    if (!injector.isDead()) {
      over = true;
      upstream.cancel();
    }
  }

  private void fail() {
    over = true;
    upstream.cancel();
    actual.onError(injector.failure());
  }

  private static void release(Delivery<byte[]> delivery) {
    delivery.settlement().settle(Outcome.release(Why.CANCELLED));
  }
}
