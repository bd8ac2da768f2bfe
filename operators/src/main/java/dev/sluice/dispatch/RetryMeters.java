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

import dev.sluice.Experimental;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.lang.ref.WeakReference;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/**
 * Counts what the steps of a flow try again and what they give up, by what has failed. One for each
 * run of a flow, told by all of its steps. Thread-safe.
 */
@Experimental
public final class RetryMeters implements Metered {

  /** Where a message waits for its next attempt. */
  public enum Where {
    /** Where it failed, by the error policy. */
    IN_PLACE,
    /** There too, for a longer while, because its channel cannot delay it. */
    HELD,
    /** At its channel, which delivers it again. */
    CHANNEL,
    /** In another channel, which was given to the retries for that. */
    ELSEWHERE
  }

  /** What has failed, as far as the exception tells. */
  private enum Reason {
    TIMEOUT,
    SEND,
    LEAK,
    ERROR,
    UNKNOWN;

    static Reason of(@Nullable Throwable cause) {
      if (cause == null) {
        return UNKNOWN;
      }
      Throwable failure = Exceptions.unwrap(cause);
      if (failure instanceof TimeoutException) {
        return TIMEOUT;
      }
      if (failure instanceof SendFailed) {
        return SEND;
      }
      return failure instanceof LeakedDelivery ? LEAK : ERROR;
    }
  }

  private final Map<Where, Map<Reason, LongAdder>> retries = new EnumMap<>(Where.class);
  private final Map<Reason, LongAdder> exhausted = byReason();
  private final List<Step> steps = new CopyOnWriteArrayList<>();

  /** Begins at zero. */
  public RetryMeters() {
    for (Where where : Where.values()) {
      retries.put(where, byReason());
    }
  }

  private static Map<Reason, LongAdder> byReason() {
    Map<Reason, LongAdder> counts = new EnumMap<>(Reason.class);
    for (Reason reason : Reason.values()) {
      counts.put(reason, new LongAdder());
    }
    return counts;
  }

  /** A message will be tried again. */
  public void retrying(Where where, @Nullable Throwable cause) {
    count(Objects.requireNonNull(retries.get(where)), cause);
  }

  /** A message will not be tried again, because its attempts are used up. */
  public void exhausted(@Nullable Throwable cause) {
    count(exhausted, cause);
  }

  private static void count(Map<Reason, LongAdder> counts, @Nullable Throwable cause) {
    Objects.requireNonNull(counts.get(Reason.of(cause))).increment();
  }

  /** What is told the gauges of each subscription of one more step in which messages wait. */
  public Consumer<LaneGauges> step() {
    Step step = new Step();
    steps.add(step);
    return gauges -> step.last = new WeakReference<>(gauges);
  }

  /** Held weakly: gauges know their subscription, and that its subscriber, who may be gone. */
  private static final class Step {

    private volatile WeakReference<LaneGauges> last = new WeakReference<>(null);

    int sleeping() {
      LaneGauges gauges = last.get();
      return gauges == null ? 0 : gauges.sleeping();
    }
  }

  private long waiting() {
    long waiting = 0;
    for (Step step : steps) {
      waiting += step.sleeping();
    }
    return waiting;
  }

  /**
   * Names them: {@code sluice.retries} by {@code where} and {@code reason}, {@code
   * sluice.retries.exhausted} by {@code reason}, and {@code sluice.retries.waiting}.
   */
  @Override
  public void meters(Meters meters) {
    retries.forEach(
        (where, counts) -> {
          Meters there = meters.with("where", name(where));
          counts.forEach(
              (reason, count) ->
                  there
                      .with("reason", name(reason))
                      .counter(
                          "sluice.retries",
                          "retries",
                          "Attempts that follow a failed one",
                          count::sum));
        });
    exhausted.forEach(
        (reason, count) ->
            meters
                .with("reason", name(reason))
                .counter(
                    "sluice.retries.exhausted",
                    "messages",
                    "Messages whose attempts are used up",
                    count::sum));
    meters.gauge(
        "sluice.retries.waiting",
        "messages",
        "Messages that wait in the flow for another attempt",
        this::waiting);
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
