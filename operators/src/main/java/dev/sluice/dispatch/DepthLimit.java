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

import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** Follows the depth of a queue: up at once, down after a cool-down. */
final class DepthLimit extends Limit {

  /*
   * Threads: the depths come one after the other, on the timer or the thread of the channel that
   * answers.
   */

  private static final Logger log = LoggerFactory.getLogger(Concurrency.class);

  private final Concurrency.ByDepth options;
  private final Scheduler timer;
  private final Runnable risen;
  private final Disposable.Swap asking = Disposables.swap();

  private boolean shallower; // than the limit is good for, since:
  private long since;
  private int most; // that it was good for in that time

  DepthLimit(Concurrency.ByDepth options, Scheduler timer, Runnable risen) {
    super(options.min);
    this.options = options;
    this.timer = timer;
    this.risen = risen;
  }

  @Override
  void open() {
    asking.update(
        ask()
            .repeatWhen(answered -> answered.delayElements(options.pollInterval, timer))
            .subscribeOn(timer)
            .subscribe(this::seen));
  }

  @Override
  void close() {
    asking.dispose();
  }

  private Mono<Long> ask() {
    return Mono.<Long>defer(options.depth)
        .timeout(options.pollInterval, timer)
        .onErrorResume(
            error -> {
              log.debug("the depth is unknown; the concurrency stays {}", current(), error);
              return Mono.empty();
            });
  }

  private void seen(long depth) {
    int enough = enough(depth);
    if (enough >= current()) {
      shallower = false;
      if (enough > current()) {
        moveTo(enough);
        risen.run();
      }
      return;
    }
    long now = timer.now(TimeUnit.NANOSECONDS);
    if (!shallower) {
      shallower = true;
      since = now;
      most = enough;
    }
    most = Math.max(most, enough);
    if (now - since >= options.coolDown.toNanos()) {
      shallower = false;
      moveTo(most);
    }
  }

  private int enough(long depth) {
    long each = options.messagesPerWorker;
    long workers = depth <= 0 ? 0 : (depth - 1) / each + 1;
    return (int) Math.max(options.min, Math.min(options.max(), workers));
  }
}
