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
import org.jspecify.annotations.Nullable;

/** A leg that is not over at once: its asks, and what is due for it. */
final class Call<T, R> extends Bulkhead.Waiter {

  /*
   * Threads: the drain of its gather only, but for granted().
   *
   * In the stack of its gather it means: to be started. Either it has just been selected, or its
   * retry is due, or its place in the bulkhead was granted; never two of them at once.
   */

  static final long NEVER = Long.MAX_VALUE;

  final GatherDrain<T, R> main;
  final Recipient<? super T, ? extends R> recipient;

  /** -1 until it is selected. */
  int index;

  int attempts;
  long startedAt = NEVER;
  long hedgeAt = NEVER;
  long retryAt = NEVER;
  @Nullable Ask<T, R> primary;
  @Nullable Ask<T, R> hedge;
  @Nullable Throwable error;
  boolean timedOut;

  /** Where it holds or awaits places; null without one. */
  @Nullable Bulkhead bulkhead;

  boolean waiting;

  /** It is in the stack, to be asked again without a wait. */
  boolean again;

  Call(GatherDrain<T, R> main, Recipient<? super T, ? extends R> recipient, int index) {
    this.main = main;
    this.recipient = recipient;
    this.index = index;
  }

  @Override
  void granted() {
    main.signal(this);
  }

  /** Whether nothing runs and nothing is to come. */
  boolean isIdle() {
    return primary == null && hedge == null && retryAt == NEVER && !waiting && !again;
  }

  /** When the next of its times is up. */
  long nextDue() {
    long due = Math.min(hedgeAt, retryAt);
    if (primary != null) {
      due = Math.min(due, primary.dueAt);
    }
    if (hedge != null) {
      due = Math.min(due, hedge.dueAt);
    }
    return due;
  }
}
