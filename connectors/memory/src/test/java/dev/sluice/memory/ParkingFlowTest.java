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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.parking.ParkingSpec;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.ParkedGroup;
import dev.sluice.store.StoreFailed;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * Groups that must not go on without a message wait in the lot, in their order. Messages are words;
 * their group is their first letter.
 */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class ParkingFlowTest {

  private static final Duration POLL = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
        }
      };

  private final TestChannel source =
      TestChannel.create("orders").groupBy(text -> text.substring(0, 1));
  private final TestChannel deadLetters = TestChannel.create("dead");
  private final TestChannel shipments = TestChannel.create("shipments");
  private final Outbound<String> target = Outbound.encoding(StringCodec.utf8(), shipments);
  private final ParkingLot lot = MemoryParkingLot.create(1_000, clock);
  private final Map<String, Integer> failures = new HashMap<>();
  private final Map<String, Sinks.Empty<Void>> gates = new HashMap<>();
  private final Set<String> bad = new HashSet<>();
  private final List<String> started = new ArrayList<>();

  /** Operations of the lot that do this first, as often as it is here. */
  private final Map<String, List<Mono<Void>>> scripts = new HashMap<>();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  /** The lot, behind its script. */
  private ParkingLot scripted() {
    return (ParkingLot)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ParkingLot.class},
            (proxy, method, arguments) -> {
              try {
                List<Mono<Void>> script = scripts.getOrDefault(method.getName(), List.of());
                Object operation = method.invoke(lot, arguments);
                return script.isEmpty() || !(operation instanceof Mono<?> mono)
                    ? operation
                    : script.remove(0).then(mono);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void script(String operation, Mono<Void> first) {
    scripts.computeIfAbsent(operation, o -> new ArrayList<>()).add(first);
  }

  private Mono<String> work(String text) {
    started.add(text);
    Sinks.Empty<Void> gate = gates.get(text);
    Mono<String> work =
        Mono.fromSupplier(
            () -> {
              if (bad.contains(text)) {
                throw new IllegalArgumentException(text);
              }
              if (failures.merge(text, -1, Integer::sum) >= 0) {
                throw new IllegalStateException(text);
              }
              return text;
            });
    return gate == null ? work : gate.asMono().then(work);
  }

  private Flow<String> flow(ParkingLot lot, UnaryOperator<ParkingSpec> spec) {
    return Flow.from(source)
        .named("shipping")
        .clock(clock)
        .onError(ErrorPolicy.defaults().retries(0))
        .deadLetter(deadLetters)
        .parking(lot, spec)
        .decode(StringCodec.utf8())
        .groupedConvoy(
            Message::group, this::work, c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)));
  }

  private FlowHandle start() {
    return flow(scripted(), spec -> spec).to(target).start();
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  private void release(String group) {
    assertThat(lot.release("shipping", group).block()).isTrue();
    pass(POLL);
  }

  private List<String> parked(String group) {
    return Objects.requireNonNull(
        lot.list("shipping", group, 0, 100)
            .map(p -> new String(p.message().payload(), StandardCharsets.UTF_8))
            .collectList()
            .block());
  }

  private List<ParkedGroup> groups() {
    return Objects.requireNonNull(lot.groups("shipping", 100).collectList().block());
  }

  private static void assertSettled(FlowHandle handle) {
    assertThat(handle.stats().unsettled()).isZero();
  }

  // == parking ==

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void parksWhatHasFailedAndWhatFollowsInItsGroup(boolean exclusive) {
    if (exclusive) {
      source.exclusiveGroups();
    }
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "b1", "a2", "b2", "a3");
    assertThat(shipments.sentTexts()).containsExactly("b1", "b2");
    assertThat(parked("a")).containsExactly("a1", "a2", "a3");
    assertThat(started).containsExactly("a1", "b1", "b2");
    assertThat(source.outcomes("a1")).containsExactly(Outcome.deferred());
    assertThat(source.outcomes("a3")).containsExactly(Outcome.deferred());
    assertThat(groups()).hasSize(1);
    assertThat(groups().get(0).why()).isEqualTo("POISON java.lang.IllegalArgumentException: a1");
    assertThat(deadLetters.sent()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void countsWhatIsParkedBecauseItsAttemptsAreUsedUp() {
    failures.put("a1", 1);
    bad.add("b1");
    FlowHandle handle = start();
    MeterReadings readings = MeterReadings.of(handle);
    String exhausted = "sluice.retries.exhausted{flow=shipping, reason=error}";
    source.offer("a1", "b1");
    assertThat(parked("a")).containsExactly("a1");
    assertThat(parked("b")).containsExactly("b1");
    assertThat(readings.read()).containsEntry(exhausted, 1.0);
    failures.put("a1", 1);
    release("a");
    assertThat(parked("a")).containsExactly("a1");
    assertThat(readings.read()).containsEntry(exhausted, 2.0);
  }

  @Test
  void countsTheRetriesOfWhatKeepsItsPlace() {
    failures.put("decode", 2);
    FlowHandle handle =
        Flow.from(source)
            .named("shipping")
            .clock(clock)
            .onError(ErrorPolicy.defaults().retries(2).jitter(0))
            .parking(lot, spec -> spec)
            .decode(StringCodec.utf8())
            .map(
                text -> {
                  if (failures.merge("decode", -1, Integer::sum) >= 0) {
                    throw new IllegalStateException(text);
                  }
                  return text;
                })
            .to(target)
            .start();
    source.offer("a1", "a2");
    assertThat(MeterReadings.of(handle).read())
        .containsEntry("sluice.retries{flow=shipping, reason=error, where=in-place}", 1.0)
        .containsEntry("sluice.retries.waiting{flow=shipping}", 1.0);
    pass(Duration.ofSeconds(5));
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(MeterReadings.of(handle).read())
        .containsEntry("sluice.retries{flow=shipping, reason=error, where=in-place}", 2.0)
        .containsEntry("sluice.retries.waiting{flow=shipping}", 0.0);
  }

  @Test
  void acknowledgesWhatHasFailedWhenItIsParkedAndNotBefore() {
    Sinks.Empty<Void> gate = Sinks.empty();
    script("park", Mono.error(StoreFailed.temporary("lot", "down", null)));
    script("park", gate.asMono());
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2", "b1");
    pass(Duration.ofMinutes(1));
    assertThat(source.outcomes("a1")).containsOnlyNulls();
    assertThat(started).containsExactly("a1", "b1");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    gate.tryEmitEmpty();
    assertThat(source.outcomes("a1")).containsExactly(Outcome.deferred());
    assertThat(parked("a")).containsExactly("a1", "a2");
    assertSettled(handle);
  }

  @Test
  void acknowledgesWhatFollowsWhenItIsParkedAndNotBefore() {
    Sinks.Empty<Void> gate = Sinks.empty();
    script("parkBehind", Mono.error(StoreFailed.temporary("lot", "down", null)));
    script("parkBehind", gate.asMono());
    bad.add("a1");
    start();
    source.offer("a1", "a2", "a3", "b1");
    pass(Duration.ofMinutes(1));
    assertThat(source.outcomes("a2")).containsOnlyNulls();
    assertThat(source.outcomes("a3")).containsOnlyNulls();
    assertThat(shipments.sentTexts()).containsExactly("b1");
    gate.tryEmitEmpty();
    assertThat(parked("a")).containsExactly("a1", "a2", "a3");
  }

  @Test
  void triesInPlaceFirst() {
    failures.put("a1", 2);
    failures.put("b1", 100);
    Flow.from(source)
        .named("shipping")
        .clock(clock)
        .deadLetter(deadLetters)
        .retry(r -> r.backoff(2, POLL, POLL).jitter(0).delayed(10, Duration.ofHours(1)))
        .parking(lot)
        .decode(StringCodec.utf8())
        .groupedConvoy(
            Message::group, this::work, c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)))
        .to(target)
        .start();
    source.offer("a1", "b1", "a2", "b2");
    pass(Duration.ofSeconds(5));
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(parked("b")).containsExactly("b1", "b2");
    assertThat(started).containsExactlyInAnyOrder("a1", "a1", "a1", "a2", "b1", "b1", "b1");
  }

  @Test
  void parksWhatFailsFurtherDown() {
    shipments.onSend(
        (message, accepted) ->
            TestChannel.text(message).equals("a1")
                ? Mono.error(SendFailed.permanent("shipments", "too large", null))
                : accepted);
    FlowHandle handle = start();
    source.offer("a1", "a2", "b1");
    assertThat(parked("a")).containsExactly("a1", "a2");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    assertSettled(handle);
  }

  @Test
  void leavesAMessageWithoutAGroupToTheDeadLetters() {
    bad.add("x");
    FlowHandle handle = start();
    source.offer(Message.of("x".getBytes(StandardCharsets.UTF_8)));
    assertThat(deadLetters.sentTexts()).containsExactly("x");
    assertThat(deadLetters.sent().get(0).headers().get("sl-dl-error"))
        .startsWith("java.lang.IllegalArgumentException");
    assertThat(groups()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void doesNotAcknowledgeWhatWasLostWhileItParks() {
    script("park", Mono.never());
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1");
    source.lose(delivery -> true);
    pass(Duration.ofSeconds(10));
    assertThat(source.outcomes("a1")).containsExactly(Outcome.release(Outcome.Release.Why.LOST));
    assertThat(groups()).isEmpty();
    source.offer("a2");
    assertThat(shipments.sentTexts()).containsExactly("a2");
    assertSettled(handle);
  }

  @Test
  void givesBackWhatWaitsWhenItEnds() {
    script("park", Mono.never());
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2");
    handle.stop(Duration.ofSeconds(1)).subscribe();
    pass(Duration.ofSeconds(2));
    assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertThat(source.waitingTexts()).containsExactly("a1", "a2");
    assertSettled(handle);
  }

  // == releasing ==

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void worksOnAReleasedGroupInItsOrderBeforeAnythingNewer(boolean exclusive) {
    if (exclusive) {
      source.exclusiveGroups();
    }
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2", "a3");
    bad.clear();
    gates.put("a1", Sinks.empty());
    gates.put("a3", Sinks.empty());
    started.clear();
    release("a");
    assertThat(started).containsExactly("a1");
    source.offer("a4", "b1"); // while it is being drained
    assertThat(parked("a")).containsExactly("a1", "a2", "a3", "a4");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    gates.get("a1").tryEmitEmpty();
    assertThat(started).containsExactly("a1", "b1", "a2", "a3");
    source.offer("a5");
    gates.get("a3").tryEmitEmpty();
    assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2", "a3", "a4", "a5");
    assertThat(groups()).isEmpty();
    source.offer("a6");
    assertThat(shipments.sentTexts()).endsWith("a5", "a6");
    assertSettled(handle);
  }

  @Test
  void parksAGroupAgainThatFailsAgain() {
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2");
    release("a");
    pass(Duration.ofMinutes(1));
    assertThat(started).containsExactly("a1", "a1");
    assertThat(parked("a")).containsExactly("a1", "a2");
    assertThat(groups().get(0).isDraining()).isFalse();
    bad.clear();
    bad.add("a2");
    release("a");
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(parked("a")).containsExactly("a2");
    assertThat(lot.drop("shipping", "a", 2).block()).isTrue();
    source.offer("a3");
    release("a");
    assertThat(shipments.sentTexts()).containsExactly("a1", "a3");
    assertThat(groups()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void outlivesARestart() {
    bad.add("a1");
    FlowHandle first = start();
    source.offer("a1", "a2");
    first.stop(Duration.ZERO).block(Duration.ofSeconds(10));
    bad.clear();
    FlowHandle second = start();
    source.offer("a3", "b1");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    assertThat(parked("a")).containsExactly("a1", "a2", "a3");
    release("a");
    assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2", "a3");
    assertSettled(second);
  }

  @Test
  void goesOnWithAGroupWhoseFlowHasStopped() {
    bad.add("a1");
    FlowHandle first = start();
    source.offer("a1", "a2");
    bad.clear();
    gates.put("a1", Sinks.empty());
    release("a");
    assertThat(started).containsExactly("a1", "a1");
    first.stop(Duration.ofSeconds(1)).subscribe();
    pass(Duration.ofSeconds(2));
    assertThat(first.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertThat(parked("a")).containsExactly("a1", "a2");
    gates.clear();
    FlowHandle second = start();
    pass(POLL); // the claim was given back
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(groups()).isEmpty();
    assertSettled(second);
  }

  @Test
  void finishesWhatIsOutWhenItStops() {
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2");
    bad.clear();
    gates.put("a1", Sinks.empty());
    release("a");
    handle.stop(Duration.ofSeconds(10)).subscribe();
    gates.get("a1").tryEmitEmpty();
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(parked("a")).containsExactly("a2");
    assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertSettled(handle);
  }

  @Test
  void rejectsWhatHasExpiredMeanwhileAndGoesOn() {
    bad.add("a1");
    FlowHandle handle = start();
    source.offer(
        Message.of("a1".getBytes(StandardCharsets.UTF_8))
            .withGroup("a")
            .expiringAt(clock.instant().plusSeconds(60)));
    source.offer("a2");
    pass(Duration.ofMinutes(2));
    release("a");
    assertThat(deadLetters.sentTexts()).containsExactly("a1");
    assertThat(deadLetters.sent().get(0).headers().get("sl-dl-reason")).isEqualTo("EXPIRED");
    assertThat(shipments.sentTexts()).containsExactly("a2");
    assertThat(groups()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void keepsItsClaimWhileAMessageTakesItsTime() {
    bad.add("a1");
    start();
    source.offer("a1");
    bad.clear();
    gates.put("a1", Sinks.empty());
    release("a");
    pass(Duration.ofMinutes(10));
    assertThat(lot.claim("shipping", Duration.ofMinutes(1)).block()).isNull();
    gates.get("a1").tryEmitEmpty();
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(groups()).isEmpty();
  }

  @Test
  void waitsForALotThatIsInTrouble() {
    bad.add("a1");
    FlowHandle handle = start();
    source.offer("a1", "a2");
    bad.clear();
    for (String operation : List.of("claim", "first", "remove", "open")) {
      script(operation, Mono.error(StoreFailed.temporary("lot", "down", null)));
    }
    lot.release("shipping", "a").block();
    pass(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(groups()).isEmpty();
    assertSettled(handle);
  }

  // == options ==

  @Test
  void isNeededByTheVerdict() {
    Flow<String> flow =
        Flow.from(source)
            .decode(StringCodec.utf8())
            .groupedConvoy(
                Message::group, this::work, c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)));
    assertThatIllegalArgumentException()
        .isThrownBy(flow::start)
        .withMessageContaining("verdict: PARK_GROUP in flow orders (expected: with Flow.parking");
  }

  @Test
  void checksItsOptions() {
    refused(
        p -> p.pollInterval(Duration.ZERO), "pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
    refused(p -> p.lease(Duration.ZERO), "lease: PT0S (expected: > PT0S, <= PT8760H)");
    refused(p -> p.concurrency(0), "concurrency: 0 (expected: 1..1000)");
  }

  private void refused(UnaryOperator<ParkingSpec> spec, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.from(source).parking(lot, spec))
        .withMessage(message);
  }
}
