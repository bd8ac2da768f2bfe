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
package dev.sluice.docs;

import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

// #region operator
/** Lets an element pass when its key is another than that of the one before. */
final class FluxChanged<T> extends FluxOperator<T, T> {

  private final Function<? super T, ?> key;

  private FluxChanged(Flux<T> source, Function<? super T, ?> key) {
    super(source);
    this.key = key;
  }

  /** The door: what a user gives to {@code transform}. */
  static <T> Function<Flux<T>, Flux<T>> changed(Function<? super T, ?> key) {
    Objects.requireNonNull(key, "key"); // at assembly time
    return source -> onAssembly(new FluxChanged<>(source, key)); // checkpoints and hooks see it
  }

  @Override
  public void subscribe(CoreSubscriber<? super T> actual) {
    source.subscribe(new Main<>(actual, key)); // all state belongs to a subscription
  }

  @Override
  public @Nullable Object scanUnsafe(Attr attribute) {
    return attribute == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : super.scanUnsafe(attribute);
  }

  private static final class Main<T> implements CoreSubscriber<T>, Subscription, Scannable {

    /* Threads: the source signals serially; request and cancel come on any thread and go straight
     * to the source. Nothing is queued, so there is nothing to drain.
     *   I1  for each element that does not pass one more is asked for
     *   I2  each element is passed on, discarded or dropped: exactly one of these
     */
    private final CoreSubscriber<? super T> actual;
    private final Function<? super T, ?> key;
    private @Nullable Subscription s; // set in onSubscribe
    private @Nullable Object last; // the source's thread only
    private boolean done;
    private volatile boolean cancelled;

    Main(CoreSubscriber<? super T> actual, Function<? super T, ?> key) {
      this.actual = actual;
      this.key = key;
    }

    @Override
    public Context currentContext() {
      return actual.currentContext(); // or Context and discard hook are lost
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
        Operators.onNextDropped(element, currentContext());
        return;
      }
      Object now;
      try {
        now = Objects.requireNonNull(key.apply(element), "the key is null");
      } catch (Throwable e) { // a user's function: the source is cancelled, the hooks are run
        Throwable error = Operators.onOperatorError(s, e, element, currentContext());
        Operators.onDiscard(element, currentContext());
        onError(error);
        return;
      }
      if (now.equals(last)) {
        Operators.onDiscard(element, currentContext());
        request(1); // I1
      } else {
        last = now;
        actual.onNext(element);
      }
    }

    @Override
    public void onError(Throwable error) {
      if (done) {
        Operators.onErrorDropped(error, currentContext());
        return;
      }
      done = true;
      actual.onError(error);
    }

    @Override
    public void onComplete() {
      if (!done) {
        done = true;
        actual.onComplete();
      }
    }

    @Override
    public void request(long n) {
      Objects.requireNonNull(s).request(n);
    }

    @Override
    public void cancel() {
      cancelled = true;
      Objects.requireNonNull(s).cancel();
    }

    @Override
    public @Nullable Object scanUnsafe(Attr attribute) {
      if (attribute == Attr.PARENT) {
        return s;
      }
      if (attribute == Attr.ACTUAL) {
        return actual;
      }
      if (attribute == Attr.RUN_STYLE) {
        return Attr.RunStyle.SYNC;
      }
      if (attribute == Attr.CANCELLED) {
        return cancelled;
      }
      return attribute == Attr.TERMINATED ? done : null;
    }
  }
}
// #endregion
