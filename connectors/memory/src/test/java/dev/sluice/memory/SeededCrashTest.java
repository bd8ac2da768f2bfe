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
package dev.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.contract.ChannelRig;
import dev.sluice.contract.CrashContract;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Flows that acknowledge too early, over a channel that does not: the crash contract finds them.
 */
@Timeout(300)
class SeededCrashTest {

  private static List<String> failures(Class<? extends CrashContract> contract) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request().selectors(selectClass(contract)).build(), listener);
    return listener.getSummary().getFailures().stream()
        .map(failure -> String.valueOf(failure.getException().getMessage()))
        .toList();
  }

  @Test
  void anAckAfterTheSendPasses() {
    assertThat(failures(AcksWhenTheSendIsConfirmed.class)).isEmpty();
  }

  @Test
  void anAckOnTheFirstValueOfTheWorkerIsFound() {
    assertThat(failures(AcksOnTheFirstValue.class))
        .isNotEmpty()
        .allSatisfy(message -> assertThat(message).contains("consumed before it had its effect"));
  }

  @Test
  void anAckThatDoesNotWaitForTheSendIsFound() {
    assertThat(failures(AcksWhenTheSendHasBegun.class))
        .isNotEmpty()
        .anySatisfy(message -> assertThat(message).contains("consumed before it had its effect"));
  }

  // Started by the tests above; found by nobody else, because their names do not end in Test.

  /** A flow of one step, which works, sends and settles. */
  abstract static class OneStep extends CrashContract {

    @Override
    protected ChannelRig rig() {
      return new MemoryRig();
    }

    @Override
    protected FlowHandle start(
        Inbound source,
        Function<byte[], Mono<byte[]>> worker,
        Outbound<byte[]> target,
        Outbound<byte[]> deadLetters) {
      return Flow.from(source)
          .deadLetter(deadLetters)
          .<byte[]>transformDeliveries(
              all -> all.concatMap(delivery -> step(delivery, worker, target)))
          .start();
    }

    private Flux<Delivery<byte[]>> step(
        Delivery<byte[]> delivery, Function<byte[], Mono<byte[]>> worker, Outbound<byte[]> target) {
      Mono<Receipt> sent = target.send(delivery.message()); // what the worker gives is what it got
      return work(
              worker.apply(delivery.message().payload()),
              sent,
              () -> settle(delivery, Outcome.ack()))
          .doOnError(error -> settle(delivery, outcomeOf(error)))
          .onErrorComplete()
          .thenMany(Flux.empty());
    }

    private static Outcome outcomeOf(Throwable error) {
      return error instanceof IllegalArgumentException
          ? Outcome.reject(DeadLetterReason.POISON, error)
          : Outcome.retry(Duration.ZERO, error);
    }

    private static void settle(Delivery<?> delivery, Outcome outcome) {
      delivery.settlement().settle(outcome);
    }

    abstract Mono<?> work(Mono<byte[]> value, Mono<Receipt> sent, Runnable ack);
  }

  static class AcksWhenTheSendIsConfirmed extends OneStep {
    @Override
    Mono<?> work(Mono<byte[]> value, Mono<Receipt> sent, Runnable ack) {
      return value.then(sent).doOnNext(receipt -> ack.run());
    }
  }

  static class AcksOnTheFirstValue extends OneStep {
    @Override
    Mono<?> work(Mono<byte[]> value, Mono<Receipt> sent, Runnable ack) {
      return value.doOnNext(first -> ack.run()).then(sent);
    }
  }

  static class AcksWhenTheSendHasBegun extends OneStep {
    @Override
    Mono<?> work(Mono<byte[]> value, Mono<Receipt> sent, Runnable ack) {
      return value.doOnNext(
          first -> {
            sent.subscribe(receipt -> {}, error -> {});
            ack.run();
          });
    }
  }
}
