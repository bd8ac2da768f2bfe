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
package dev.sluice.routing;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Passes everything on, and gives each element to a line into the tap.
 *
 * @param <T> the elements
 * @param <V> what of an element the tap gets to see
 */
final class FluxTap<T, V> extends FluxOperator<T, T> {

  private final Function<T, V> view;
  private final Function<? super V, ? extends Publisher<?>> tap;
  private final WireTapSpec spec;

  private FluxTap(
      Flux<T> source,
      Function<T, V> view,
      Function<? super V, ? extends Publisher<?>> tap,
      WireTapSpec spec) {
    super(source);
    this.view = view;
    this.tap = tap;
    this.spec = spec;
  }

  static <T, V> Flux<T> create(
      Flux<T> source,
      Function<T, V> view,
      Function<? super V, ? extends Publisher<?>> tap,
      WireTapSpec spec) {
    return onAssembly(new FluxTap<>(source, view, tap, spec));
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> actual) {
    source.subscribe(
        new Passing<>(actual, view, new TapLine<>(tap, spec, actual.currentContext())));
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return "wireTap";
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : super.scanUnsafe(key);
  }

  /** Threads: the source signals serially; the subscriber cancels on any thread. */
  private static final class Passing<T, V> implements CoreSubscriber<T>, Subscription, Scannable {

    private final CoreSubscriber<? super T> actual;
    private final Function<T, V> view;
    private final TapLine<V> line;

    @SuppressWarnings("NullAway.Init") // set in onSubscribe, before anything else
    private Subscription s;

    private boolean done;
    private volatile boolean cancelled;

    Passing(CoreSubscriber<? super T> actual, Function<T, V> view, TapLine<V> line) {
      this.actual = actual;
      this.view = view;
      this.line = line;
    }

    @Override
    public Context currentContext() {
      return actual.currentContext();
    }

    @Override
    public void onSubscribe(Subscription s) {
      if (Operators.validate(this.s, s)) {
        this.s = s;
        actual.onSubscribe(this);
      }
    }

    @Override
    public void onNext(T element) {
      if (done) {
        Operators.onNextDropped(element, actual.currentContext());
        return;
      }
      line.offer(view.apply(element));
      actual.onNext(element);
    }

    @Override
    public void onError(Throwable error) {
      if (done) {
        Operators.onErrorDropped(error, actual.currentContext());
        return;
      }
      done = true;
      line.end();
      actual.onError(error);
    }

    @Override
    public void onComplete() {
      if (!done) {
        done = true;
        line.end();
        actual.onComplete();
      }
    }

    @Override
    public void request(long n) {
      s.request(n);
    }

    @Override
    public void cancel() {
      cancelled = true;
      s.cancel();
      line.end();
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.PARENT) {
        return s;
      }
      if (key == Attr.ACTUAL) {
        return actual;
      }
      if (key == Attr.TERMINATED) {
        return done;
      }
      if (key == Attr.CANCELLED) {
        return cancelled;
      }
      return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }
}
