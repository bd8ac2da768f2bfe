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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.retry.Retry;

/** A flow whose source fails begins again, if it was told to. */
class RestartTest extends FlowFixture {

  private static final RuntimeException GONE = new IllegalStateException("the broker is gone");

  private final Retry retry = Retry.fixedDelay(3, Duration.ofSeconds(10)).transientErrors(true);

  @Test
  void withoutAPolicyTheFlowHasFailed() {
    FlowHandle handle = flow().to(target).start();
    source.fail(GONE);
    assertThat(handle.stats().state()).isEqualTo(State.FAILED);
    assertThat(handle.stats().failure()).isSameAs(GONE);
  }

  @Test
  void beginsAgainWhenThePolicySaysSo() {
    FlowHandle handle = flow().restart(retry).to(target).start();
    source.offer("a1");
    source.fail(GONE);
    assertThat(handle.stats().state()).isEqualTo(State.RESTARTING);
    assertThat(handle.stats().isUp()).isFalse();
    assertThat(handle.stats().failure()).isSameAs(GONE);
    assertThat(handle.stats().restarts()).isZero();

    source.offer("a2");
    time.advanceTimeBy(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(handle.stats().state()).isEqualTo(State.RUNNING);
    assertThat(handle.stats().failure()).isNull();
    assertThat(handle.stats().restarts()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void whatWasOutComesAgain() {
    AtomicInteger sends = new AtomicInteger();
    AtomicInteger cancelled = new AtomicInteger();
    shipments.onSend(
        (message, accepted) ->
            sends.incrementAndGet() == 1
                ? Mono.<Receipt>never().doOnCancel(cancelled::incrementAndGet)
                : accepted);
    FlowHandle handle = flow().restart(retry).to(target).start();
    source.offer("a1");
    source.fail(GONE);
    assertThat(cancelled).hasValue(1);
    time.advanceTimeBy(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertSettled(handle);
  }

  @Test
  void hasFailedWithTheLastErrorWhenThePolicyGivesUp() {
    FlowHandle handle = flow().restart(retry).to(target).start();
    for (int i = 0; i < 4; i++) {
      assertThat(handle.stats().restarts()).isEqualTo(i);
      source.fail(GONE);
      time.advanceTimeBy(Duration.ofSeconds(10));
    }
    assertThat(handle.stats().state()).isEqualTo(State.FAILED);
    assertThat(handle.stats().failure()).isSameAs(GONE);
    StepVerifier.create(handle.terminated()).verifyErrorMessage("the broker is gone");
  }

  @Test
  void aStopEndsTheWaitAtOnce() {
    FlowHandle handle = flow().restart(retry).to(target).start();
    source.fail(GONE);
    StepVerifier.create(handle.stop(Duration.ofDays(1))).verifyComplete();
    assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
    time.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(handle.stats().restarts()).isZero();
  }

  @Test
  void aStopIsAsGracefulAsEver() {
    shipments.onSend((message, accepted) -> accepted.delaySubscription(Duration.ofSeconds(3)));
    FlowHandle handle = flow().restart(retry).to(target).start();
    source.offer("a1");
    handle.stop(Duration.ofSeconds(5)).subscribe();
    assertThat(handle.stats().state()).isEqualTo(State.STOPPING);
    time.advanceTimeBy(Duration.ofSeconds(3));
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
    assertSettled(handle);
  }

  @Test
  void aFailureWhileItStopsIsTheEnd() {
    shipments.onSend((message, accepted) -> Mono.never());
    FlowHandle handle = flow().restart(retry).to(target).start();
    source.offer("a1");
    handle.stop(Duration.ofSeconds(5)).subscribe();
    source.fail(GONE);
    assertThat(handle.stats().state()).isEqualTo(State.FAILED);
    assertSettled(handle);
  }

  @Test
  void aMissingDeadLetterTargetIsNotHealedByARestart() {
    FlowHandle handle =
        Flow.from(source)
            .restart(retry)
            .decode(StringCodec.utf8())
            .map(text -> Integer.parseInt(text))
            .start();
    source.offer("a1");
    assertThat(handle.stats().state()).isEqualTo(State.FAILED);
    assertThat(handle.stats().failure()).isInstanceOf(NoDeadLetterTarget.class);
    assertThat(source.waitingTexts()).containsExactly("a1");
  }

  @Test
  void aFatalErrorIsNotHealedByARestart() {
    FlowHandle handle =
        flow()
            .restart(retry)
            .map(
                text -> {
                  throw new NoClassDefFoundError("boom");
                })
            .start();
    source.offer("a1");
    assertThat(handle.stats().state()).isEqualTo(State.FAILED);
    FlowHandle second = flow().restart(retry).to(target).start();
    source.fail(new RuntimeException(new NoClassDefFoundError("boom")));
    assertThat(second.stats().state()).isEqualTo(State.RESTARTING); // not fatal: only its cause is
  }
}
