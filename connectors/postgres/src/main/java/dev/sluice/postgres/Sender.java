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
package dev.sluice.postgres;

import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.R2dbcException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Sends messages, those that are sent at about the same time with one statement. A group always
 * goes through the same of several batchers, each of which has one batch under way: so the sends of
 * a group are committed in the order in which they were subscribed to.
 */
final class Sender {

  private static final int BATCH = 256;
  private static final int BATCH_BYTES = 4 << 20;
  private static final int PARALLEL = 4;

  /** Sends that wait for their batch; more fail at once, so that waiting stays bounded. */
  private static final int MOST_WAITING = 10_000;

  private static final Duration PATIENCE = Duration.ofMillis(1);

  private final String channel;
  private final Writing writing;
  private final Runnable sent;
  private final AtomicInteger waiting = new AtomicInteger();
  private final Batcher<PendingSend> open;
  private final List<Batcher<PendingSend>> grouped;

  /**
   * @param sent told after a batch has been committed
   */
  Sender(String channel, Writing writing, Scheduler timer, Runnable sent) {
    this.channel = channel;
    this.writing = writing;
    this.sent = sent;
    this.open = batcher(PARALLEL, timer);
    this.grouped = Stream.generate(() -> batcher(1, timer)).limit(PARALLEL).toList();
  }

  private Batcher<PendingSend> batcher(int parallel, Scheduler timer) {
    return new Batcher<>(
        BATCH, BATCH_BYTES, parallel, PATIENCE, timer, PendingSend::weight, this::flush);
  }

  Mono<Receipt> send(Message<byte[]> message) {
    return Mono.create(
        sink -> {
          PendingSend send = new PendingSend(message, sink);
          if (waiting.incrementAndGet() > MOST_WAITING) {
            waiting.decrementAndGet();
            send.failed(
                SendFailed.notSent(channel, "overloaded: " + MOST_WAITING + " sends wait", null));
            return;
          }
          String lane = send.lane;
          Batcher<PendingSend> batcher =
              lane == null ? open : grouped.get(Math.floorMod(lane.hashCode(), grouped.size()));
          batcher.add(send);
        });
  }

  /** How many wait for their batch. */
  int waiting() {
    return waiting.get();
  }

  private Mono<Void> flush(List<PendingSend> batch) {
    waiting.addAndGet(-batch.size());
    List<PendingSend> sends = batch.stream().filter(send -> !send.isCancelled()).toList();
    return sends.isEmpty() ? Mono.empty() : write(sends);
  }

  private Mono<Void> write(List<PendingSend> sends) {
    AtomicBoolean begun = new AtomicBoolean();
    Runnable begins = () -> begun.set(true);
    Mono<List<Long>> positions =
        sends.get(0).lane == null ? writing.open(sends, begins) : writing.grouped(sends, begins);
    return positions
        .doOnNext(
            ids -> {
              for (int i = 0; i < ids.size(); i++) {
                sends.get(i).sent(channel, ids.get(i));
              }
              sent.run();
            })
        .then()
        .onErrorResume(error -> failed(sends, error, begun.get()));
  }

  /** What PostgreSQL will not take must not cost its neighbours; their order is kept. */
  private Mono<Void> failed(List<PendingSend> sends, Throwable error, boolean begun) {
    if (sends.size() > 1 && isForGood(error)) {
      int half = sends.size() / 2;
      return write(sends.subList(0, half)).then(write(sends.subList(half, sends.size())));
    }
    sends.forEach(send -> send.failed(sendFailed(error, begun)));
    return Mono.empty();
  }

  private SendFailed sendFailed(Throwable error, boolean begun) {
    if (isForGood(error)) {
      return SendFailed.permanent(channel, "not taken", error);
    }
    return begun && !isUndone(error)
        ? SendFailed.unknown(channel, "no answer", error)
        : SendFailed.notSent(channel, "not taken", error);
  }

  private static boolean isForGood(Throwable error) {
    return error instanceof StoreFailed failed && !failed.isTemporary();
  }

  /** An answer of the server, which is alive: the statement was undone. */
  private static boolean isUndone(Throwable error) {
    @Nullable Throwable cause = error.getCause();
    String state = cause instanceof R2dbcException e ? e.getSqlState() : null;
    return state != null && !state.startsWith("08") && !state.startsWith("57P");
  }
}
