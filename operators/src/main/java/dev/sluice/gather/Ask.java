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

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** One ask of one recipient: the first thing that it says counts. */
final class Ask<T, R> extends Signal implements CoreSubscriber<R>, Scannable {

  /*
   * Threads: the recipient's signals are serialized by the recipient; the rest is the drain's.
   *
   * state    OPEN, and then by CAS either TOLD, by the recipient, which then puts this into the
   *          stack of its gather; or LEFT, by the drain, which then cancels. So what the recipient
   *          says first is taken from the stack exactly once, or has never been in it
   * value,   written before TOLD, read by the drain after it has taken this from the stack; both
   * error    null: it ended empty
   * done     the recipient's own: it has ended
   */

  private static final int OPEN = 0;
  private static final int TOLD = 1;
  private static final int LEFT = 2;

  private final GatherTimer<T, R> main;

  /** Null for the fallback, which is nobody's leg. */
  final @Nullable Call<T, R> call;

  private final boolean single;

  /** When it has taken too long, on the clock of the gather. */
  long dueAt = Call.NEVER;

  private volatile @Nullable Subscription s;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<Ask, Subscription> S =
      AtomicReferenceFieldUpdater.newUpdater(Ask.class, Subscription.class, "s");

  private volatile int state;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Ask> STATE =
      AtomicIntegerFieldUpdater.newUpdater(Ask.class, "state");

  private @Nullable R value;
  private @Nullable Throwable error;
  private boolean done;

  /**
   * An ask that begins.
   *
   * @param single whether the recipient gives a Mono, which need not be cancelled after its value
   */
  Ask(GatherTimer<T, R> main, @Nullable Call<T, R> call, boolean single) {
    this.main = main;
    this.call = call;
    this.single = single;
  }

  @Override
  public Context currentContext() {
    return main.askContext();
  }

  // == recipient side ==

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.setOnce(S, this, s)) { // cancels it when the drain was quicker
      s.request(single ? Long.MAX_VALUE : 1);
    }
  }

  @Override
  public void onNext(R t) {
    if (done) {
      Operators.onNextDropped(t, currentContext());
      return;
    }
    if (state == OPEN) {
      value = t;
      if (STATE.compareAndSet(this, OPEN, TOLD)) {
        if (!single) {
          Operators.terminate(S, this);
        }
        main.signal(this);
        return;
      }
      value = null;
    }
    main.late(t, this);
  }

  @Override
  public void onError(Throwable t) {
    if (!done && state == OPEN) {
      done = true;
      error = t;
      if (STATE.compareAndSet(this, OPEN, TOLD)) {
        main.signal(this);
        return;
      }
    }
    done = true;
    Operators.onErrorDropped(t, currentContext());
  }

  @Override
  public void onComplete() {
    if (!done) {
      done = true;
      if (STATE.compareAndSet(this, OPEN, TOLD)) {
        main.signal(this);
      }
    }
  }

  // == drain side ==

  /**
   * Ends it from our side.
   *
   * @return false if the recipient was quicker: then this comes, or came, through the stack
   */
  boolean leave() {
    if (STATE.compareAndSet(this, OPEN, LEFT)) {
      Operators.terminate(S, this);
      return true;
    }
    return false;
  }

  @Nullable R value() {
    return value;
  }

  @Nullable Throwable error() {
    return error;
  }

  String recipient() {
    return call == null ? GatherMain.FALLBACK : call.recipient.name();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return main;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.PREFETCH) {
      return 1;
    }
    if (key == Attr.NAME) {
      return recipient();
    }
    if (key == Attr.TERMINATED) {
      return state == TOLD;
    }
    if (key == Attr.CANCELLED) {
      return state == LEFT;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}
