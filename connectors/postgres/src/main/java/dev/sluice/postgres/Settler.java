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

import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Carries out what was decided, many decisions with one statement.
 *
 * <p>When the answer to a statement is lost, nobody knows whether it has taken effect. It is asked
 * for again, which is harmless, because each move holds only while the claim is there and where it
 * was; and a move that does not hold any more has taken effect at the first time, provided that
 * nobody else can have claimed the message since.
 */
final class Settler {

  private static final Logger log = LoggerFactory.getLogger(Settler.class);

  private static final int BATCH = 128;
  private static final int PARALLEL = 2;
  private static final Duration PATIENCE = Duration.ofMillis(2);
  private static final Duration PAUSE = Duration.ofMillis(50);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  /** A move, and who hears whether it took effect: false if the message was not ours any more. */
  private static final class Order<M> {
    final Claimed claimed;
    final M move;
    final Consumer<Boolean> answer;
    boolean asked;

    Order(Claimed claimed, M move, Consumer<Boolean> answer) {
      this.claimed = claimed;
      this.move = move;
      this.answer = answer;
    }
  }

  private final Consumer<Throwable> failed;
  private final Batcher<Order<OpenSettle.Move>> consumed;
  private final Batcher<Order<OpenSettle.Move>> givenBack;
  private final Batcher<Order<LaneSettle.Move>> moved;
  private volatile boolean abandoned;

  /**
   * @param failed hears of an error that will not pass; what it hit is answered with false
   */
  Settler(PostgresDatabase database, String queue, Consumer<Throwable> failed) {
    this.failed = failed;
    OpenSettle open = new OpenSettle(database, queue);
    LaneSettle lanes = new LaneSettle(database, queue);
    this.consumed = batcher(open::consume);
    this.givenBack = batcher(open::giveBack);
    this.moved = batcher(lanes::move);
  }

  private <M> Batcher<Order<M>> batcher(Function<List<M>, Mono<Set<Long>>> statement) {
    return new Batcher<>(
        BATCH,
        Integer.MAX_VALUE,
        PARALLEL,
        PATIENCE,
        Schedulers.parallel(),
        order -> 0,
        orders -> carryOut(orders, statement));
  }

  void settle(OpenSettle.Move move, Consumer<Boolean> answer) {
    (move.consumes() ? consumed : givenBack).add(new Order<>(move.open(), move, answer));
  }

  void settle(LaneSettle.Move move, Consumer<Boolean> answer) {
    moved.add(new Order<>(move.lane(), move, answer));
  }

  /** No more decisions are to be expected soon. */
  void hurry() {
    consumed.hurry();
    givenBack.hurry();
    moved.hurry();
  }

  /** Does not try again from now on. */
  void abandon() {
    abandoned = true;
    hurry();
  }

  private <M> Mono<Void> carryOut(
      List<Order<M>> orders, Function<List<M>, Mono<Set<Long>>> statement) {
    List<M> moves = orders.stream().map(order -> order.move).toList();
    return Mono.defer(() -> statement.apply(moves))
        .doOnNext(ours -> answer(orders, ours))
        .doOnError(error -> orders.forEach(order -> order.asked = true))
        .retryWhen(
            Retry.backoff(Long.MAX_VALUE, PAUSE)
                .maxBackoff(LONGEST_PAUSE)
                .filter(error -> !abandoned && isTemporary(error))
                .doBeforeRetry(
                    signal -> {
                      if (signal.totalRetries() == 0) {
                        log.warn(
                            "{} decisions cannot be settled; trying until they can",
                            orders.size(),
                            signal.failure());
                      }
                    }))
        .then()
        .onErrorResume(
            error -> {
              if (!isTemporary(error)) {
                failed.accept(error);
              }
              orders.forEach(order -> order.answer.accept(false));
              return Mono.empty();
            });
  }

  private static <M> void answer(List<Order<M>> orders, Set<Long> ours) {
    for (Order<M> order : orders) {
      boolean tookEffectBefore = order.asked && order.claimed.isCertain();
      order.answer.accept(ours.contains(order.claimed.claim) || tookEffectBefore);
    }
  }

  private static boolean isTemporary(Throwable error) {
    return error instanceof StoreFailed failed && failed.isTemporary();
  }
}
