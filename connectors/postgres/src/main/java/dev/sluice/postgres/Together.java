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
 * these.
 *
 * @param <Q> what is asked for
 * @param <A> what who asks is told; nothing is an answer as well
 */
final class Together<Q, A> {

  private static final int PARALLEL = 2;
  private static final int MOST_WAITING = 65_536;

  private record Ask<Q, A>(Q question, MonoSink<A> answer) {}

  private final Function<List<Q>, Mono<Map<Integer, A>>> all;
  private final Function<Q, Mono<A>> one;
  private final Batcher<Ask<Q, A>> batcher;
  private final AtomicInteger waiting = new AtomicInteger();

  /**
   * @param most how many go together, and how much they may weigh
   * @param all does what nobody else has locked, and tells by its place what has come of each
   * @param one does what was left out, however long it has to wait
   */
  Together(
      int most,
      int mostWeight,
      ToIntFunction<Q> weight,
      Function<List<Q>, Mono<Map<Integer, A>>> all,
      Function<Q, Mono<A>> one) {
    this.all = all;
    this.one = one;
    this.batcher =
        new Batcher<>(
            most,
            mostWeight,
            PARALLEL,
            Duration.ZERO,
            Schedulers.parallel(),
            ask -> weight.applyAsInt(ask.question()),
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
              batcher.add(new Ask<>(question, answer));
            })
        .publishOn(Schedulers.parallel());
  }

  /** Never fails: each hears of its own. */
  private Mono<Void> flush(List<Ask<Q, A>> asks) {
    waiting.addAndGet(-asks.size());
    return all.apply(asks.stream().map(Ask::question).toList())
        .doOnNext(answers -> answer(asks, answers))
        .then()
        .onErrorResume(
            error -> {
              failed(asks, error);
              return Mono.empty();
            });
  }

  private void answer(List<Ask<Q, A>> asks, Map<Integer, A> answers) {
    for (int i = 0; i < asks.size(); i++) {
      A answer = answers.get(i);
      if (answer == null) {
        alone(asks.get(i));
      } else {
        asks.get(i).answer().success(answer);
      }
    }
  }

  /** What cannot be done must not keep back what can. */
  private void failed(List<Ask<Q, A>> asks, Throwable error) {
    boolean temporary = error instanceof StoreFailed failure && failure.isTemporary();
    for (Ask<Q, A> ask : asks) {
      if (temporary || asks.size() == 1) {
        ask.answer().error(error);
      } else {
        alone(ask);
      }
    }
  }

  private void alone(Ask<Q, A> ask) {
    MonoSink<A> answer = ask.answer();
    one.apply(ask.question()).subscribe(answer::success, answer::error, answer::success);
  }
}
