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

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Consumer;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.ContextView;

/** What one subscription has on its way into the tap. */
final class TapLine<T> {

  /*
   * Threads: offer is called by the source, one call at a time; end by whoever ends the
   * subscription, perhaps while offer runs; the taps run on the worker and end on any thread.
   *
   * state   bit 31 ENDED, below it the number of elements that wait for the worker or are tapped
   *
   * Invariants:
   *   I1  the number never exceeds the capacity, so neither does the queue of the worker
   *   I2  an element that is counted is uncounted once, when its tap has ended or was refused
   *   I3  the worker is disposed of once, by the one who makes the state ENDED with none left;
   *       nothing is given to it afterwards, because nothing is counted after ENDED
   */

  private static final Logger log = LoggerFactory.getLogger(WireTap.class);

  private static final int ENDED = 0x8000_0000;

  private final Function<? super T, ? extends Publisher<?>> tap;
  private final WireTapSpec spec;
  private final ContextView context;
  private final Scheduler.Worker worker;

  private volatile int state;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<TapLine> STATE =
      AtomicIntegerFieldUpdater.newUpdater(TapLine.class, "state");

  TapLine(Function<? super T, ? extends Publisher<?>> tap, WireTapSpec spec, ContextView context) {
    this.tap = tap;
    this.spec = spec;
    this.context = context;
    this.worker = worker(spec.scheduler());
  }

  private static Scheduler.Worker worker(Scheduler scheduler) {
    try {
      return scheduler.createWorker();
    } catch (RejectedExecutionException e) { // as it would say of each task
      return new Scheduler.Worker() {
        @Override
        public Disposable schedule(Runnable task) {
          throw e;
        }

        @Override
        public void dispose() {}
      };
    }
  }

  // == source side ==

  void offer(T element) {
    if (!admit()) {
      tell(listener -> listener.missed(element));
      return;
    }
    try {
      worker.schedule(() -> tap(element));
    } catch (RejectedExecutionException e) { // the scheduler was disposed of
      tell(listener -> listener.failed(element, e));
      release();
    }
  }

  /** No more elements. */
  void end() {
    if (STATE.getAndUpdate(this, s -> s | ENDED) == 0) {
      worker.dispose();
    }
  }

  private boolean admit() {
    for (; ; ) {
      int s = state;
      if (s < 0 || s >= spec.capacity()) {
        return false;
      }
      if (STATE.compareAndSet(this, s, s + 1)) {
        return true;
      }
    }
  }

  // == tap side ==

  private void tap(T element) {
    try {
      Mono.defer(() -> Flux.from(tap.apply(element)).then())
          .timeout(spec.timeout(), spec.scheduler())
          .onErrorStop()
          .contextWrite(context)
          .subscribe(
              nothing -> {},
              error -> {
                tell(listener -> listener.failed(element, Exceptions.unwrap(error)));
                release();
              },
              this::release);
    } catch (Throwable e) { // what Reactor calls fatal is thrown here; the source has to live on
      tell(listener -> listener.failed(element, e));
      release();
    }
  }

  private void release() {
    if (STATE.decrementAndGet(this) == ENDED) {
      worker.dispose();
    }
  }

  private void tell(Consumer<WireTapListener> news) {
    try {
      news.accept(spec.listener());
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", spec.listener(), t);
    }
  }
}
