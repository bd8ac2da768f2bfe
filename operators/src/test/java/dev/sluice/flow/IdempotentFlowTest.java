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
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What follows in a flow happens once for each key. */
class IdempotentFlowTest extends FlowFixture {

  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Outcome DUPLICATE = new Outcome.Ack(Outcome.Ack.Reason.DUPLICATE);

  private final ScriptedStore store = new ScriptedStore(time);
  private final List<String> done = new ArrayList<>();

  private static IdempotencyKey key(String text) {
    return new IdempotencyKey("charge", text);
  }

  /** Two messages of one text are duplicates. */
  private Flow<String> once() {
    return flow().idempotent("charge", Message::payload, store, spec -> spec);
  }

  private FlowHandle start() {
    return once()
        .groupedConvoy(
            Message::group,
            text -> {
              done.add(text);
              return text.startsWith("bad")
                  ? Mono.<String>error(new IllegalArgumentException(text))
                  : Mono.just(text);
            })
        .to(target)
        .start();
  }

  private void offer(String... texts) {
    for (String text : texts) {
      source.offer(message(text));
    }
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  private List<String> sent() {
    return shipments.sent().stream().map(FlowFixture::text).toList();
  }

  @Test
  void acknowledgesDuplicatesAsSuch() {
    FlowHandle handle = start();
    offer("a1", "b1", "a1", "a2", "a1");
    pass(Duration.ofSeconds(5));
    assertThat(done).containsExactlyInAnyOrder("a1", "b1", "a2");
    assertThat(sent()).containsExactlyInAnyOrder("a1", "b1", "a2");
    assertThat(handle.stats().acknowledged()).isEqualTo(5);
    assertSettled(handle);
  }

  @Test
  void remembersBeforeItAcknowledges() {
    Sinks.Empty<Void> gate = Sinks.empty();
    store.next("complete", gate::asMono);
    FlowHandle handle = start();
    offer("a1");
    assertThat(sent()).containsExactly("a1");
    assertThat(handle.stats().unsettled()).isEqualTo(1);
    gate.tryEmitEmpty();
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
  }

  @Test
  void waitsForAStoreThatIsInTrouble() {
    store.fail("begin").fail("begin").fail("complete").fail("complete");
    FlowHandle handle = start();
    offer("a1");
    assertThat(done).isEmpty();
    pass(Duration.ofSeconds(1));
    assertThat(done).containsExactly("a1");
    pass(Duration.ofSeconds(1));
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void endsWithAStoreThatIsBroken() {
    store.next("begin", () -> Mono.error(StoreFailed.permanent("scripted", "no such table", null)));
    FlowHandle handle = start();
    offer("a1");
    assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.FAILED);
    assertThat(letters()).isEmpty();
    assertThat(done).isEmpty();
  }

  @Test
  void forgetsWhatWasRejected() {
    FlowHandle handle = start();
    offer("bad");
    assertDeadLetters(DeadLetterReason.POISON, "bad");
    assertThat(store.log()).last().isEqualTo("release bad true");
    offer("bad");
    assertThat(done).containsExactly("bad", "bad");
    assertSettled(handle);
  }

  @Test
  void rejectsAMessageWhoseKeyCannotBeTold() {
    FlowHandle handle =
        flow()
            .idempotent(
                "charge",
                message -> {
                  throw new IllegalArgumentException("no key");
                },
                store,
                spec -> spec)
            .start();
    offer("a1");
    assertDeadLetters(DeadLetterReason.POISON, "a1");
    assertSettled(handle);
  }

  @Test
  void givesBackWhatIsInProgressElsewhereWithoutCountingIt() {
    Started other = store.takeOver(key("a1"), Duration.ofMinutes(10));
    FlowHandle handle = start();
    offer("a1");
    pass(Duration.ofMinutes(1)); // 60 times given back, far more than the attempts that it has
    assertThat(done).isEmpty();
    assertThat(letters()).isEmpty();
    assertThat(handle.stats().released()).isGreaterThan(30);
    store.complete(other, null, LEASE).block();
    pass(Duration.ofSeconds(2));
    assertThat(done).isEmpty();
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    assertThat(DUPLICATE).isNotEqualTo(ACK);
    assertSettled(handle);
  }

  @Test
  void takesOverWhenALeaseHasEnded() {
    store.takeOver(key("a1"), Duration.ofSeconds(10));
    start();
    offer("a1");
    pass(Duration.ofSeconds(12));
    assertThat(sent()).containsExactly("a1");
  }

  @Test
  void keepsTheLeaseWhileTheWorkRuns() {
    Sinks.One<String> work = Sinks.one();
    FlowHandle handle = once().groupedConvoy(Message::group, text -> work.asMono()).start();
    offer("a1");
    pass(Duration.ofMinutes(5));
    assertThat(store.begin(key("a1"), LEASE).block()).isNotInstanceOf(Started.class);
    work.tryEmitValue("done");
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    int asked = store.log().size();
    pass(Duration.ofMinutes(5));
    assertThat(store.log()).hasSize(asked);
  }

  @Test
  void findsOutWhatBecameOfWorkThatSomebodyTookOver() {
    Sinks.One<String> work = Sinks.one();
    FlowHandle handle = once().groupedConvoy(Message::group, text -> work.asMono()).start();
    offer("a1");
    Started other = store.takeOver(key("a1"), LEASE);
    work.tryEmitValue("done");
    assertThat(handle.stats().acknowledged()).isZero();
    store.complete(other, null, LEASE).block();
    pass(Duration.ofSeconds(2));
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void releasesItsKeysWhenItStops() {
    FlowHandle handle = once().groupedConvoy(Message::group, text -> Mono.never()).start();
    offer("a1", "b1");
    handle.stop(Duration.ZERO).subscribe();
    pass(Duration.ofSeconds(1));
    assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertThat(store.begin(key("a1"), LEASE).block()).isInstanceOf(Started.class);
    assertThat(store.begin(key("b1"), LEASE).block()).isInstanceOf(Started.class);
  }

  /** The work was done, although the channel has taken the message back meanwhile. */
  @Test
  void remembersWorkWhoseDeliveryIsGone() {
    Sinks.Empty<Void> gate = Sinks.empty();
    store.next("complete", gate::asMono);
    FlowHandle handle = start();
    offer("a1");
    source.lose(delivery -> true);
    gate.tryEmitEmpty();
    pass(Duration.ofSeconds(1));
    assertThat(store.log()).contains("complete a1 true");
    offer("a1");
    pass(Duration.ofSeconds(2));
    assertThat(done).containsExactly("a1");
    assertThat(handle.stats().unsettled()).isZero();
  }

  /** The channel takes the message back while the work runs, and the work succeeds all the same. */
  @Test
  void remembersWorkThatSucceedsWhenItsDeliveryIsGone() {
    Sinks.One<String> work = Sinks.one();
    FlowHandle handle =
        once()
            .groupedConvoy(
                Message::group,
                text -> {
                  done.add(text);
                  return work.asMono();
                })
            .start();
    offer("a1");
    source.lose(delivery -> true);
    pass(Duration.ofSeconds(1)); // within the grace
    work.tryEmitValue("done");
    pass(Duration.ofSeconds(1));
    assertThat(store.log()).contains("complete a1 true").doesNotContain("release a1 true");
    assertThat(handle.stats().acknowledged()).isZero();
    offer("a1");
    pass(Duration.ofSeconds(2));
    assertThat(done).containsExactly("a1");
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    assertSettled(handle);
  }

  /** Nothing was done with a message that was taken back while it waited behind its group. */
  @Test
  void doesNotRememberAMessageThatWasTakenBackBeforeItsWork() {
    Sinks.One<String> work = Sinks.one();
    FlowHandle handle =
        once()
            .groupedConvoy(
                Message::group,
                text -> {
                  done.add(text);
                  return done.size() == 1 ? work.asMono() : Mono.just(text);
                })
            .start();
    offer("a1", "a2");
    source.lose(delivery -> FlowFixture.text(delivery.message()).equals("a2"));
    work.tryEmitValue("done");
    pass(Duration.ofSeconds(1));
    assertThat(done).containsExactly("a1");
    assertThat(store.log()).contains("complete a1 true", "release a2 true");
    offer("a2");
    pass(Duration.ofSeconds(2));
    assertThat(done).containsExactly("a1", "a2");
    assertSettled(handle);
  }

  @Test
  void keepsTheOrderWhileTheStoreAnswersOutOfOrder() {
    Sinks.Empty<Void> gate = Sinks.empty();
    store.next("begin", gate::asMono);
    start();
    offer("a1", "a2", "a3");
    assertThat(done).isEmpty();
    gate.tryEmitEmpty();
    assertThat(sent()).containsExactly("a1", "a2", "a3");
  }
}
