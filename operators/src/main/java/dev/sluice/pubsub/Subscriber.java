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
package dev.sluice.pubsub;

import dev.sluice.message.Message;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;

/** One subscriber of a topic: what waits for it, and how it gets it on a worker of its own. */
abstract class Subscriber<T> implements Subscription, Runnable, Scannable {

  /*
   * Threads: publishers call take under the lock of the topic and wake afterwards; the subscriber
   * requests and cancels on any thread; run is the drain, on the worker, by whoever raised wip
   * from 0.
   *
   * requested   demand, added by the subscriber, subtracted by the drain
   * error       written before over is, read after it
   * over        the topic is closed, or the subscriber was disconnected: nothing more comes
   * cancelled   the subscriber, or the drain when it has signalled the end
   *
   * Invariants:
   *   I1  whoever changes something that the drain looks at wakes it afterwards
   *   I2  only the drain signals the subscriber, and nothing after a terminal signal
   *   I3  no code of the user runs under a lock
   */

  private static final Logger log = LoggerFactory.getLogger(Topic.class);

  final Topic<T> topic;
  final SubscriberSpec<T> spec;
  private final CoreSubscriber<? super Published<T>> actual;
  private final Scheduler.Worker worker;
  private final LongAdder lost = new LongAdder();

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Subscriber> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Subscriber.class, "wip");

  private volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<Subscriber> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(Subscriber.class, "requested");

  private volatile boolean over;
  private volatile boolean cancelled;
  private @Nullable Throwable error;

  Subscriber(Topic<T> topic, SubscriberSpec<T> spec, CoreSubscriber<? super Published<T>> actual) {
    this.topic = topic;
    this.spec = spec;
    this.actual = actual;
    this.worker = spec.scheduler().createWorker();
  }

  // == what waits ==

  /** What the subscriber makes of a message, before anything is locked: null to leave it out. */
  abstract @Nullable Admission look(Message<T> message);

  /** Lets a message in. Called under the lock of the topic; the result is run outside of it. */
  abstract @Nullable Runnable take(Published<T> published, Admission admission);

  /** The next message, or null. Called by the drain only. */
  abstract @Nullable Published<T> poll();

  /** The topic gives it what is published from this position on. */
  abstract void connected(long position);

  /** How many messages wait. */
  abstract long waiting();

  /** Drops what waits. */
  abstract void clear();

  /** What is known of a message that a subscriber wants. */
  record Admission(@Nullable Object key) {

    static final Admission WITHOUT_KEY = new Admission(null);
  }

  /** Whether the subscriber wants a message; not if that cannot be told. */
  final @Nullable Admission admission(Message<T> message) {
    try {
      if (!spec.wants(message)) {
        return null;
      }
      Object key = spec.keyOf(message);
      return key == null ? Admission.WITHOUT_KEY : new Admission(key);
    } catch (Throwable e) {
      Exceptions.throwIfJvmFatal(e);
      lost(1, listener -> listener.failed(message, e));
      return null;
    }
  }

  // == publisher side ==

  /** Whether nothing more is to be given to it. */
  final boolean isOver() {
    return over || cancelled;
  }

  /** Nothing more comes; what waits is still delivered. */
  final void complete() {
    over = true;
    wake();
  }

  /** Nothing more comes, and what waits is dropped. */
  final void disconnect(Throwable failure) {
    topic.remove(this);
    clear();
    error = failure;
    over = true;
    wake();
  }

  final void wake() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    try {
      worker.schedule(this);
    } catch (RejectedExecutionException e) {
      if (!cancelled) { // the scheduler was disposed of; the drain is ours, because it never runs
        cancel();
        actual.onError(Operators.onRejectedExecution(e, actual.currentContext()));
      }
    }
  }

  // == subscriber side ==

  @Override
  public final void request(long n) {
    if (Operators.validate(n)) {
      Operators.addCap(REQUESTED, this, n);
      wake();
    }
  }

  @Override
  public final void cancel() {
    cancelled = true;
    topic.remove(this);
    clear();
    worker.dispose();
  }

  // == drain ==

  @Override
  public final void run() {
    int missed = 1;
    do {
      long wanted = requested;
      long emitted = 0;
      while (!ended() && emitted != wanted) {
        boolean last = over; // read before it is found empty
        Published<T> next = poll();
        if (next == null) {
          if (last) {
            end();
          }
          break;
        }
        if (!cancelled) {
          actual.onNext(next);
          emitted++;
        }
      }
      if (emitted != 0 && wanted != Long.MAX_VALUE) {
        REQUESTED.addAndGet(this, -emitted);
      }
      if (over && !cancelled && emitted == wanted && waiting() == 0) {
        end();
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  /**
   * Whether there is nothing more to signal: cancelled, or disconnected, which is signalled now.
   */
  private boolean ended() {
    if (!cancelled && over && error != null) {
      end();
    }
    return cancelled;
  }

  private void end() {
    cancelled = true;
    topic.remove(this);
    if (error == null) {
      actual.onComplete();
    } else {
      actual.onError(error);
    }
    worker.dispose();
  }

  // == news ==

  /** Counts what the subscriber does not get. */
  final void lost(long messages, Consumer<SubscriberListener> news) {
    lost.add(messages);
    topic.lost.add(messages);
    try {
      news.accept(spec.listener());
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", spec.listener(), t);
    }
  }

  final long lost() {
    return lost.sum();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.TERMINATED) {
      return over;
    }
    if (key == Attr.LARGE_BUFFERED) {
      return waiting();
    }
    if (key == Attr.CAPACITY) {
      return spec.capacity();
    }
    if (key == Attr.NAME) {
      return spec.name();
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
  }
}
