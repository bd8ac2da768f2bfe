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
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.JoinSettlement;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.message.Message;
import dev.sluice.test.FlowEnvironment;
import dev.sluice.test.FlowVerifier;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Mistakes that are easily made about settlements, each built into a flow, and found. What does the
 * same without the mistake takes the same steps and passes.
 *
 * <p>Messages are called by their group and a number. There is no leak check around these tests,
 * because some of the mistakes are leaks.
 */
@Timeout(60)
class SeededBugsTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static Flow<String> texts(FlowEnvironment env) {
    return Flow.from(env.source())
        .clock(env.clock())
        .onError(
            ErrorPolicy.defaults().retries(2).backoff(SECOND, Duration.ofSeconds(30)).jitter(0))
        .deadLetter(env.deadLetters())
        .decode(StringCodec.utf8());
  }

  private static Outbound<String> shipments(FlowEnvironment env) {
    return env.outbound("shipments", StringCodec.utf8());
  }

  /** A flow of one step, whose results are shipped. */
  private static FlowVerifier shipping(UnaryOperator<Flow<String>> step) {
    return FlowVerifier.create(env -> step.apply(texts(env)).to(shipments(env)).start())
        .groupBy(text -> text.substring(0, 1));
  }

  /** What is shipped takes a second for each digit at the end of its text. */
  private static void shipSlowly(FlowEnvironment env) {
    env.channel("shipments")
        .onSend(
            (message, accepted) -> {
              String text = TestChannel.text(message);
              int seconds = Character.digit(text.charAt(text.length() - 1), 10);
              return accepted.delaySubscription(Duration.ofSeconds(seconds));
            });
  }

  private static void fails(FlowVerifier verifier, String... complaints) {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(verifier::verify)
        .satisfies(error -> assertThat(error.getMessage()).contains(complaints));
  }

  @Nested
  class AckOnTheFirstValueOfAWorker {

    private FlowVerifier working(BiFunction<Flux<String>, Runnable, Flux<String>> settling) {
      return FlowVerifier.create(
              env ->
                  texts(env)
                      .<String>transformDeliveries(
                          all ->
                              all.concatMap(
                                  d ->
                                      settling
                                          .apply(work(env, d), () -> d.settlement().settle(ACK))
                                          .thenMany(Flux.empty())))
                      .start())
          .send("a1")
          .expectSent("shipments", "a1")
          .expectAcked("a1");
    }

    /** It says that it has begun, and then it does something. */
    private Flux<String> work(FlowEnvironment env, Delivery<String> delivery) {
      return Flux.just("begun")
          .concatWith(shipments(env).send(delivery.message()).thenReturn("shipped"));
    }

    @Test
    void isAnAckBeforeItsWork() {
      working((work, ack) -> work.doOnComplete(ack)).verify();
      fails(working((work, ack) -> work.doOnNext(value -> ack.run())), "S3", "begins after it was");
    }
  }

  @Nested
  class AFilterThatForgetsToSettle {

    private FlowVerifier filtering(UnaryOperator<Flow<String>> filter) {
      return shipping(filter).send("a1", "b0").expectSent("shipments", "a1").expectAcked("a1");
    }

    @Test
    void leaksWhatItDoesNotLetThrough() {
      filtering(flow -> flow.filter(text -> !text.endsWith("0"))).expectAcked("b0").verify();
      fails(
          filtering(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.handle(
                              (delivery, sink) -> {
                                if (!delivery.message().payload().endsWith("0")) {
                                  sink.next(delivery);
                                }
                              }))),
          "deliveries dropped undecided",
          "S2: dropped undecided");
    }
  }

  @Nested
  class ASplit {

    private Delivery<String> child(Delivery<String> parent, SplitSettlement split, String part) {
      Settlement settlement = Objects.requireNonNull(split.child(part));
      return new Delivery<>(parent.message().child(part, part), settlement, parent.origin());
    }

    /** Two parts, the second after a second. */
    private Flux<String> slowParts(String text) {
      return Flux.just(text + "-1").concatWith(Mono.delay(SECOND).thenReturn(text + "-2"));
    }

    /** There is trouble further down between the first part and the second. */
    private FlowVerifier cutShort(UnaryOperator<Flow<String>> split) {
      return shipping(
              flow -> split.apply(flow).transformDeliveries(all -> all.mergeWith(trouble())))
          .send("a1")
          .expectSent("shipments", "a1-1")
          .thenAwait(Duration.ofMillis(500))
          .expectFailed(IllegalStateException.class)
          .expectReleased("a1");
    }

    private Mono<Delivery<String>> trouble() {
      return Mono.delay(Duration.ofMillis(500))
          .then(Mono.error(new IllegalStateException("trouble")));
    }

    @Test
    void thatEndsAsAnAckWhenItIsCancelledLosesItsOtherParts() {
      cutShort(flow -> flow.split(this::slowParts)).verify();
      fails(
          cutShort(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.concatMap(
                              parent -> {
                                SplitSettlement split = new SplitSettlement(parent.settlement());
                                return slowParts(parent.message().payload())
                                    .map(part -> child(parent, split, part))
                                    .doFinally(how -> split.producerDone(ACK));
                              },
                              0))),
          "missing: \"a1\"",
          "\"a1\" acknowledged");
    }

    private FlowVerifier inParts(UnaryOperator<Flow<String>> split) {
      return shipping(split)
          .then(SeededBugsTest::shipSlowly)
          .send("a1")
          .thenAwait(Duration.ofSeconds(2))
          .expectSent("shipments", "a1-1", "a1-2")
          .expectAcked("a1");
    }

    @Test
    void thatIsDecidedByItsFirstPartIsAcknowledgedTooEarly() {
      inParts(flow -> flow.splitIterable(text -> List.of(text + "-1", text + "-2"))).verify();
      fails(
          inParts(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.concatMap(
                              parent ->
                                  Flux.just("-1", "-2")
                                      .map(
                                          number -> {
                                            SplitSettlement own =
                                                new SplitSettlement(parent.settlement());
                                            String part = parent.message().payload() + number;
                                            Delivery<String> child = child(parent, own, part);
                                            own.producerDone(ACK);
                                            return child;
                                          })))),
          "S3",
          "acknowledged (PROCESSED) before its send");
    }
  }

  @Nested
  class AJoin {

    private String words(List<String> texts) {
      return String.join(" ", texts);
    }

    private Delivery<String> list(
        List<Delivery<String>> members, List<? extends Settlement> settled) {
      List<Message<String>> messages = members.stream().map(Delivery::message).toList();
      String text = messages.stream().map(Message::payload).collect(Collectors.joining(" "));
      return new Delivery<>(
          Message.join(messages, text), new JoinSettlement(settled), members.get(0).origin());
    }

    private FlowVerifier collecting(UnaryOperator<Flow<String>> join) {
      return shipping(join)
          .then(SeededBugsTest::shipSlowly)
          .send("a1", "b1")
          .expectUnsettled(2)
          .thenAwait(SECOND)
          .expectSent("shipments", "a1 b1")
          .expectAcked("a1", "b1");
    }

    @Test
    void settlesAllItsMembers() {
      collecting(flow -> flow.aggregate(2, SECOND).map(this::words)).verify();
    }

    @Test
    void thatAcknowledgesWhatItCollectsDoesSoBeforeTheWork() {
      fails(
          collecting(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.doOnNext(member -> member.settlement().settle(ACK))
                              .buffer(2)
                              .map(
                                  members ->
                                      list(
                                          members,
                                          members.stream().map(Delivery::settlement).toList())))),
          "expected: 2 unsettled, was: 0");
    }

    @Test
    void thatSettlesOnlyItsFirstMemberForgetsTheOthers() {
      fails(
          collecting(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.buffer(2)
                              .map(
                                  members -> list(members, List.of(members.get(0).settlement()))))),
          "missing: \"b1\"");
    }
  }

  @Nested
  class ALane {

    /** The first send of a1 fails for a reason that passes. */
    private FlowVerifier failingOnce(UnaryOperator<Flow<String>> convoy) {
      AtomicBoolean failed = new AtomicBoolean();
      return shipping(convoy)
          .then(
              env ->
                  env.channel("shipments")
                      .onSend(
                          (message, accepted) ->
                              failed.compareAndSet(false, true)
                                  ? Mono.error(SendFailed.notSent("shipments", "busy", null))
                                  : accepted))
          .send("a1", "a2")
          .thenAwait(Duration.ofMinutes(1))
          .expectOrderPerGroup()
          .expectSent("shipments", "a1", "a2")
          .expectAcked("a1", "a2");
    }

    @Test
    void thatIsFreedBeforeItsDeliveryIsDoneIsOvertaken() {
      failingOnce(flow -> flow.groupedConvoy(Message::group, Mono::just)).verify();
      fails(
          failingOnce(
              flow ->
                  flow.transformDeliveries(
                      all ->
                          all.groupBy(delivery -> delivery.message().group())
                              .flatMap(lane -> lane.concatMap(Mono::just)))),
          "order: \"a1\"",
          "\"a2\" of group a, which came later");
    }

    /** The second takes longer than the others. */
    private Mono<String> work(String text) {
      return Mono.just(text).delayElement(text.equals("a2") ? SECOND : Duration.ofMillis(100));
    }

    /** Each comes when the one before has been idle for a while, or runs. */
    private FlowVerifier withPauses(UnaryOperator<Flow<String>> convoy) {
      return shipping(convoy)
          .send("a1")
          .thenAwait(Duration.ofMillis(500))
          .send("a2")
          .thenAwait(Duration.ofMillis(700))
          .send("a3")
          .thenAwait(Duration.ofMinutes(1))
          .expectOrderPerGroup()
          .expectSent("shipments", "a1", "a2", "a3")
          .expectAcked(3);
    }

    @Test
    void thatIsEvictedOutsideTheDrainIsThereTwice() {
      withPauses(flow -> flow.groupedConvoy(Message::group, this::work)).verify();
      withPauses(flow -> flow.transformDeliveries(new Lanes(this::work, Runnable::run)::convoy))
          .verify();
      fails(
          withPauses(
              flow -> flow.transformDeliveries(new Lanes(this::work, this::aSecondLater)::convoy)),
          "order: \"a2\"",
          "\"a3\" of group a, which came later");
    }

    private void aSecondLater(Runnable eviction) {
      Schedulers.parallel().schedule(eviction, 1, TimeUnit.SECONDS);
    }
  }

  /** A convoy in a few lines: right as long as nobody but itself touches its lanes. */
  private static final class Lanes {

    private final Map<String, Deque<Delivery<String>>> lanes = new HashMap<>();
    private final Work work;
    private final Consumer<Runnable> evicting;

    private interface Work {
      Mono<String> of(String text);
    }

    Lanes(Work work, Consumer<Runnable> evicting) {
      this.work = work;
      this.evicting = evicting;
    }

    Flux<Delivery<String>> convoy(Flux<Delivery<String>> all) {
      return all.flatMap(
          delivery -> {
            String group = delivery.message().group();
            Deque<Delivery<String>> lane = lanes.computeIfAbsent(group, key -> new ArrayDeque<>());
            lane.add(delivery);
            return lane.size() > 1 ? Flux.empty() : through(group, lane);
          });
    }

    /** The first in the lane is the one that is worked on. */
    private Flux<Delivery<String>> through(String group, Deque<Delivery<String>> lane) {
      return Flux.defer(() -> work(lane.element()))
          .repeat(
              () -> {
                lane.remove();
                if (lane.isEmpty()) {
                  evicting.accept(() -> lanes.remove(group));
                }
                return !lane.isEmpty();
              });
    }

    private Mono<Delivery<String>> work(Delivery<String> delivery) {
      return work.of(delivery.message().payload())
          .map(result -> delivery.with(delivery.message().withPayload(result)));
    }
  }
}
