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

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.Recipient;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.message.Message;
import dev.sluice.message.ReplyTo;
import dev.sluice.requestreply.ReplyMarks.What;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Answers requests: a worker that sends what a function gives to where the request says, and is
 * done when that is confirmed. {@code Flow.replyWith} runs it and acknowledges the request then.
 *
 * <p>A function that gives a {@code Mono} answers with one reply; any other publisher answers with
 * as many as it emits, and then with an end. An error of the function is a reply too.
 *
 * <p>A request that comes again, after a crash or a send that failed, is worked on again and
 * answered with replies of the same ids, which the requester recognises. Work that must not be done
 * twice goes through {@link dev.sluice.idempotent.Idempotent}, with the id of the message as its
 * key, and replays its answer.
 *
 * @param <Q> the requests
 * @param <A> the answers
 */
@Experimental
public final class Replier<Q, A> {

  private static final Retry SENDING =
      Retry.backoff(3, Duration.ofMillis(50))
          .filter(
              failure ->
                  failure instanceof SendFailed failed
                      && failed.certainty() != SendFailed.Certainty.PERMANENT)
          .onRetryExhaustedThrow((spec, signal) -> signal.failure());

  private final Function<? super String, ? extends @Nullable Outbound<byte[]>> channels;
  private final PayloadCodec<A> codec;
  private final Function<? super Message<Q>, ? extends Publisher<? extends A>> answer;
  private final ReplierSpec spec;

  private Replier(
      Function<? super String, ? extends @Nullable Outbound<byte[]>> channels,
      PayloadCodec<A> codec,
      Function<? super Message<Q>, ? extends Publisher<? extends A>> answer,
      ReplierSpec spec) {
    this.channels = Objects.requireNonNull(channels, "channels");
    this.codec = Objects.requireNonNull(codec, "codec");
    this.answer = answer;
    this.spec = spec;
  }

  /**
   * Answers payloads.
   *
   * @see #ofMessages
   */
  public static <Q, A> Replier<Q, A> replier(
      Function<? super String, ? extends @Nullable Outbound<byte[]>> channels,
      PayloadCodec<A> codec,
      Function<? super Q, ? extends Publisher<? extends A>> answer,
      UnaryOperator<ReplierSpec> spec) {
    Objects.requireNonNull(answer, "answer");
    return ofMessages(channels, codec, message -> answer.apply(message.payload()), spec);
  }

  /**
   * Answers messages, for those who need their ids or headers.
   *
   * @param channels where replies may go: the channel of that name, or null if there is none. A
   *     name comes from whoever sent the request, so that this decides whether to trust it; {@link
   *     #among} has a list
   * @param codec writes the answers
   * @param answer called with the request, for each attempt. In the Context its publisher finds by
   *     when the answer is awaited, {@link Recipient#DEADLINE}, and is cancelled then
   * @param spec the options, from defaults: 64 requests at once
   */
  public static <Q, A> Replier<Q, A> ofMessages(
      Function<? super String, ? extends @Nullable Outbound<byte[]>> channels,
      PayloadCodec<A> codec,
      Function<? super Message<Q>, ? extends Publisher<? extends A>> answer,
      UnaryOperator<ReplierSpec> spec) {
    return new Replier<>(
        channels,
        codec,
        Objects.requireNonNull(answer, "answer"),
        Objects.requireNonNull(spec.apply(ReplierSpec.defaults()), "spec"));
  }

  /**
   * The channels of a list, by their names.
   *
   * @throws IllegalArgumentException if two have the same name
   */
  public static Function<String, @Nullable Outbound<byte[]>> among(
      List<? extends Outbound<byte[]>> channels) {
    Map<String, Outbound<byte[]>> byName = new HashMap<>();
    for (Outbound<byte[]> channel : channels) {
      if (byName.put(channel.name(), channel) != null) {
        throw new IllegalArgumentException(
            "channels: two called " + channel.name() + " (expected: different names)");
      }
    }
    return byName::get;
  }

  /** How many requests a flow works on at once. */
  public int concurrency() {
    return spec.concurrency();
  }

