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
import reactor.core.Disposable;

/**
 * The elements of one key: the current one, and those that wait behind it. Exists only while there
 * is a current one.
 *
 * @param <T> the elements
 */
public final class Lane<T> extends Signal {

  /*
   * Everything is written and read inside the drain, except finished: written by the thread that
   * calls finish, before it pushes the lane to the signals, and read after the lane was taken.
   */

  enum State {
    /** In the queue of lanes that want a slot. */
    READY,
    /** Its worker holds a slot. */
    RUNNING,
    /** No slot, a timer will wake it. */
    SLEEPING,
    /** No slot, waits for {@link #finish}. */
    HELD
  }

  private final DispatchMain<T, ?, ?> main;
  final int number; // its hash when its element has no key

  // == bookkeeping of LaneTable ==
  @Nullable Object key;
  int hash;
  boolean listed; // it is in the table
  @Nullable Lane<T> nextInBucket;

  // == bookkeeping of LaneQueue ==
  @Nullable Lane<T> nextInQueue;

  // == bookkeeping of ElementSlab ==
  int firstWaiting = ElementSlab.NONE;
  int lastWaiting = ElementSlab.NONE;

  State state = State.READY;
  int run; // another one in each run of a worker, and after the end of each element
  @Nullable T element;
  int attempt;
  @Nullable Object attachment;
  @Nullable WorkerInner<T, ?, ?> inner;
  @Nullable Disposable timer;
  @Nullable Verdict finished;
  long began; // when its worker did, if somebody asks
  boolean working; // its worker was called, and nobody was told yet how that ended

  // == bookkeeping of LaneHeap ==
  long place; // 0: the element has none yet
  long due;
  @Nullable Throwable disorder; // why the element could not be compared

  Lane(DispatchMain<T, ?, ?> main, int number) {
    this.main = main;
    this.number = number;
    this.hash = number;
  }

  // Writing a reference costs more than looking at it, and mostly there is nothing to forget.

  void forgetRun() {
    if (attachment != null) {
      attachment = null;
    }
    if (finished != null) {
      finished = null;
    }
  }

  void forgetKey() {
    if (key != null) {
      key = null;
      hash = number;
    }
  }

  /** The current element. */
  @SuppressWarnings("NullAway") // a lane that user code can see has one
  public T element() {
    return element;
  }

  /** Which run of the current element this is, from 1. */
  public int attempt() {
    return attempt;
  }

  /** What was attached in this run of the current element, or null. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /** Keeps something for this run of the current element. Inside {@link Work} only. */
  public void attach(Object attachment) {
    this.attachment = attachment;
  }

  /** Which run of a worker this is, never the same again in this lane. Inside {@link Work} only. */
  public int run() {
    return run;
  }

  /**
   * No worker was called in this run: it took no time, and says nothing of how workers fare. Inside
   * {@link Work#start} only.
   */
  public void skipWorker() {
    working = false;
  }

  /**
   * Ends a run from outside: its worker is cancelled if it has not terminated, and {@link
   * Work#failed} decides what becomes of the element; also when the lane is held after that run.
   * Any thread, any number of times; without effect when the lane has gone on.
   *
   * @param run what {@link #run()} was in that run
   */
  public void interrupt(int run, Throwable cause) {
    main.signal(new Interruption<>(this, run, cause, true));
  }

  /**
   * Ends a {@link Verdict#HOLD}. Any thread, exactly once for each hold; it may come before the
   * method that returns the hold has returned.
   */
  public void finish(Verdict verdict) {
    finished = verdict;
    main.signal(this);
  }
}
