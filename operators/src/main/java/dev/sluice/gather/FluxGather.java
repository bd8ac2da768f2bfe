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

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/** Asks everybody and gives on what comes back as it comes. */
final class FluxGather<T, R> extends Flux<Leg<R>> implements Scannable {

  private final ScatterGather<T, R> scatter;
  private final T request;

  private FluxGather(ScatterGather<T, R> scatter, T request) {
    this.scatter = scatter;
    this.request = Objects.requireNonNull(request, "request");
  }

  static <T, R> Flux<Leg<R>> create(ScatterGather<T, R> scatter, T request) {
    return onAssembly(new FluxGather<>(scatter, request));
  }

  @Override
  public void subscribe(CoreSubscriber<? super Leg<R>> actual) {
    StreamMain<T, R> main = new StreamMain<>(actual, scatter, request);
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

  /** Holds the legs that were not asked for yet. */
  static final class StreamMain<T, R> extends GatherMain<T, R> {

    private final CoreSubscriber<? super Leg<R>> actual;
    private final Queue<Leg<R>> ended = new ArrayDeque<>(); // drain only
    private long emitted; // drain only

    StreamMain(CoreSubscriber<? super Leg<R>> actual, ScatterGather<T, R> scatter, T request) {
      super(actual, scatter, request, ScatterGather.Door.ALONE);
      this.actual = actual;
    }

    @Override
    void legEnded(Leg<R> leg) {
      ended.add(leg);
    }

    @Override
    void emit() {
      while (emitted != requested && !isOver()) {
        Leg<R> leg = ended.poll();
        if (leg == null) {
          break;
        }
        emitted++;
        actual.onNext(leg);
      }
      if (result != null && ended.isEmpty() && !isOver()) {
        over();
        Throwable error = shortfall;
        if (error == null) {
          actual.onComplete();
        } else {
          actual.onError(error);
        }
      }
    }

    @Override
    boolean failsWhenIncomplete() {
      return true; // a stream that just ends looks complete
    }

    @Override
    void discardHeld() {
      for (Leg<R> leg = ended.poll(); leg != null; leg = ended.poll()) {
        Operators.onDiscard(leg.answer(), currentContext());
      }
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.BUFFERED) {
        return ended.size();
      }
      return super.scanUnsafe(key);
    }
  }
}
