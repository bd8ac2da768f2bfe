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

import static dev.sluice.priority.PriorityMerge.priorityMerge;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What the Javadoc says about starvation, over a million emissions each. */
@Timeout(120)
class StarvationBoundTest {

  private static final int EMISSIONS = 1_000_000;

  private record Element(int level, int cost, long came) {}

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Random random = new Random(42);

  /** A source that always has another one. */
  private Flux<Element> endless(int level, int maxCost) {
    return Flux.generate(
        sink ->
            sink.next(
                new Element(
                    level,
                    maxCost == 1 ? 1 : 1 + random.nextInt(maxCost),
                    time.now(TimeUnit.NANOSECONDS))));
  }

  /** Asks for one at a time, and for the next one only when this one is looked at. */
  private static void consume(Flux<Element> merged, Consumer<Element> look) {
    AtomicInteger seen = new AtomicInteger();
    merged.subscribe(
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription s) {
            request(1);
          }

          @Override
          protected void hookOnNext(Element element) {
            look.accept(element);
            if (seen.incrementAndGet() == EMISSIONS) {
              cancel();
            } else {
              request(1);
            }
          }
        });
    assertThat(seen).hasValue(EMISSIONS);
  }

  private static Flux<Element> merge(
      List<Flux<Element>> sources, UnaryOperator<PrioritySpec<Element>> spec) {
    return priorityMerge(sources, spec);
  }

  @Test
  void strictStarvesForAsLongAsAMoreUrgentSourceHasSomething() {
    int[] emitted = new int[2];
    consume(
        merge(List.of(endless(0, 1), endless(1, 1)), p -> p.strict()), e -> emitted[e.level()]++);
    assertThat(emitted).containsExactly(EMISSIONS, 0);
  }

  @Test
  void weightedGivesEveryLevelItsQuantumInEachRound() {
    int[] quanta = {8, 4, 1};
    int[] since = new int[3];
    int[] longest = new int[3];
    consume(
        merge(List.of(endless(0, 1), endless(1, 1), endless(2, 1)), p -> p.weighted(quanta)),
        e -> {
          for (int level = 0; level < 3; level++) {
            since[level]++;
          }
          longest[e.level()] = Math.max(longest[e.level()], since[e.level()] - 1);
          since[e.level()] = 0;
        });
    // what the other levels' quanta add up to: the bound, and it is reached
    assertThat(longest).containsExactly(5, 9, 12);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16, 64})
  void weightedHoldsForALevelThatHasSomethingOnlyNowAndThen(int prefetch) {
    TestPublisher<Element> sparse = TestPublisher.create();
    int[] overtook = {0, 0}; // now, at most
    boolean[] waiting = {false};
    consume(
        merge(
            List.of(endless(0, 1), sparse.flux(), endless(2, 1)),
            p -> p.weighted(8, 3, 2).prefetch(prefetch)),
        e -> {
          if (e.level() == 1) {
            overtook[1] = Math.max(overtook[1], overtook[0]);
            waiting[0] = false;
          } else if (waiting[0]) {
            overtook[0]++;
          }
          if (e.level() != 1 && !waiting[0] && random.nextInt(7) == 0) {
            waiting[0] = true;
            overtook[0] = 0;
            sparse.next(new Element(1, 1, 0));
          }
        });
    // it comes while another one is on its way, which does not count
    assertThat(overtook[1]).isEqualTo(8 + 2 - 1);
  }

  @Test
  void weightedByCostBoundsWhatOthersSpend() {
    int[] quanta = {50, 7, 10};
    int dearest = 40;
    List<Flux<Element>> sources =
        List.of(endless(0, dearest), endless(1, dearest), endless(2, dearest));
    long[][] spent = new long[3][3]; // since an element of the level went, by each level
    long[] total = new long[3];
    consume(
        merge(sources, p -> p.weighted(Element::cost, quanta)),
        e -> {
          int level = e.level();
          long rounds = (e.cost() + quanta[level] - 1) / quanta[level];
          for (int other = 0; other < 3; other++) {
            if (other != level) {
              assertThat(spent[level][other]).isLessThan(rounds * quanta[other] + dearest);
            }
            spent[level][other] = 0;
            spent[other][level] += e.cost();
          }
          total[level] += e.cost();
        });
    double all = total[0] + total[1] + total[2];
    for (int level = 0; level < 3; level++) { // in the long run, exactly the shares
      assertThat(total[level] / all)
          .isBetween((quanta[level] - 0.01) / 67, (quanta[level] + 0.01) / 67);
    }
  }

  @Test
  void agingLetsOnlyThoseOvertakeThatCameWithinTheStep() {
    Duration step = Duration.ofMillis(1);
    long[] latest = {Long.MIN_VALUE, Long.MIN_VALUE, Long.MIN_VALUE}; // of a level, that went
    int[] emitted = new int[3];
    long[] longest = new long[3];
    consume(
        merge(List.of(endless(0, 1), endless(1, 1), endless(2, 1)), p -> p.aging(step).timer(time)),
        e -> {
          emitted[e.level()]++;
          for (int above = 0; above < e.level(); above++) {
            long lead = latest[above] - e.came();
            assertThat(lead).isLessThanOrEqualTo((e.level() - above) * step.toNanos());
            longest[e.level()] = Math.max(longest[e.level()], lead);
          }
          latest[e.level()] = Math.max(latest[e.level()], e.came());
          time.advanceTimeBy(Duration.ofNanos(1_000 + random.nextInt(1_000)));
        });
    assertThat(emitted[1]).isPositive();
    assertThat(emitted[2]).isPositive();
    // the bound is not only held but used: the last level is overtaken for two steps, nearly
    assertThat(longest[2]).isGreaterThan(2 * step.toNanos() - 100_000);
  }

  @Test
  void fairKeysLetEachOtherKeyGoOnceForEachElementOfTheOwn() {
    record Keyed(int key, int othersBefore, int ownBefore) {}
    int[] emitted = new int[2];
    int[] waiting = new int[2];
    int[] longest = {0};
    Flux<Keyed> flooded =
        Flux.generate(
            sink -> {
              int key = random.nextInt(10) == 0 ? 1 : 0;
              sink.next(new Keyed(key, emitted[1 - key], waiting[key]++));
            });
    Flux<Keyed> merged = priorityMerge(List.of(flooded), p -> p.fairBy(Keyed::key).prefetch(32));
    merged
        .take(EMISSIONS)
        .subscribe(
            e -> {
              waiting[e.key()]--;
              emitted[e.key()]++;
              if (e.key() == 1) {
                int overtook = emitted[0] - e.othersBefore();
                assertThat(overtook).isLessThanOrEqualTo(e.ownBefore() + 1);
                longest[0] = Math.max(longest[0], overtook);
              }
            });
    assertThat(emitted[0] + emitted[1]).isEqualTo(EMISSIONS);
    assertThat(longest[0]).isGreaterThan(1);
  }
}
