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
package dev.sluice.s3;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class MemoryBudgetTest {

  private final MemoryBudget budget = new MemoryBudget(10);

  @Test
  void grantsInTheOrderOfAsking() {
    List<String> granted = new ArrayList<>();
    var first = budget.reserve(6);
    var large = budget.reserve(8);
    var small = budget.reserve(1);
    first.granted().subscribe(null, null, () -> granted.add("first"));
    large.granted().subscribe(null, null, () -> granted.add("large"));
    small.granted().subscribe(null, null, () -> granted.add("small"));
    assertThat(granted).containsExactly("first"); // small has to wait its turn
    first.release();
    assertThat(granted).containsExactly("first", "large", "small");
    assertThat(budget.free()).isEqualTo(1);
    large.release();
    small.release();
    assertThat(budget.free()).isEqualTo(10);
  }

  @Test
  void whoGivesUpWaitingLetsOthersPass() {
    var first = budget.reserve(6);
    var large = budget.reserve(8);
    var small = budget.reserve(4);
    large.release();
    StepVerifier.create(small.granted()).verifyComplete();
    large.release();
    first.release();
    first.release();
    small.release();
    assertThat(budget.free()).isEqualTo(10);
  }

  @Test
  void neverGivesMoreThanThereIs() {
    AtomicLong used = new AtomicLong();
    AtomicLong most = new AtomicLong();
    Flux.range(0, 20_000)
        .flatMap(
            i ->
                Mono.fromCallable(() -> budget.reserve(1 + i % 10))
                    .subscribeOn(Schedulers.parallel())
                    .flatMap(
                        reservation -> {
                          if (i % 7 == 0) { // gives up, granted or not
                            reservation.release();
                            return Mono.empty();
                          }
                          return reservation
                              .granted()
                              .then(
                                  Mono.fromRunnable(
                                      () -> {
                                        long bytes = 1 + i % 10;
                                        most.accumulateAndGet(used.addAndGet(bytes), Math::max);
                                        used.addAndGet(-bytes);
                                        reservation.release();
                                      }));
                        }),
            64)
        .blockLast();
    assertThat(most.get()).isBetween(1L, 10L);
    assertThat(budget.free()).isEqualTo(10);
  }
}
