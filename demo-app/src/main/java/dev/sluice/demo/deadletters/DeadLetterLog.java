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
import java.util.ArrayList;
import java.util.Collections;
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
  private static final String NONE = "0";

  private static final Logger log = LoggerFactory.getLogger(DeadLetterLog.class);

  private final DeadLetters store;
  private final Disposable.Swap looking = Disposables.swap();
  private volatile List<DeadLetter> last = List.of();
  private String before = NONE; // the letter behind which the last ones are; of the looking thread

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
        .query(DeadLetterQuery.all().after(before).limit(DeadLetterQuery.MAX_LIMIT))
        .collectList()
        .doOnNext(this::take)
        .doOnError(
            failure -> log.warn("the dead letters cannot be asked for: {}", failure.getMessage()))
        .onErrorComplete()
        .then();
  }

  /** The store gives the oldest first: those before the last ones need not be asked for again. */
  private void take(List<dev.sluice.store.DeadLetter> found) {
    int left = found.size() - LAST;
    if (left > 0) {
      before = found.get(left - 1).id();
    } else if (left < 0 && !before.equals(NONE)) {
      before = NONE; // some have gone: next time older ones are shown again
    }
    List<DeadLetter> newest = new ArrayList<>(LAST);
    found.subList(Math.max(0, left), found.size()).forEach(l -> newest.add(DeadLetter.of(l)));
    Collections.reverse(newest);
    last = List.copyOf(newest);
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
