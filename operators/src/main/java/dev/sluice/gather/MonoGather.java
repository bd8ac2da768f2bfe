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
package dev.sluice.gather;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/**
 * Asks everybody and collects what comes back by when.
 *
 * <p>Hand-written, because a composition of merge, timeout and take has a timer for each leg and
 * forgets whose time was up; with hedges, retries and an early end each of them would be one more
 * operator around each leg.
 */
final class MonoGather<T, R> extends Mono<Gathered<R>> implements Scannable {

  private final ScatterGather<T, R> scatter;
  private final T request;

  private final ScatterGather.Door door;

  private MonoGather(ScatterGather<T, R> scatter, T request, ScatterGather.Door door) {
    this.scatter = scatter;
    this.door = door;
    this.request = Objects.requireNonNull(request, "request");
  }

  static <T, R> Mono<Gathered<R>> create(
      ScatterGather<T, R> scatter, T request, ScatterGather.Door door) {
    return onAssembly(new MonoGather<>(scatter, request, door));
  }

  @Override
  public void subscribe(CoreSubscriber<? super Gathered<R>> actual) {
    CollectMain<T, R> main = new CollectMain<>(actual, scatter, request, door);
    actual.onSubscribe(main);
    main.start();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return scatter.spec.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }

  /** Holds everything until the end. */
  static final class CollectMain<T, R> extends GatherMain<T, R> {

    private final CoreSubscriber<? super Gathered<R>> actual;

    CollectMain(
        CoreSubscriber<? super Gathered<R>> actual,
        ScatterGather<T, R> scatter,
        T request,
        ScatterGather.Door door) {
      super(actual, scatter, request, door);
      this.actual = actual;
    }

    @Override
    void emit() {
      Gathered<R> gathered = result;
      Throwable error = shortfall;
      if (gathered == null || (error == null && requested == 0)) {
        return;
      }
      over();
      forget(); // it is the subscriber's now, be it in the error
      if (error != null) {
        actual.onError(error);
      } else {
        actual.onNext(gathered);
        if (!isCancelled()) {
          actual.onComplete();
        }
      }
    }

    @Override
    boolean failsWhenIncomplete() {
      return spec.onIncomplete() == Incomplete.ERROR;
    }

    @Override
    void discardHeld() {
      Gathered<R> gathered = result;
      if (gathered == null) {
        discardLegs();
      } else {
        Operators.onDiscardMultiple(gathered.answers(), currentContext());
      }
      forget();
    }

    private void forget() {
      result = null;
      forgetLegs();
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.BUFFERED) {
        return isOver() ? 0 : responded();
      }
      return super.scanUnsafe(key);
    }
  }
}
