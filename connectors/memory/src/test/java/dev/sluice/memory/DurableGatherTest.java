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
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.gather.Completion;
import dev.sluice.gather.DurableGather;
import dev.sluice.gather.DurableGatherSpec;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Leg;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Refused;
import dev.sluice.requestreply.Replier;
import dev.sluice.store.AggregationStore;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A gather over queues outlives whoever scatters and whoever gathers. */
@Timeout(120)
@ExtendWith(LeakCheck.class)
class DurableGatherTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final AggregationStore store = MemoryAggregationStore.create(1_000);
  private final MemoryChannel north = MemoryChannel.create("north");
  private final MemoryChannel south = MemoryChannel.create("south");
  private final MemoryChannel east = MemoryChannel.create("east");
  private final MemoryChannel replies = MemoryChannel.create("replies");
  private final MemoryChannel results = MemoryChannel.create("results");
  private final MemoryChannel dead = MemoryChannel.create("dead");
  private final List<FlowHandle> flows = new ArrayList<>();
  private final Queue<Message<byte[]>> received = new ConcurrentLinkedQueue<>();
  private final Queue<Gathered<String>> gathered = new ConcurrentLinkedQueue<>();
  private final Disposable receiver =
      results
          .receive(ReceiveOptions.defaults())
          .subscribe(
              delivery -> {
                received.add(delivery.message());
                delivery.settlement().settle(Outcome.ack());
              });

  @AfterEach
  void stop() {
    flows.forEach(flow -> flow.stop(Duration.ZERO).block(PATIENCE));
    receiver.dispose();
  }

  private DurableGather<String, String> gather(
      Outbound<byte[]> target, UnaryOperator<DurableGatherSpec> spec) {
    return DurableGather.over(
        "quotes",
        store,
        List.of(north, south, east),
        "replies",
        StringCodec.utf8(),
        (request, all) -> {
          gathered.add(all);
          return String.join("+", all.answers());
        },
        Outbound.encoding(StringCodec.utf8(), target),
        spec);
  }

  private FlowHandle gathering(DurableGather<String, String> gather) {
    FlowHandle flow =
        Flow.from(replies)
            .onError(ErrorPolicy.defaults().backoff(Duration.ofMillis(5), Duration.ofMillis(20)))
            .deadLetter(dead)
            .gatherWith(gather)
            .start();
    flows.add(flow);
    return flow;
  }

  /** What it had goes to the next consumer; nobody can tell when it has stopped. */
  private void kill(FlowHandle flow) {
    replies.crashConsumers();
    flow.stop(Duration.ZERO).subscribe();
    flows.remove(flow);
  }

  private void answering(MemoryChannel questions, Function<String, Mono<String>> answer) {
    flows.add(
        Flow.from(questions)
            .deadLetter(dead)
            .decode(StringCodec.utf8())
            .replyWith(
                Replier.<String, String>replier(
                    Replier.among(List.of(replies)), StringCodec.utf8(), answer, s -> s))
            .start());
  }

  private static Message<byte[]> trip() {
    return Message.of("trip".getBytes(StandardCharsets.UTF_8));
  }

  private static String text(Message<byte[]> message) {
    return new String(message.payload(), StandardCharsets.UTF_8);
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void awaitOneResult(String result) {
    await("the result", () -> !received.isEmpty());
    assertThat(received).hasSize(1);
    assertThat(text(received.element())).isEqualTo(result);
  }

  @Test
  void theLastReplyMakesTheResult() {
    answering(north, q -> Mono.just("n " + q));
    answering(south, q -> Mono.empty());
    answering(east, q -> Mono.error(new Refused("closed", "")));
    DurableGather<String, String> gather = gather(results, s -> s);
    gathering(gather);
    Message<byte[]> trip = trip();
    gather.scatter(trip).block(PATIENCE);
    awaitOneResult("n trip");
    assertThat(received.element().causationId()).isEqualTo(trip.id());
    assertThat(gathered).hasSize(1);
    Gathered<String> all = gathered.element();
    assertThat(all.why()).isEqualTo(Completion.ALL);
    assertThat(all.complete()).isFalse();
    assertThat(all.legs())
        .extracting(Leg::state)
        .containsExactly(Leg.State.ANSWERED, Leg.State.EMPTY, Leg.State.FAILED);
  }

  @Test
  void enoughAnswersMakeItAndLaterOnesAreLate() {
    answering(north, q -> Mono.just("n"));
    DurableGather<String, String> gather = gather(results, s -> s.first(1));
    FlowHandle flow = gathering(gather);
    gather.scatter(trip()).block(PATIENCE);
    awaitOneResult("n");
    answering(south, q -> Mono.just("s"));
    await("the late reply", () -> flow.stats().acknowledged() == 2);
    assertThat(received).hasSize(1);
    assertThat(gathered.element().why()).isEqualTo(Completion.FIRST);
  }

  @Test
  void whoGathersIsKilledBetweenTwoReplies() {
    answering(north, q -> Mono.just("n"));
    DurableGather<String, String> first = gather(results, s -> s);
    FlowHandle flow = gathering(first);
    first.scatter(trip()).block(PATIENCE);
    await("the first reply", () -> flow.stats().acknowledged() == 1);
    kill(flow);

    answering(south, q -> Mono.just("s"));
    answering(east, q -> Mono.just("e"));
    gathering(gather(results, s -> s)); // another process, with nothing but the store
    awaitOneResult("n+s+e");
  }

  @Test
  void whoGathersIsKilledWhileItSendsTheResult() {
    AtomicInteger sends = new AtomicInteger();
    Outbound<byte[]> hangs =
        new Outbound<>() {
          @Override
          public String name() {
            return "results";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            sends.incrementAndGet();
            return results.send(message).then(Mono.never()); // sent, and then it dies
          }
        };
    for (MemoryChannel channel : List.of(north, south, east)) {
      answering(channel, q -> Mono.just(channel.name().substring(0, 1)));
    }
    DurableGather<String, String> first = gather(hangs, s -> s.lease(Duration.ofMillis(50)));
    FlowHandle flow = gathering(first);
    first.scatter(trip()).block(PATIENCE);
    await("the send", () -> sends.get() == 1);
    kill(flow);

    DurableGather<String, String> second = gather(results, s -> s.lease(Duration.ofMillis(50)));
    await(
        "somebody to take over",
        () ->
            !second.finishOverdue().collectList().blockOptional(PATIENCE).orElseThrow().isEmpty());
    await("both results", () -> received.size() == 2);
    assertThat(received).extracting(Message::id).containsOnly(received.element().id());
    assertThat(received).extracting(DurableGatherTest::text).containsOnly("n+s+e");
    assertThat(second.finishOverdue().collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void aResultThatCannotBeSentIsTriedAgainWithTheSameReplies() {
    AtomicInteger sends = new AtomicInteger();
    Outbound<byte[]> fails =
        new Outbound<>() {
          @Override
          public String name() {
            return "results";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            return sends.incrementAndGet() == 1
                ? Mono.error(SendFailed.notSent("results", "full", null))
                : results.send(message);
          }
        };
    for (MemoryChannel channel : List.of(north, south, east)) {
      answering(channel, q -> Mono.just(channel.name().substring(0, 1)));
    }
    DurableGather<String, String> gather = gather(fails, s -> s);
    gathering(gather);
    gather.scatter(trip()).block(PATIENCE);
    awaitOneResult("n+s+e");
    assertThat(sends).hasValue(2);
  }

  @Test
  void whatTakesTooLongEndsWithWhatHasCome() {
    answering(south, q -> Mono.just("s"));
    DurableGather<String, String> gather = gather(results, s -> s.within(Duration.ofMillis(300)));
    FlowHandle flow = gathering(gather);
    gather.scatter(trip()).block(PATIENCE);
    await("the reply", () -> flow.stats().acknowledged() == 1);
    await(
        "the deadline",
        () ->
            !gather.finishOverdue().collectList().blockOptional(PATIENCE).orElseThrow().isEmpty());
    awaitOneResult("s");
    Gathered<String> partial = gathered.element();
    assertThat(partial.why()).isEqualTo(Completion.DEADLINE);
    assertThat(partial.complete()).isFalse();
    assertThat(partial.legs())
        .extracting(Leg::state)
        .containsExactly(Leg.State.TIMED_OUT, Leg.State.ANSWERED, Leg.State.TIMED_OUT);
  }

  @Test
  void theRequestAgainIsTheSameGatherAndAsksOnlyWhoHasNotReplied() {
    answering(north, q -> Mono.just("n"));
    DurableGather<String, String> gather = gather(results, s -> s);
    FlowHandle flow = gathering(gather);
    Message<byte[]> trip = trip();
    gather.scatter(trip).block(PATIENCE);
    await("the first reply", () -> flow.stats().acknowledged() == 1);
    gather.scatter(trip).block(PATIENCE);
    assertThat(south.depth().block(PATIENCE)).isEqualTo(2);
    assertThat(north.depth().block(PATIENCE)).isZero();
    answering(south, q -> Mono.just("s"));
    answering(east, q -> Mono.just("e"));
    awaitOneResult("n+s+e");
    await("duplicates too", () -> flow.stats().acknowledged() == 5);
    gather.scatter(trip).block(PATIENCE); // it is completed
    assertThat(received).hasSize(1);
  }

  @Test
  void repliesToNobodyAreForgotten() {
    FlowHandle flow = gathering(gather(results, s -> s));
    replies.send(trip()).block(PATIENCE);
    replies.send(trip().toBuilder().correlationId("unknown").build()).block(PATIENCE);
    await("both", () -> flow.stats().acknowledged() == 2);
    assertThat(received).isEmpty();
  }

  @Test
  void theCodeOfThePage() {
    MemoryChannel dead = this.dead;
    // #region durable
    DurableGather<String, String> quotes =
        DurableGather.over(
            "quotes",
            store,
            List.of(north, south, east), // whom to ask
            "replies", // where they reply, by the name that they know it as
            StringCodec.utf8(),
            (trip, gathered) -> String.join(", ", gathered.answers()),
            Outbound.encoding(StringCodec.utf8(), results),
            s -> s.within(Duration.ofMinutes(5)));

    FlowHandle gathering = Flow.from(replies).deadLetter(dead).gatherWith(quotes).start();
    // #endregion
    flows.add(gathering);
    // #region overdue
    Disposable ending =
        Flux.interval(Duration.ofSeconds(5))
            .onBackpressureDrop(tick -> {})
            .concatMap(tick -> quotes.finishOverdue().onErrorComplete())
            .subscribe();
    // #endregion
    for (MemoryChannel channel : List.of(north, south, east)) {
      answering(channel, q -> Mono.just(channel.name()));
    }
    quotes.scatter(trip()).block(PATIENCE);
    awaitOneResult("north, south, east");
    ending.dispose();
  }

  @Test
  void optionsAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> gather(results, s -> s.first(4)))
        .withMessage("first: 4 (expected: <= 3, the recipients)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> gather(results, s -> s.within(Duration.ZERO)));
  }
}
