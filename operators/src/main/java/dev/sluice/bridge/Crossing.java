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
package dev.sluice.bridge;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.message.Message;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

/** A message on its way over a bridge, from the first send to the one that is confirmed. */
final class Crossing {

  /*
   * Threads: its lane runs one send after the other, so what one leaves behind the next one sees.
   */

  private static final long NEVER = -1;

  /**
   * What the crossings of a bridge have in common.
   *
   * @param turns gives numbers that grow
   */
  record Road(Outbound<byte[]> target, ErrorClassifier classifier, Tally tally, AtomicLong turns) {}

  /** What has become of the sends of a bridge. */
  static final class Tally {

    private final LongAdder confirmed = new LongAdder();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong clean = new AtomicLong();
    private final Rate rate;

    Tally(Rate rate) {
      this.rate = rate;
    }

    /** How many have been confirmed. */
    long confirmed() {
      return confirmed.sum();
    }
  }

  private final Road road;
  private final Message<byte[]> message;
  private final @Nullable Object lane;
  private final @Nullable Line line;
  private long turn; // of those that wait the one with the lowest goes next
  private long began; // how many sends had failed then
  private long failedAt = NEVER; // how many sends had been clean when it failed last

  /**
   * A crossing.
   *
   * @param message as it goes on
   * @param lane those of one lane cross one after the other; null: many at once
   * @param line what sends stand in, one behind the other; null if each stands for itself
   */
  Crossing(Road road, Message<byte[]> message, @Nullable Object lane, @Nullable Line line) {
    this.road = road;
    this.message = message;
    this.lane = lane;
    this.line = line;
    this.turn = road.turns().incrementAndGet();
  }

  long turn() {
    return turn;
  }

  @Nullable Object lane() {
    return lane;
  }

  /** Sends it; fails with {@link TargetAway} unless the failure is its own. */
  Mono<Receipt> send() {
    Mono<Receipt> alone =
        Mono.defer(
                () -> {
                  began = road.tally().failed.get();
                  return Objects.requireNonNull(
                      road.target().send(message), "the target gave null");
                })
            .switchIfEmpty(
                Mono.error(
                    () ->
                        SendFailed.unknown(
                            road.target().name(), "completed without a receipt", null)))
            .doOnNext(receipt -> confirmed())
            .onErrorMap(this::judge);
    return line == null ? alone : line.behind(alone);
  }

  /** It is clean if none has failed while it was on its way: that is, it proves something. */
  private void confirmed() {
    Tally tally = road.tally();
    tally.confirmed.increment();
    tally.rate.add();
    if (tally.failed.get() == began) {
      tally.clean.incrementAndGet();
    }
  }

  /**
   * It has had its turn, so that every message that waits is a probe before this one is it again. A
   * failure that may pass is that of the target, unless others have begun and got through since
   * this one failed before.
   */
  private Throwable judge(Throwable thrown) {
    Throwable error = Exceptions.unwrap(thrown);
    if (road.classifier().classify(error) != ErrorClassifier.Kind.TRANSIENT) {
      return error;
    }
    road.tally().failed.incrementAndGet();
    if (line != null) {
      return new TargetAway(error); // it keeps its turn, and no others can get through
    }
    turn = road.turns().incrementAndGet();
    long before = failedAt;
    failedAt = road.tally().clean.get();
    return before == NEVER || failedAt == before ? new TargetAway(error) : error;
  }

  /** Shows no payload. */
  @Override
  public String toString() {
    return "Crossing[" + message + ']';
  }
}
