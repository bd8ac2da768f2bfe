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

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.BytesCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.requestreply.ReplyMarks.What;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Two of a reply, a timeout and a cancel of the same request. */
public final class PendingStress {

  private PendingStress() {}

  /** A reply channel on which nothing comes. */
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
      return new ChannelInfo("replies", Set.of());
    }
  }

  /** A request, and what becomes of its one answer. */
  static class Waiting implements CoreSubscriber<byte[]> {
    final Requester<byte[]> requester =
        Requester.over(new Silent(), BytesCodec.bytes(), s -> s); // it has a bound
    final AtomicInteger fates = new AtomicInteger();
    final AtomicInteger ends = new AtomicInteger();
    final Message<byte[]> request = Message.of(new byte[0]).replyTo(requester.replyTo());
    final Pending<byte[]> pending = new Pending<>(this, requester, request, "questions");

    Waiting() {
      onSubscribe(pending);
      requester.add(pending);
      pending.request(1);
    }

    void reply() {
      pending.replied(ReplyMarks.reply(request, What.LAST, 0, new byte[0], false));
    }

    void report(III_Result r) {
      r.r1 = fates.get();
      r.r2 = ends.get();
      r.r3 = pending.isOpen() ? 1 : 0;
    }

    @Override
    public Context currentContext() {
      return Operators.enableOnDiscard(Context.empty(), answer -> fates.incrementAndGet());
    }

    @Override
    public void onSubscribe(Subscription s) {}

    @Override
    public void onNext(byte[] answer) {
      fates.incrementAndGet();
    }

    @Override
    public void onError(Throwable t) {
      ends.incrementAndGet();
    }

    @Override
    public void onComplete() {
      ends.incrementAndGet();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = "1, 1, 0",
      expect = ACCEPTABLE,
      desc = "the answer had one fate, the request one end")
  @Outcome(expect = FORBIDDEN, desc = "an answer was lost or told twice, or the request has no end")
  public static class ReplyAndTimeout extends Waiting {
    @Actor
    public void replied() {
      reply();
    }

    @Actor
    public void timedOut() {
      pending.expire();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the answer was quicker than the cancel")
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the cancel was quicker than the end")
  @Outcome(
      expect = FORBIDDEN,
      desc = "an answer was lost or told twice, or the request still waits")
  public static class ReplyAndCancel extends Waiting {
    @Actor
    public void replied() {
      reply();
    }

    @Actor
    public void cancelled() {
      pending.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "an end was quicker than the cancel")
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the cancel was quicker than an end")
  @Outcome(
      expect = FORBIDDEN,
      desc = "an answer was lost or told twice, or the request still waits")
  public static class ReplyAndTimeoutThenCancel extends Waiting {
    @Actor
    public void replied() {
      reply();
    }

    @Actor
    public void timedOutThenCancelled() {
      pending.expire();
      pending.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the timeout was quicker than the cancel")
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the cancel was quicker than the timeout")
  @Outcome(expect = FORBIDDEN, desc = "the late answer was lost, or the request still waits")
  public static class TimeoutAndCancel extends Waiting {
    @Actor
    public void timedOut() {
      pending.expire();
    }

    @Actor
    public void cancelled() {
      pending.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      reply();
      report(r);
    }
  }
}
