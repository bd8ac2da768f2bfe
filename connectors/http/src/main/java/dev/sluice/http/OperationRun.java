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
package dev.sluice.http;

import dev.sluice.store.Content;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore.Run;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** An operation that is worked on, as the work sees it. */
public final class OperationRun {

  private final Run run;
  private final AtomicReference<@Nullable Progress> progress = new AtomicReference<>();

  OperationRun(Run run) {
    this.run = run;
  }

  /**
   * The id of the operation, the same in every attempt: the idempotency key for whatever the work
   * calls.
   */
  public String id() {
    return run.id();
  }

  /** Who has asked for it. */
  public String caller() {
    return run.caller();
  }

  /** What was asked for. */
  public Content request() {
    return run.request();
  }

  /**
   * Which attempt this is, 1 or more: an earlier one may have done part of the work, or all of it,
   * before its instance died.
   */
  public int attempt() {
    return run.attempt();
  }

  /**
   * Says how far the work is. Does not wait for anything: the latest of several goes to the store,
   * up to twice a second.
   *
   * @param percent 0..100
   * @param note for people, at most {@value Progress#MAX_NOTE} characters; empty for none
   * @throws IllegalArgumentException if one is out of range
   */
  public void progress(int percent, String note) {
    progress.set(new Progress(percent, note));
  }

  /** What was said since the last time; null if nothing was. */
  @Nullable Progress takeProgress() {
    return progress.getAndSet(null);
  }

  /** It did not reach the store; what was said since then is newer. */
  void giveBack(Progress unsaid) {
    progress.compareAndSet(null, unsaid);
  }

  Run run() {
    return run;
  }

  @Override
  public String toString() {
    return run.kind() + ' ' + run.id() + ", attempt " + run.attempt();
  }
}
