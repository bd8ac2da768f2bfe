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
package dev.sluice.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;

/** Rounds come one after the other, when they are due and when they are asked for. */
class RoundsTest {

  private static final Logger LOG = LoggerFactory.getLogger(RoundsTest.class);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final AtomicInteger rounds = new AtomicInteger();

  private Rounds rounds(Mono<Boolean> work) {
    Rounds made =
        new Rounds(
            SECOND,
            nanos -> nanos,
            time,
            LOG,
            () -> Mono.defer(() -> work).doOnSubscribe(s -> rounds.incrementAndGet()));
    made.start();
    return made;
  }

  @Test
  void comeAtTheirPace() {
    rounds(Mono.just(false));
    assertThat(rounds).hasValue(1);
    time.advanceTimeBy(SECOND.multipliedBy(5));
    assertThat(rounds).hasValue(6);
  }

  @Test
  void areJitteredByAQuarter() {
    for (int i = 0; i < 1_000; i++) {
      assertThat(Rounds.jittered(1_000)).isBetween(750L, 1_250L);
    }
  }

  @Test
  void followAtOnceWhileThereIsMore() {
    AtomicInteger left = new AtomicInteger(100_000);
    rounds(Mono.fromSupplier(() -> left.decrementAndGet() > 0));
    assertThat(rounds).hasValue(100_000);
  }

  @Test
  void goOnWhenOneHasFailed() {
    rounds(Mono.error(new IllegalStateException("no")));
    time.advanceTimeBy(SECOND);
    assertThat(rounds).hasValue(2);
  }

  @Test
  void comeWhenTheyAreAskedFor() {
    Rounds made = rounds(Mono.just(false));
    made.wake();
    assertThat(rounds).hasValue(2);
    made.wake();
    assertThat(rounds).hasValue(3);
  }

  @Test
  void oneThatIsAskedForDuringARoundComesAfterIt() {
    Sinks.One<Boolean> end = Sinks.one();
    Rounds made = rounds(end.asMono());
    made.wake();
    made.wake();
    assertThat(rounds).hasValue(1);
    end.tryEmitValue(false);
    assertThat(rounds.get()).isEqualTo(2); // the sink replays, and nobody has asked since
  }

  @Test
  void stopWhenTheLastOneIsOver() {
    Sinks.One<Boolean> end = Sinks.one();
    Rounds made = rounds(end.asMono());
    AtomicBoolean stopped = new AtomicBoolean();
    made.stop().subscribe(nothing -> {}, error -> {}, () -> stopped.set(true));
    assertThat(stopped).isFalse();
    end.tryEmitValue(true);
    assertThat(stopped).isTrue();
    assertThat(rounds).hasValue(1);
    time.advanceTimeBy(SECOND.multipliedBy(5));
    made.wake();
    assertThat(rounds).hasValue(1);
  }

  @Test
  void stopDuringAPause() {
    Rounds made = rounds(Mono.just(false));
    AtomicBoolean stopped = new AtomicBoolean();
    made.stop().subscribe(nothing -> {}, error -> {}, () -> stopped.set(true));
    assertThat(stopped).isTrue();
  }

  /** Whatever is put there before a wake is seen by a round that begins after it. */
  @RepeatedTest(200)
  void noWakeIsMissed() {
    AtomicInteger there = new AtomicInteger();
    AtomicInteger seen = new AtomicInteger();
    Sinks.Empty<Void> all = Sinks.empty();
    Rounds made =
        new Rounds(
            Duration.ofDays(1),
            nanos -> nanos,
            Schedulers.parallel(),
            LOG,
            () ->
                Mono.fromSupplier(
                    () -> {
                      seen.set(there.get());
                      if (seen.get() == 2) {
                        all.tryEmitEmpty();
                      }
                      return false;
                    }));
    made.start();
    Runnable put =
        () -> {
          there.incrementAndGet();
          made.wake();
        };
    RaceTestUtils.race(put, put);
    all.asMono().block(Duration.ofSeconds(30));
    made.stop().block(Duration.ofSeconds(30));
  }
}
