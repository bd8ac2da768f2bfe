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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What request/reply promises over any channel: every request gets its own answers, in order and
 * once, or an end in time; nothing of it is left behind; a request outlives its replier, and an
 * expired one is not worked on.
 *
 * <p>Time is real. A subclass says how channels are made, and what asks and replies over them.
 */
@Experimental
@Timeout(180)
@ExtendWith(LeakCheck.class)
public abstract class ReplyContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** What asks. */
  public interface Asker {

    /** The first answer, as bytes. */
    Mono<byte[]> ask(Message<byte[]> request);

    /** All answers. */
    Flux<byte[]> askForMany(Message<byte[]> request);

    /** How many requests wait. */
    int pending();

    /** How many replies came when nobody waited any more. */
    long late();

    /** Stops listening. */
    Mono<Void> stop(Duration grace);
  }

  /** A new channel without messages. */
  protected abstract Channel channel();

  /** Starts to listen for replies. */
  protected abstract Asker asker(Outbound<byte[]> requests, Inbound replies, Duration timeout);

  /** Starts to answer, with replies to one channel only. */
  protected abstract FlowHandle replier(
      Inbound requests,
      Function<Message<byte[]>, Publisher<byte[]>> answer,
      Outbound<byte[]> replies,
      Outbound<byte[]> deadLetters);

  @SuppressWarnings("NullAway.Init") // in open()
  private Channel requests;

  @SuppressWarnings("NullAway.Init") // in open()
  private Channel replies;

  @SuppressWarnings("NullAway.Init") // in open()
  private Channel dead;

  private final List<FlowHandle> repliers = new ArrayList<>();
  private final List<Asker> askers = new ArrayList<>();
  private final Queue<String> worked = new ConcurrentLinkedQueue<>();

  @BeforeEach
  final void open() {
    requests = channel();
    replies = channel();
    dead = channel();
  }

  @AfterEach
  final void end() {
    repliers.forEach(flow -> flow.stop(Duration.ZERO).block(PATIENCE));
    askers.forEach(asker -> asker.stop(Duration.ZERO).block(PATIENCE));
    assertThat(askers).allSatisfy(asker -> assertThat(asker.pending()).isZero());
  }

  private Asker asking(Duration timeout) {
    Asker asker = asker(requests, replies, timeout);
    askers.add(asker);
    return asker;
  }

  private FlowHandle answering(Function<String, Publisher<String>> answer) {
    FlowHandle flow =
        replier(
            requests,
            request -> {
              worked.add(text(request.payload()));
              Publisher<String> answers = answer.apply(text(request.payload()));
              return answers instanceof Mono<String> one
                  ? one.map(ReplyContract::bytes)
                  : Flux.from(answers).map(ReplyContract::bytes);
            },
            replies,
            dead);
    repliers.add(flow);
    return flow;
  }

  private static Message<byte[]> question(String text) {
    return Message.of(bytes(text));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
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

  @Test
  void everyRequestGetsItsOwnAnswersOnceAndInOrder() {
    answering(
        question ->
            question.startsWith("many")
                ? Flux.range(0, 40).map(i -> question + ' ' + i)
                : question.equals("fails")
                    ? Mono.error(new IllegalStateException("no idea"))
                    : Mono.just("re " + question)
                        .delayElement(Duration.ofMillis(question.hashCode() & 7)));
    Asker asker = asking(PATIENCE);

    List<String> answers =
        Flux.range(0, 60)
            .flatMap(
                i ->
                    asker
                        .ask(question("q" + i))
                        .map(answer -> "q" + i + ' ' + text(answer))
                        .subscribeOn(Schedulers.parallel()),
                32)
            .collectList()
            .blockOptional(PATIENCE)
            .orElseThrow();
    assertThat(answers)
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 60).mapToObj(i -> "q" + i + " re q" + i).toList());

    for (String many : List.of("many a", "many b")) {
      assertThat(
              asker
                  .askForMany(question(many))
                  .map(ReplyContract::text)
                  .collectList()
                  .block(PATIENCE))
          .isEqualTo(IntStream.range(0, 40).mapToObj(i -> many + ' ' + i).toList());
    }
    String failure =
        asker
            .ask(question("fails"))
            .map(ReplyContract::text)
            .onErrorResume(e -> Mono.just(String.valueOf(e.getMessage())))
            .block(PATIENCE);
    assertThat(failure).contains("no idea");
    assertThat(asker.pending()).isZero();
    assertThat(asker.late()).isZero();
    assertThat(worked).hasSize(63);
  }

  @Test
  void aRequestOutlivesItsReplierAndAReplyThatNobodyAwaitsIsLate() {
    FlowHandle first = answering(question -> Mono.never());
    Asker asker = asking(PATIENCE);
    Mono<byte[]> answer = asker.ask(question("a")).cache();
    answer.subscribe();
    Disposable givenUp = asker.ask(question("given up")).subscribe();
    await("the first replier to have both", () -> worked.size() >= 2);
    givenUp.dispose();
    first.stop(Duration.ZERO).block(PATIENCE);

    answering(question -> Mono.just("second " + question));
    assertThat(text(answer.blockOptional(PATIENCE).orElseThrow())).isEqualTo("second a");
    await("the reply to what was given up", () -> asker.late() == 1);
    assertThat(asker.pending()).isZero();
  }

  @Test
  void anExpiredRequestIsNotWorkedOn() {
    Asker hasty = asking(Duration.ofMillis(50));
    Throwable failure =
        hasty
            .ask(question("too late"))
            .<Throwable>map(answer -> new AssertionError("answered"))
            .onErrorResume(Mono::just)
            .block(PATIENCE);
    assertThat(failure).isInstanceOf(TimeoutException.class);
    hasty.stop(Duration.ZERO).block(PATIENCE);

    answering(question -> Mono.just("re " + question));
    Asker asker = asking(PATIENCE);
    assertThat(text(asker.ask(question("in time")).blockOptional(PATIENCE).orElseThrow()))
        .isEqualTo("re in time");
    assertThat(worked).containsExactly("in time");
  }
}
