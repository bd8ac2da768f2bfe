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
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/**
 * Lets many share the price of a commit: one is under way, or two, and what is asked for meanwhile
 * is the next. So who is alone waits for nobody. What others have locked is left out of it and
 * waits for itself, so that neither those that it was asked with wait too, nor those that wait for
 * these. At most {@value #MOST_WAITING} wait for their turn; one more is refused.
 *
 * @param <Q> what is asked for
 * @param <A> what who asks is told; nothing is an answer as well
 */
final class Together<Q, A> {

  private static final int PARALLEL = 2;
  private static final int MOST_WAITING = 65_536;

  private static final class Ask<Q, A> {
    final Q question;
    final MonoSink<A> answer;
    volatile boolean cancelled; // set by who asks, read when its turn comes

    Ask(Q question, MonoSink<A> answer) {
      this.question = question;
      this.answer = answer;
    }
  }

  private final Function<List<Q>, Mono<Map<Integer, A>>> all;
  private final Function<Q, Mono<A>> one;
  private final boolean onlyWanted;
  private final Batcher<Ask<Q, A>> batcher;
  private final AtomicInteger waiting = new AtomicInteger();

  /**
   * @param most how many go together, and how much they may weigh
   * @param all does what nobody else has locked, and tells by its place what has come of each
   * @param one does what was left out, however long it has to wait
   * @param onlyWanted whether what is cancelled before its turn comes is not done at all; what is
   *     cancelled later is done all the same
   */
  Together(
      int most,
      int mostWeight,
      ToIntFunction<Q> weight,
      Function<List<Q>, Mono<Map<Integer, A>>> all,
      Function<Q, Mono<A>> one,
      boolean onlyWanted) {
    this.all = all;
    this.one = one;
    this.onlyWanted = onlyWanted;
    this.batcher =
        new Batcher<>(
            most,
            mostWeight,
            PARALLEL,
            Duration.ZERO,
            Schedulers.parallel(),
            ask -> weight.applyAsInt(ask.question),
            this::flush);
  }

  /** Whoever is told goes on elsewhere: the others of its batch do not wait for that. */
  Mono<A> ask(Q question) {
    return Mono.<A>create(
            answer -> {
              if (waiting.incrementAndGet() > MOST_WAITING) {
                waiting.decrementAndGet();
                answer.error(
                    StoreFailed.temporary(
                        "PostgreSQL", "overloaded: " + MOST_WAITING + " wait already", null));
                return;
              }
              Ask<Q, A> ask = new Ask<>(question, answer);
              answer.onCancel(() -> ask.cancelled = true);
              batcher.add(ask);
            })
        .publishOn(Schedulers.parallel());
  }

  /** How many wait for their turn. */
  int waiting() {
    return waiting.get();
  }

  /** Never fails: each hears of its own. */
  private Mono<Void> flush(List<Ask<Q, A>> batch) {
    waiting.addAndGet(-batch.size());
    List<Ask<Q, A>> asks = batch.stream().filter(this::isWanted).toList();
    if (asks.isEmpty()) {
      return Mono.empty();
    }
    return all.apply(asks.stream().map(ask -> ask.question).toList())
        .doOnNext(answers -> answer(asks, answers))
        .then()
        .onErrorResume(
            error -> {
              failed(asks, error);
              return Mono.empty();
            });
  }

  private boolean isWanted(Ask<Q, A> ask) {
    return !(onlyWanted && ask.cancelled);
  }

  private void answer(List<Ask<Q, A>> asks, Map<Integer, A> answers) {
    for (int i = 0; i < asks.size(); i++) {
      A answer = answers.get(i);
      if (answer == null) {
        alone(asks.get(i));
      } else {
        asks.get(i).answer.success(answer);
      }
    }
  }

  /** What cannot be done must not keep back what can. */
  private void failed(List<Ask<Q, A>> asks, Throwable error) {
    boolean temporary = error instanceof StoreFailed failure && failure.isTemporary();
    for (Ask<Q, A> ask : asks) {
      if (temporary || asks.size() == 1) {
        ask.answer.error(error);
      } else {
        alone(ask);
      }
    }
  }

  private void alone(Ask<Q, A> ask) {
    if (!isWanted(ask)) {
      return;
    }
    MonoSink<A> answer = ask.answer;
    one.apply(ask.question).subscribe(answer::success, answer::error, answer::success);
  }
}
