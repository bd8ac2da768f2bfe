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

import dev.sluice.channel.Recipient;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The recipients of one request as they are selected. */
final class Selection<T, R>
    implements CoreSubscriber<Recipient<? super T, ? extends R>>, Scannable {

  /*
   * Threads: the signals are serialized by the publisher; cancel is the drain's.
   *
   * done     written last; error before it. Whoever reads done and then takes the stack has all
   * count    the publisher's own
   */

  private final GatherMain<T, R> main;
  private final int max;

  private volatile @Nullable Subscription s;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<Selection, Subscription> S =
      AtomicReferenceFieldUpdater.newUpdater(Selection.class, Subscription.class, "s");

  private volatile boolean done;
  private @Nullable Throwable error;
  private int count;

  Selection(GatherMain<T, R> main, int max) {
    this.main = main;
    this.max = max;
  }

  @Override
  public Context currentContext() {
    return main.askContext();
  }

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.setOnce(S, this, s)) {
      s.request(max + 1L); // one too many is told from the end
    }
  }

  @Override
  public void onNext(Recipient<? super T, ? extends R> recipient) {
    if (done) {
      Operators.onNextDropped(recipient, currentContext());
    } else if (++count > max) {
      cancel();
      onError(new IllegalStateException("recipients: more than " + max + " were selected"));
    } else {
      main.signal(new Call<>(main, recipient, -1));
    }
  }

  @Override
  public void onError(Throwable t) {
    if (done || main.isOver()) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    error = t;
    done = true;
    main.drain();
  }

  @Override
  public void onComplete() {
    if (!done) {
      done = true;
      main.drain();
    }
  }

  boolean isDone() {
    return done;
  }

  @Nullable Throwable error() {
    return error;
  }

  void cancel() {
    Operators.terminate(S, this);
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return main;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.TERMINATED) {
      return done;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}
