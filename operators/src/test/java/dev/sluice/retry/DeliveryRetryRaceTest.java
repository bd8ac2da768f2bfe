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
package dev.sluice.retry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.test.util.RaceTestUtils;

/** Whoever meets whom, each delivery is decided once, and none of a group overtakes another. */
@Timeout(120)
@ExtendWith(LeakCheck.class)
class DeliveryRetryRaceTest {

  private static final int ROUNDS = 1_000;

  private static Flux<Delivery<byte[]>> retrying(Flux<Delivery<byte[]>> source) {
    return source.transform(
        Retrying.ofDeliveries(
            ErrorPolicy.defaults(), r -> r.immediate(3).backoff(0, Duration.ZERO, Duration.ZERO)));
  }

  @Test
  void aFailureMeetsACancel() {
    for (int i = 0; i < ROUNDS; i++) {
      Probe a1 = new Probe("a1");
      Probe a2 = new Probe("a2");
      List<Delivery<byte[]>> received = new CopyOnWriteArrayList<>();
      BaseSubscriber<Delivery<byte[]>> subscriber =
          new BaseSubscriber<>() {
            @Override
            protected void hookOnNext(Delivery<byte[]> delivery) {
              received.add(delivery);
            }
          };
      Sinks.Many<Delivery<byte[]>> source = Sinks.many().unicast().onBackpressureBuffer();
      retrying(source.asFlux()).subscribe(subscriber);
      source.tryEmitNext(a1.delivery()).orThrow();
      source.tryEmitNext(a2.delivery()).orThrow();
      RaceTestUtils.race(
          () -> received.get(0).settlement().settle(Outcome.retry(Duration.ZERO, null)),
          subscriber::cancel);
      // the second try may have gone out; whoever has it settles it
      received.forEach(
          delivery -> {
            if (!delivery.settlement().isSettled()) {
              delivery.settlement().settle(Outcome.ack());
            }
          });
      assertThat(a1.decided).hasSize(1);
      assertThat(a2.decided).containsExactly(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }

  @Test
  void aFailureMeetsALoss() {
    for (int i = 0; i < ROUNDS; i++) {
      Probe a1 = new Probe("a1");
      Probe a2 = new Probe("a2");
      AtomicReference<Delivery<byte[]>> last = new AtomicReference<>();
      List<String> texts = new CopyOnWriteArrayList<>();
      Sinks.Many<Delivery<byte[]>> source = Sinks.many().unicast().onBackpressureBuffer();
      retrying(source.asFlux())
          .subscribe(
              delivery -> {
                texts.add(Probe.text(delivery));
                last.set(delivery);
              });
      source.tryEmitNext(a1.delivery()).orThrow();
      source.tryEmitNext(a2.delivery()).orThrow();
      Delivery<byte[]> first = last.get();
      RaceTestUtils.race(
          () -> first.settlement().settle(Outcome.retry(Duration.ZERO, null)), a1::lose);
      if (Probe.text(last.get()).equals("a1")) { // it was tried again before the loss was seen
        last.get().settlement().settle(Outcome.ack());
      }
      assertThat(Probe.text(last.get())).isEqualTo("a2");
      last.get().settlement().settle(Outcome.ack());
      assertThat(a2.decided).containsExactly(Outcome.ack());
      assertThat(texts).isSorted();
    }
  }

  /** Settled on other threads, with failures in between: in order, each acknowledged once. */
  @Test
  void manyAreSettledOnOtherThreads() {
    int messages = 20_000;
    List<Probe> probes = new ArrayList<>();
    for (int i = 0; i < messages; i++) {
      probes.add(new Probe("abcdefgh".charAt(i % 8) + "" + i));
    }
    int[] tries = new int[messages];
    int[] lastOfGroup = new int[8];
    List<String> overtaken = new CopyOnWriteArrayList<>();
    retrying(Flux.fromIterable(probes).map(Probe::delivery))
        .doOnNext(
            delivery -> {
              int number = Integer.parseInt(Probe.text(delivery).substring(1));
              if (lastOfGroup[number % 8] > number) {
                overtaken.add(Probe.text(delivery));
              }
              lastOfGroup[number % 8] = number;
            })
        .flatMap(
            delivery ->
                Flux.just(delivery)
                    .publishOn(reactor.core.scheduler.Schedulers.boundedElastic())
                    .doOnNext(
                        d -> {
                          int number = Integer.parseInt(Probe.text(d).substring(1));
                          d.settlement()
                              .settle(
                                  tries[number]++ < number % 3
                                      ? Outcome.retry(Duration.ZERO, null)
                                      : Outcome.ack());
                        }),
            64)
        .blockLast(Duration.ofSeconds(60));
    assertThat(overtaken).isEmpty();
    assertThat(probes).allSatisfy(p -> assertThat(p.decided).containsExactly(Outcome.ack()));
  }
}
