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
package dev.sluice.dispatch;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.scheduler.Scheduler;

/**
 * What the engine does with elements: the part in which its users differ. Every method is called
 * inside the drain, hence never concurrently for one subscription, and may throw only where it says
 * so.
 *
 * @param <T> the elements
 * @param <V> what workers emit
 * @param <R> what goes downstream
 */
public interface Work<T, V, R> {

  /**
   * The key whose elements run one after the other; null for an element without order. May throw.
   */
  @Nullable Object key(T element);

  /** Which of the lanes that want a slot gets one; null: the one that has waited longest. */
  default @Nullable ReadyOrder<? super T> order() {
    return null;
  }

  /**
   * What is asked before a worker starts; null: nobody. Called once for each subscription.
   *
   * @param timer where time is read
   */
  default @Nullable Gate gate(Scheduler timer) {
    return null;
  }

  /** The worker for the current element of the lane. May throw. */
  Publisher<? extends V> start(Lane<T> lane);

  /** What goes downstream for a value of the current element's worker. */
  R emit(Lane<T> lane, V value);

  /** The worker has completed and all its values have gone downstream. */
  Verdict completed(Lane<T> lane);

  /**
   * The worker has failed, could not be started, or was interrupted; or the lane was interrupted
   * while it was held; or the element's key, or its urgency, could not be told.
   *
   * @param once whether it must not run again: values of this run have gone downstream and would be
   *     repeated, or there is no key whose lane would keep its place, or no place to keep
   */
  Verdict failed(Lane<T> lane, Throwable error, boolean once);

  /**
   * The sequence is over while the current element's worker was running (it has been cancelled), or
   * while its lane was held or had failed.
   */
  void abandoned(Lane<T> lane);
}
