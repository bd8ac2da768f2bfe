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
package dev.sluice.demo.deadletters;

import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The last dead letters, the newest first, as the store had them a moment ago. Thread-safe. */
public final class DeadLetterLog implements SmartLifecycle {

  /** How many it keeps. */
  public static final int LAST = 20;

  private static final Duration EVERY = Duration.ofMillis(500);

  private static final Logger log = LoggerFactory.getLogger(DeadLetterLog.class);

  private final DeadLetters store;
  private final Disposable.Swap looking = Disposables.swap();
  private volatile List<DeadLetter> last = List.of();

  DeadLetterLog(DeadLetters store) {
    this.store = store;
  }

  /** The last {@value #LAST}, the newest first. */
  public List<DeadLetter> last() {
    return last;
  }

  @Override
  public void start() {
    looking.update(
        Flux.interval(Duration.ZERO, EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> look(), 1)
            .subscribe());
  }

  /** Asks the store. */
  Mono<Void> look() {
    return store
        .query(DeadLetterQuery.all().newestFirst().limit(LAST))
        .map(DeadLetter::of)
        .collectList()
        .doOnNext(newest -> last = List.copyOf(newest))
        .doOnError(
            failure -> log.warn("the dead letters cannot be asked for: {}", failure.getMessage()))
        .onErrorComplete()
        .then();
  }

  @Override
  public void stop() {
    looking.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = looking.get();
    return current != null && !current.isDisposed();
  }

  /** Before the pictures, which show it. */
  @Override
  public int getPhase() {
    return 200;
  }
}
