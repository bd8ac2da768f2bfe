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
package dev.sluice.delivery;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The handle that the leak detector watches: held by deliveries, children and guards, never by the
 * source, which holds the core. When the handle is unreachable, nobody is left to decide.
 */
final class TrackedSettlement implements Settlement {

  private final SettlementCore core;
  private final Cleaner.Cleanable watch;

  TrackedSettlement(SettlementCore core, Cleaner cleaner, LeakDetector.Watch watch) {
    this.core = core;
    this.watch = cleaner.register(this, watch);
  }

  @Override
  public boolean settle(Outcome outcome) {
    try {
      boolean decided = core.settle(outcome);
      watch.clean();
      return decided;
    } finally {
      Reference.reachabilityFence(this); // or the watch could report a leak while core.settle runs
    }
  }

  @Override
  public @Nullable Outcome outcome() {
    return core.outcome();
  }

  @Override
  public boolean isDone() {
    return core.isDone();
  }

  @Override
  public boolean isLost() {
    return core.isLost();
  }

  @Override
  public boolean isDoomed() {
    return core.isDoomed();
  }

  @Override
  public boolean isShared() {
    return core.isShared();
  }

  @Override
  public Mono<Void> durable() {
    return core.durable();
  }

  @Override
  public Mono<Void> lost() {
    return core.lost();
  }

  @Override
  public void onDone(Consumer<? super Outcome> listener) {
    core.onDone(listener);
  }

  @Override
  public String toString() {
    return core.toString();
  }
}
