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
package dev.sluice.requestreply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.requestreply.ReplyMarks.What;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.test.util.RaceTestUtils;
import reactor.util.context.Context;

/** Every answer has one fate and every request one end, whoever comes at the same time. */
@Timeout(120)
class PendingRaceTest {

  private static final int ROUNDS = 5_000;
  private static final PayloadCodec<String> CODEC = StringCodec.utf8();

  /** A timer that the test fires, also when it was disposed of. */
  private static final class Alarm implements Scheduler {
    final AtomicReference<@Nullable Runnable> task = new AtomicReference<>();

    @Override
    public Disposable schedule(Runnable task) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      this.task.set(task);
      return () -> {};
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }
  }

  /** A reply channel without threads of its own. */
  private static final class Silent implements Inbound {
    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return Flux.never();
    }

    @Override
    public Mono<Long> depth() {
      return Mono.empty();
    }

    @Override
    public ChannelInfo info() {
      return new ChannelInfo("replies", Set.<Capability>of());
    }
  }

  private static final Outbound<String> NOWHERE =
      new Outbound<>() {
        @Override
        public String name() {
          return "questions";
        }

        @Override
        public Mono<Receipt> send(Message<String> message) {
          return Mono.never();
        }
      };

  /** What comes to the subscriber, and what is discarded. */
  private static final class Fates implements CoreSubscriber<String> {
    final Queue<String> emitted = new ConcurrentLinkedQueue<>();
    final Queue<String> discarded = new ConcurrentLinkedQueue<>();
    final AtomicInteger ends = new AtomicInteger();
    final AtomicInteger inside = new AtomicInteger();
    private final Context context =
        Operators.enableOnDiscard(Context.empty(), answer -> discarded.add((String) answer));
    @Nullable Subscription s;

    @Override
    public Context currentContext() {
      return context;
    }

    @Override
    public void onSubscribe(Subscription s) {
      this.s = s;
    }

    Subscription subscription() {
      return Objects.requireNonNull(s);
    }

    @Override
    public void onNext(String answer) {
      assertThat(inside.getAndIncrement()).as("signals at once").isZero();
      assertThat(ends).hasValue(0);
      emitted.add(answer);
      inside.decrementAndGet();
    }

    @Override
    public void onError(Throwable t) {
      onComplete();
    }

    @Override
    public void onComplete() {
      assertThat(inside.getAndIncrement()).as("signals at once").isZero();
      ends.incrementAndGet();
      inside.decrementAndGet();
    }
  }

  @Test
  void repliesAndTimeoutAndCancelAndRequestAndFailure() {
    for (int round = 0; round < ROUNDS; round++) {
      race(true, true);
      race(true, false);
      race(false, false);
    }
  }

  private static void race(boolean timeout, boolean cancel) {
    Alarm alarm = new Alarm();
    AtomicInteger decoded = new AtomicInteger();
    Requester<String> requester =
        Requester.over(new Silent(), counting(decoded), s -> s.timer(alarm));
    Fates fates = new Fates();
    Message<String> request = Message.of("?");
    Pending<String> pending = new Pending<>(fates, requester, request, "questions");
    fates.onSubscribe(pending);
    requester.add(pending);
    Message<?> sent = request.replyTo(requester.replyTo());
    List<Runnable> racers = new ArrayList<>();
    racers.add(
        () -> {
          pending.replied(reply(sent, What.VALUE, 0));
          pending.replied(reply(sent, What.VALUE, 1));
          pending.replied(reply(sent, What.LAST, 2));
        });
    racers.add(
        () -> {
          fates.subscription().request(2);
          fates.subscription().request(2);
        });
    if (timeout) {
      racers.add(pending::expire);
    }
    if (cancel) {
      racers.add(() -> fates.subscription().cancel());
    }
    Collections.shuffle(racers, ThreadLocalRandom.current());
    RaceTestUtils.race(racers.toArray(Runnable[]::new));

    assertThat(fates.emitted.size() + fates.discarded.size())
        .as("%s emitted, %s discarded", fates.emitted, fates.discarded)
        .isEqualTo(decoded.get());
    assertThat(requester.stats().pending()).isZero();
    assertThat(fates.ends.get()).isLessThanOrEqualTo(1);
    if (!cancel) {
      assertThat(fates.ends).hasValue(1);
      assertThat(fates.discarded.size()).isLessThanOrEqualTo(timeout ? 3 : 0);
    }
    if (!timeout && !cancel) {
      assertThat(fates.emitted).hasSize(3);
    }
  }

  private static PayloadCodec<String> counting(AtomicInteger decoded) {
    return new PayloadCodec<>() {
      @Override
      public byte[] encode(Message<String> message) {
        return CODEC.encode(message);
      }

      @Override
      public String decode(Message<byte[]> message) {
        decoded.incrementAndGet();
        return CODEC.decode(message);
      }

      @Override
      public String contentType() {
        return CODEC.contentType();
      }
    };
  }

  private static Message<byte[]> reply(Message<?> request, What what, long number) {
    return ReplyMarks.reply(
        request, what, number, ("" + number).getBytes(StandardCharsets.UTF_8), true);
  }

  /** Of requests that come while the requester stops, none is left. */
  @Test
  void aStopAndRequests() {
    for (int round = 0; round < ROUNDS; round++) {
      Requester<String> requester =
          Requester.over(TestChannel.create("replies"), CODEC, s -> s.maxPending(2));
      AtomicInteger ends = new AtomicInteger();
      Runnable ask =
          () ->
              requester
                  .request(NOWHERE, Message.of("?"))
                  .subscribe(v -> {}, e -> ends.incrementAndGet(), ends::incrementAndGet);
      RaceTestUtils.race(ask, ask, ask, () -> requester.stop(Duration.ZERO).subscribe());
      requester.stop(Duration.ZERO).block(Duration.ofSeconds(30));
      assertThat(ends).hasValue(3);
      assertThat(requester.stats().pending()).isZero();
    }
  }
}
