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
package dev.sluice.requestreply;

import dev.sluice.message.Message;
import java.util.Queue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;

/** One request that waits: what comes back goes to its subscriber, in order, until the end. */
final class Pending<A> implements Subscription, Scannable {

  /*
   * Threads: replied() is called by the reply channel, one reply at a time; expire() by the timer,
   * fail() by the sender, the timer or who stops the requester; request() and cancel() by the
   * subscriber.
   *
   * end      null while replies are awaited; then, by one CAS, how that ended: OVER, CANCELLED or
   *          an error. Who wins takes this out of the table, and ends the timer and the send
   * queue    answers that were not emitted. Offered to by replied() alone, polled by the drain
   * buffered their number, at most maxBuffered, raised before the offer
   * next     the number of the reply that comes next; replied() only
   *
   * I1 nothing is emitted after a terminal signal or a cancel: only the drain emits, and finished
   *    is its own.
   * I2 every answer has one fate: emitted, or discarded. What replied() offers although the end was
   *    quicker is discarded by the drain that it then calls; the drain leaves wip at 0 for that.
   */

  private static final Object OVER = "over";
  private static final Object CANCELLED = "cancelled";

  private final CoreSubscriber<? super A> actual;
  private final Requester<A> requester;
  private final Message<?> request;
  private final String replier;
  private final Disposable.Composite effort = Disposables.composite();
  private final Queue<A> queue = Queues.<A>unbounded(8).get();
  private long next;
  private boolean finished; // drain only
  private volatile @Nullable Throwable sendFailure;

  private volatile @Nullable Object end;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<Pending, Object> END =
      AtomicReferenceFieldUpdater.newUpdater(Pending.class, Object.class, "end");

  private volatile boolean cancelled;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int buffered;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Pending> BUFFERED =
      AtomicIntegerFieldUpdater.newUpdater(Pending.class, "buffered");

  private volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<Pending> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(Pending.class, "requested");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Pending> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Pending.class, "wip");

  Pending(
      CoreSubscriber<? super A> actual,
      Requester<A> requester,
      Message<?> request,
      String replier) {
    this.actual = actual;
    this.requester = requester;
    this.request = request;
    this.replier = replier;
  }

  String id() {
    return request.id();
  }

  /** What is to be disposed of when the waiting ends; at once if it has ended. */
  void effort(Disposable part) {
    effort.add(part);
  }

  boolean isOpen() {
    return end == null;
  }

  // == reply channel ==

  /** A reply has come. */
  void replied(Message<byte[]> reply) {
    ReplyMarks.What what = ReplyMarks.whatOf(reply);
    long number = ReplyMarks.numberOf(reply);
    if (number >= 0 && number < next) {
      requester.duplicate(); // the request was answered again, with the same replies
    } else if (what == null || number != next) {
      fail(
          new IllegalStateException(
              describe()
                  + (what == null
                      ? ": a reply of a kind that is not known"
                      : ": reply " + number + " (expected: " + next + ", none lost, in order)")));
    } else if (what == ReplyMarks.What.ERROR) {
      fail(new RequestFailed(replier, ReplyMarks.refusalOf(reply)));
    } else if (what == ReplyMarks.What.END) {
      end(OVER);
    } else {
      next++;
      answered(reply, what == ReplyMarks.What.LAST);
    }
  }

  private void answered(Message<byte[]> reply, boolean last) {
    A answer;
    try {
      answer = requester.decode(reply);
    } catch (Throwable e) {
      fail(e);
      return;
    }
    if (BUFFERED.incrementAndGet(this) > requester.spec.maxBuffered()) {
      BUFFERED.decrementAndGet(this);
      Operators.onDiscard(answer, actual.currentContext());
      fail(
          Exceptions.failWithOverflow(
              describe() + ": " + requester.spec.maxBuffered() + " answers wait, not one more"));
      return;
    }
    queue.offer(answer);
    if (!last || !end(OVER)) {
      drain();
    }
  }

  // == timer, sender, stop ==

  /** The time is up. */
  void expire() {
    TimeoutException late =
        new TimeoutException(
            describe() + ": no end of its replies within " + requester.spec.timeout());
    Throwable unsent = sendFailure;
    if (unsent != null) {
      late.initCause(unsent);
    }
    if (fail(late)) {
      requester.timedOut();
    }
  }

  /** The send has failed, but the request may have arrived: its replies will tell. */
  void inDoubt(Throwable failure) {
    sendFailure = failure;
  }

  boolean fail(Throwable failure) {
    return end(failure);
  }

  private boolean end(Object how) {
    if (!END.compareAndSet(this, null, how)) {
      return false;
    }
    requester.remove(this);
    effort.dispose();
    drain();
    return true;
  }

  // == subscriber ==

  @Override
  public void request(long n) {
    if (Operators.validate(n)) {
      Operators.addCap(REQUESTED, this, n);
      drain();
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
    if (!end(CANCELLED)) {
      drain();
    }
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      if (!finished) {
        emit();
      }
      if (cancelled || finished) {
        Operators.onDiscardQueueWithClear(queue, actual.currentContext(), null);
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void emit() {
    long asked = requested;
    long emitted = 0;
    while (!cancelled) {
      Object how = end; // before the queue is looked at
      boolean empty = queue.isEmpty();
      if (how != null && empty) {
        finished = true;
        if (how instanceof Throwable failure) {
          actual.onError(failure);
        } else {
          actual.onComplete();
        }
        return;
      }
      if (empty || emitted == asked) {
        break;
      }
      A answer = queue.poll();
      if (answer != null) {
        BUFFERED.decrementAndGet(this);
        emitted++;
        actual.onNext(answer);
      }
    }
    if (emitted != 0) {
      Operators.produced(REQUESTED, this, emitted);
    }
  }

  private String describe() {
    return "request " + request.id() + " to " + replier;
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.BUFFERED) {
      return buffered;
    }
    if (key == Attr.CAPACITY) {
      return requester.spec.maxBuffered();
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.TERMINATED) {
      return end != null && !cancelled;
    }
    if (key == Attr.ERROR) {
      return end instanceof Throwable failure ? failure : null;
    }
    if (key == Attr.NAME) {
      return replier;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.ASYNC;
    }
    return null;
  }
}