  /**
   * Works on a request and sends the replies.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipts of the replies
   *   <dt>Backpressure
   *   <dd>asks for up to 256 answers ahead of the receipts that are asked for
   *   <dt>Completes/Errors
   *   <dd>completes when all replies are confirmed, an error of the answer among them. Fails when a
   *       reply could not be sent (a single one is tried four times); as {@linkplain
   *       ErrorClassifier.Kind#POISON poison} of the reason {@link DeadLetterReason#UNROUTABLE}
   *       when it is not known where to reply, and of the reason {@link DeadLetterReason#EXPIRED}
   *       when nobody waits any more, before the work or in its middle; and with errors of the
   *       answer that are fatal to the process
   *   <dt>Cancel
   *   <dd>cancels the answer; replies that were sent are sent
   *   <dt>Discard
   *   <dd>answers that were not sent
   *   <dt>Threads
   *   <dd>receipts come on the thread of the reply channel
   * </dl>
   *
   * @param request with a place for the reply
   */
  public Flux<Receipt> reply(Message<Q> request) {
    return Flux.defer(
        () -> {
          Outbound<byte[]> target = target(request);
          Instant deadline = request.expiresAt();
          if (deadline == null) {
            return answer(request, target, null);
          }
          long left = deadline.toEpochMilli() - spec.timer().now(TimeUnit.MILLISECONDS);
          return left <= 0
              ? Flux.error(expired(request))
              : answer(request, target, Duration.ofMillis(left))
                  .contextWrite(context -> context.put(Recipient.DEADLINE, deadline));
        });
  }

  private Outbound<byte[]> target(Message<Q> request) {
    ReplyTo replyTo = request.replyTo();
    if (replyTo == null) {
      throw new RequestRefused(
          DeadLetterReason.UNROUTABLE,
          "request " + request.id() + " does not say where to reply (expected: a replyTo)");
    }
    Outbound<byte[]> target = channels.apply(replyTo.channel());
    if (target == null) {
      throw new RequestRefused(
          DeadLetterReason.UNROUTABLE,
          "request " + request.id() + " wants its reply on a channel that replies may not go to");
    }
    return target;
  }

  private Flux<Receipt> answer(
      Message<Q> request, Outbound<byte[]> target, @Nullable Duration left) {
    Publisher<? extends A> answers;
    try {
      answers = Objects.requireNonNull(answer.apply(request), "the function returned null");
    } catch (Throwable e) {
      answers = Mono.error(e);
    }
    return answers instanceof Mono<? extends A> single
        ? once(request, single, left)
            .flatMapMany(reply -> Mono.defer(() -> target.send(reply)).retryWhen(SENDING))
        : target.sendAll(many(request, answers, left));
  }

  private Mono<Message<byte[]>> once(
      Message<Q> request, Mono<? extends A> answer, @Nullable Duration left) {
    Mono<Message<byte[]>> reply =
        answer
            .<Message<byte[]>>map(value -> encoded(request, What.LAST, 0, value, false))
            .switchIfEmpty(Mono.fromSupplier(() -> end(request, 0, false)));
    return (left == null ? reply : reply.timeout(over(left), Mono.error(() -> expired(request))))
        .onErrorResume(failure -> refused(request, 0, failure, false));
  }

  private Flux<Message<byte[]>> many(
      Message<Q> request, Publisher<? extends A> answers, @Nullable Duration left) {
    AtomicLong count = new AtomicLong();
    Flux<Message<byte[]>> replies =
        Flux.from(answers)
            .<Message<byte[]>>map(
                value -> {
                  Message<byte[]> reply = encoded(request, What.VALUE, count.get(), value, true);
                  count.incrementAndGet();
                  return reply;
                })
            .concatWith(Mono.fromSupplier(() -> end(request, count.get(), true)));
    return (left == null ? replies : within(left, replies, request))
        .onErrorResume(failure -> refused(request, count.get(), failure, true));
  }

  private Message<byte[]> encoded(
      Message<Q> request, What what, long number, A value, boolean ordered) {
    Message<A> reply = ReplyMarks.reply(request, what, number, value, ordered);
    return reply.withPayload(codec.encode(reply), codec.contentType());
  }

  private static Message<byte[]> end(Message<?> request, long count, boolean ordered) {
    return ReplyMarks.reply(request, What.END, count, new byte[0], ordered);
  }

  /** Whether a failure is a reply: not if nobody waits for it, and not if the process is ill. */
  private Mono<Message<byte[]>> refused(
      Message<Q> request, long number, Throwable failure, boolean ordered) {
    return failure instanceof RequestRefused
            || ErrorClassifier.defaults().classify(failure) == ErrorClassifier.Kind.FATAL
        ? Mono.error(failure)
        : Mono.fromSupplier(
            () -> ReplyMarks.error(request, number, spec.refusalOf(failure), ordered));
  }

  private Mono<Long> over(Duration left) {
    return Mono.delay(left, spec.timer());
  }

  /** An other that fails would not cancel the answers; so it ends them, and that fails. */
  private <R> Flux<R> within(Duration left, Flux<R> replies, Message<Q> request) {
    AtomicBoolean late = new AtomicBoolean();
    return replies
        .takeUntilOther(over(left).doOnNext(tick -> late.set(true)))
        .concatWith(Mono.defer(() -> late.get() ? Mono.error(expired(request)) : Mono.empty()));
  }

  private static RequestRefused expired(Message<?> request) {
    return new RequestRefused(
        DeadLetterReason.EXPIRED,
        "request " + request.id() + ": nobody waits for its reply any more");
  }
}
