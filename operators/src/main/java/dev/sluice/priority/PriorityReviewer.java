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
package dev.sluice.priority;

import dev.sluice.Experimental;
import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Inbound;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Looks at what waits in a channel again and again, to tell how much it is and for how long it has
 * waited, by priority: whether the least urgent still get their turn.
 *
 * <p>It sees at most the {@value BrowseQuery#MAX_LIMIT} oldest messages: while more wait, the
 * numbers are of those.
 */
@Experimental
public final class PriorityReviewer implements Metered, Disposable {

  private static final Logger log = LoggerFactory.getLogger(PriorityReviewer.class);
  private static final int PRIORITIES = 10;

  private final String channel;
  private final Disposable review;
  private volatile @Nullable Seen last;

  private PriorityReviewer(Inbound channel, Duration pollInterval, Scheduler timer) {
    this.channel = channel.info().name();
    this.review =
        Mono.defer(
                () ->
                    channel
                        .browse(BrowseQuery.all().limit(BrowseQuery.MAX_LIMIT))
                        .collect(
                            () -> new Seen(timer.now(TimeUnit.MILLISECONDS)),
                            (seen, waiting) -> seen.add(waiting.message())))
            .doOnNext(seen -> last = seen)
            .onErrorResume(
                error -> {
                  log.warn("what waits in {} could not be looked at", this.channel, error);
                  return Mono.empty();
                })
            .repeatWhen(looked -> looked.concatMap(n -> Mono.delay(pollInterval, timer), 1))
            .subscribe();
  }

  /**
   * Begins to look with the call; while the channel cannot be asked, which is logged, it tells what
   * it saw last.
   *
   * @param channel one with {@link Capability#BROWSE}
   * @param pollInterval how often it looks, more than zero
   * @param timer where the waiting is scheduled, and whose time is compared with when messages were
   *     {@linkplain Message#createdAt created}
   * @throws IllegalArgumentException if an argument is out of range, or the timer cannot do
   *     anything later
   */
  public static PriorityReviewer of(Inbound channel, Duration pollInterval, Scheduler timer) {
    Objects.requireNonNull(channel, "channel");
    Timers.require("timer", timer);
    Times.positive("pollInterval", pollInterval);
    if (!channel.info().can(Capability.BROWSE)) {
      throw new IllegalArgumentException(
          "channel: " + channel.info().name() + " (expected: one with " + Capability.BROWSE + ")");
    }
    return new PriorityReviewer(channel, pollInterval, timer);
  }

  /** What was seen at one moment, whole before anybody reads it. */
  private static final class Seen {

    private final long now;
    private final int[] messages = new int[PRIORITIES];
    private final long[] longest = new long[PRIORITIES];

    Seen(long now) {
      this.now = now;
    }

    void add(Message<?> message) {
      int priority = message.priority();
      messages[priority]++;
      longest[priority] = Math.max(longest[priority], now - message.createdAt().toEpochMilli());
    }
  }

  /**
   * Names them, each with the name of the channel and the priority as its tags: {@code
   * sluice.channel.waiting} and {@code sluice.channel.wait}, in seconds. NaN until it has seen any.
   */
  @Override
  public void meters(Meters meters) {
    Meters ours = meters.with("channel", channel);
    for (int i = 0; i < PRIORITIES; i++) {
      int priority = i;
      Meters ofPriority = ours.with("priority", Integer.toString(priority));
      ofPriority.gauge(
          "sluice.channel.waiting",
          "messages",
          "Messages of this priority that wait",
          () -> {
            Seen seen = last;
            return seen == null ? Double.NaN : seen.messages[priority];
          });
      ofPriority.gauge(
          "sluice.channel.wait",
          "seconds",
          "How long ago the oldest of them was created",
          () -> {
            Seen seen = last;
            return seen == null ? Double.NaN : seen.longest[priority] / 1e3;
          });
    }
  }

  /** Looks no more. */
  @Override
  public void dispose() {
    review.dispose();
  }

  @Override
  public boolean isDisposed() {
    return review.isDisposed();
  }
}
