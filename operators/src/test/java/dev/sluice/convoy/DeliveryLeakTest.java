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
package dev.sluice.convoy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Await;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What a step behind the convoy drops without a decision is found, told, and run again. */
@Timeout(60)
class DeliveryLeakTest {

  private final AtomicInteger runs = new AtomicInteger();
  private final List<Delivery<String>> kept = new CopyOnWriteArrayList<>();

  private static void until(java.util.function.BooleanSupplier condition, String what) {
    Await.until(
        () -> {
          System.gc();
          return condition.getAsBoolean() ? null : what;
        });
  }

  @Test
  void aDroppedValueIsReportedAndItsMessageRunsAgainBeforeTheNextOfItsGroup() {
    long before = LeakDetector.leaks();
    List<String> order = new CopyOnWriteArrayList<>();
    List<String> threads = new CopyOnWriteArrayList<>();
    Probe a1 = Probe.of("a1");
    Probe a2 = Probe.of("a2");
    Flux.just(a1.delivery(), a2.delivery())
        .concatWith(Flux.never())
        .transform(
            GroupedConvoy.<String, String>ofDeliveries(
                Message::group,
                payload -> {
                  order.add(payload);
                  threads.add(Thread.currentThread().getName());
                  runs.incrementAndGet();
                  return Mono.just(payload.toUpperCase(java.util.Locale.ROOT));
                },
                c -> c))
        // as a careless operator would: the first one is neither settled nor passed on nor
        // discarded
        .handle(
            (Delivery<String> delivery, reactor.core.publisher.SynchronousSink<Object> sink) -> {
              if (runs.get() > 1) {
                delivery.settlement().settle(Outcome.ack());
              }
            })
        .subscribe();
    assertThat(order).containsExactly("a1"); // the group waits for somebody to decide

    until(() -> a2.isSettled(), "a2 is not settled");

    assertThat(LeakDetector.leaks()).isEqualTo(before + 1);
    assertThat(order).containsExactly("a1", "a1", "a2");
    assertThat(threads.subList(1, 3)) // not the detector's, which serves the whole process
        .allSatisfy(name -> assertThat(name).startsWith("parallel-"));
    assertThat(a1.decided).containsExactly(Outcome.ack());
  }

  @Test
  void leaksAreCountedAsAttempts() {
    Probe a1 = Probe.of("a1");
    Flux.just(a1.delivery())
        .concatWith(Flux.never())
        .transform(
            GroupedConvoy.<String, String>ofDeliveries(
                Message::group, payload -> Mono.just(payload + runs.incrementAndGet()), c -> c))
        .handle((delivery, sink) -> {})
        .subscribe();

    until(a1::isSettled, "a1 is not settled");

    assertThat(runs).hasValue(4);
    assertThat(a1.decided)
        .singleElement()
        .isInstanceOfSatisfying(
            Outcome.Reject.class,
            reject ->
                // the line of the convoy, so that somebody can find the step behind it
                assertThat(reject.cause())
                    .isInstanceOf(LeakedDelivery.class)
                    .hasMessageContaining("DeliveryLeakTest.java"));
  }

  @Test
  void whatIsKeptIsNoLeakHoweverLong() {
    long before = LeakDetector.leaks();
    Probe a1 = Probe.of("a1");
    Flux.just(a1.delivery())
        .concatWith(Flux.never())
        .transform(
            GroupedConvoy.<String, String>ofDeliveries(
                Message::group, payload -> Flux.just(payload, payload).hide(), c -> c))
        .subscribe(kept::add);
    kept.remove(0).settlement().settle(Outcome.ack());
    List<byte[]> garbage = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      garbage.add(new byte[1 << 16]);
      System.gc();
    }

    assertThat(LeakDetector.leaks()).isEqualTo(before);
    assertThat(a1.isSettled()).isFalse();
    kept.get(0).settlement().settle(Outcome.ack());
    assertThat(a1.decided).containsExactly(Outcome.ack());
  }
}
