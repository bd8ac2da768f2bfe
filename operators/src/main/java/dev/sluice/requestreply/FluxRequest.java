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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Recipient;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** A request that is sent for each subscription, and its replies. */
final class FluxRequest<Q, A> extends Flux<A> implements Scannable {

  private final Requester<A> requester;
  private final Outbound<Q> to;
  private final Message<Q> request;

  FluxRequest(Requester<A> requester, Outbound<Q> to, Message<Q> request) {
    this.requester = requester;
    this.to = to;
    this.request = request;
  }

  /** The table has it before it is sent, because the reply may be quicker than the receipt. */
  @Override
  public void subscribe(CoreSubscriber<? super A> actual) {
    Context context = actual.currentContext();
    Scheduler timer = requester.spec.timer();
    Instant now = Instant.ofEpochMilli(timer.now(TimeUnit.MILLISECONDS));
    Instant deadline = deadline(now, context);
    Duration left = Duration.between(now, deadline);
    if (left.isNegative() || left.isZero()) {
      Operators.error(
          actual,
          new TimeoutException(
              "request " + request.id() + " to " + to.name() + ": its deadline has passed"));
      return;
    }
    Pending<A> pending = new Pending<>(actual, requester, request, to.name());
    actual.onSubscribe(pending);
    try {
      requester.add(pending);
    } catch (RuntimeException e) {
      pending.fail(e);
    }
    if (!pending.isOpen()) {
      return;
    }
    try {
      pending.effort(timer.schedule(pending::expire, left.toNanos(), TimeUnit.NANOSECONDS));
    } catch (RejectedExecutionException e) {
      pending.fail(e);
      return;
    }
    Message<Q> addressed =
        request.toBuilder().replyTo(requester.replyTo()).expiresAt(deadline).build();
    pending.effort(
        Mono.defer(() -> to.send(addressed))
            .subscribe(null, failure -> sendFailed(pending, failure), null, context));
  }

  private Instant deadline(Instant now, Context context) {
    Instant deadline = now.plus(requester.spec.timeout());
    deadline = earlier(deadline, request.expiresAt());
    Object set = context.<Object>getOrDefault(Recipient.DEADLINE, deadline);
    return earlier(deadline, set instanceof Instant asked ? asked : null);
  }

  private static Instant earlier(Instant time, @Nullable Instant other) {
    return other != null && other.isBefore(time) ? other : time;
  }

  private static void sendFailed(Pending<?> pending, Throwable failure) {
    if (failure instanceof SendFailed failed && !failed.isDefinite()) {
      pending.inDoubt(failure);
    } else {
      pending.fail(failure);
    }
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return to.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.ASYNC;
    }
    return null;
  }
}
