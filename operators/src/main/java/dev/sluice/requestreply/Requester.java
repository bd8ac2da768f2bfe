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
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Recipient;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.message.ReplyTo;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Asks over channels: each request says where and by when its reply is awaited, and its answers
 * come back as the values of the publisher that sent it.
 *
 * <p>A requester listens to one reply channel for all its requests, from {@link #over} until {@link
 * #stop}. The channel is its own, or it brings every reply to every instance that listens, such as
 * a Kafka topic which each instance reads in a group of its own: replies that are for another
 * instance, or for the time before a restart, are acknowledged and counted, because nobody else
 * waits for them here. A queue that several instances share out among them would lose replies.
 *
 * <p>Whoever can write to the reply channel and has seen a request can answer it. Nobody else can:
 * a reply must repeat what the request says, among which a random word.
 *
 * <p>Thread-safe.
 *
 * @param <A> the answers
 */
@Experimental
public final class Requester<A> implements Metered {

  private static final Logger log = LoggerFactory.getLogger(Requester.class);

  /*
   * Threads: any. The table has what waits; a request leaves it once, by the CAS on its end.
   *
   * waiting  the number of requests in the table, raised before one is put in
   * closed   null while requests are taken; why not any more. Written before the table is emptied,
   *          and read after a request was put into it, so that one of the two sees the other; the
   *          end of a request is read then too, for the same reason
   */

  final RequesterSpec spec;
  private final Inbound replies;
  private final PayloadCodec<A> codec;
  private final ReplyTo replyTo;
  private final Map<String, Pending<A>> table = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicReference<@Nullable RequesterStopped> closed = new AtomicReference<>();
  private final Sinks.Empty<Void> idle = Sinks.empty();
  private final Sinks.One<Duration> stopReceiving = Sinks.one();
  private final Sinks.Empty<Void> terminated = Sinks.empty();

  private final LongAdder answered = new LongAdder();
  private final LongAdder late = new LongAdder();
  private final LongAdder foreign = new LongAdder();
  private final LongAdder duplicates = new LongAdder();
  private final LongAdder timedOut = new LongAdder();

  private Requester(Inbound replies, PayloadCodec<A> codec, RequesterSpec spec) {
    this.replies = replies;
    this.codec = codec;
    this.spec = spec;
    String channel = spec.replyChannel();
    this.replyTo =
        new ReplyTo(
            channel == null ? replies.info().name() : channel, UUID.randomUUID().toString());
  }

  /**
   * A requester that begins to listen.
   *
   * @param replies the reply channel: of this instance, or one of which it gets everything. Where
   *     it can be told where to begin, it begins with what is there already: a reply must not come
   *     before somebody listens
   * @param codec reads the answers
   * @param spec the options, from defaults: a timeout of 30 s, 10 000 requests that wait, 256
   *     answers of each that wait for their subscriber
   */
  public static <A> Requester<A> over(
      Inbound replies, PayloadCodec<A> codec, UnaryOperator<RequesterSpec> spec) {
    Requester<A> requester =
        new Requester<>(
            Objects.requireNonNull(replies, "replies"),
            Objects.requireNonNull(codec, "codec"),
            Objects.requireNonNull(spec.apply(RequesterSpec.defaults()), "spec"));
    requester.listen();
    return requester;
  }

  // == requests ==

  /**
   * Sends a request and gives its first answer.
   *
   * <p><img class="marble" src="doc-files/request.svg" alt="Each request gets its own answer,
   * whatever the order in which they come; one that comes too late is counted">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the first answer, or nothing if the replier has ended without one
   *   <dt>Backpressure
   *   <dd>the request is sent at once, the answer waits for its request
   *   <dt>Completes/Errors
   *   <dd>fails with {@link RequestFailed} when the replier says that it has failed; with a {@link
   *       java.util.concurrent.TimeoutException} when the end has not come in time; with {@link
   *       dev.sluice.channel.SendFailed} when the request certainly was not sent (otherwise its
   *       replies are awaited); with {@link RequesterBusy} and {@link RequesterStopped}, when it
   *       was not sent either; with what the codec throws; and with an {@link
   *       IllegalStateException} when a request of the same id waits already, or a reply before
   *       this one is missing
   *   <dt>Cancel
   *   <dd>forgets the request, which is not sent if it was not yet; replies that come are late. The
   *       replier hears nothing of it
   *   <dt>Discard
   *   <dd>answers that were not emitted
   *   <dt>Threads
   *   <dd>on the thread of the reply channel, of the timer, or of the subscriber that requests
   * </dl>
   *
   * @param to the channel on which repliers receive
   * @param request what is asked. Sent with the same id for each subscription, so that a replier
   *     can recognise it; its {@code replyTo} is set and its expiry brought forward
   */
  public <Q> Mono<A> request(Outbound<Q> to, Message<Q> request) {
    return stream(to, request).next();
  }

  /**
   * Sends a request and gives all its answers.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the answers in their order, each once, however often it comes
   *   <dt>Backpressure
   *   <dd>the request is sent at once; up to {@link RequesterSpec#maxBuffered} answers wait to be
   *       asked for, and one more fails the request
   *   <dt>Completes/Errors
   *   <dd>completes with the end that the replier tells. Fails as {@link #request}, after the
   *       answers that have come, and with an overflow
   *   <dt>Cancel
   *   <dd>as there
   *   <dt>Discard
   *   <dd>as there
   *   <dt>Threads
   *   <dd>as there
   * </dl>
   *
   * @param to as there
   * @param request as there
   */
  public <Q> Flux<A> stream(Outbound<Q> to, Message<Q> request) {
    return Flux.from(
        new FluxRequest<>(
            this, Objects.requireNonNull(to, "to"), Objects.requireNonNull(request, "request")));
  }

  /**
   * A channel as someone who can be asked, for a scatter among others; called what the channel is.
   */
  public <Q> Recipient<Q, A> recipient(Outbound<Q> to) {
    return Recipient.of(to.name(), question -> request(to, Message.of(question)));
  }

  /**
   * What a reply says that was not awaited here but kept as a message.
   *
   * @param replier what the error calls who replied
   * @param codec reads the answer
   * @return the answer; null if the replier has ended without one
   * @throws RequestFailed if the replier says that it has failed
   * @throws dev.sluice.codec.UnreadablePayload if the answer cannot be read
   */
  public static <A> @Nullable A answerIn(
      String replier, Message<byte[]> reply, PayloadCodec<A> codec) {
    ReplyMarks.What what = ReplyMarks.whatOf(reply);
    if (what == ReplyMarks.What.ERROR) {
      throw new RequestFailed(replier, ReplyMarks.refusalOf(reply));
    }
    return what == ReplyMarks.What.END ? null : codec.decode(reply);
  }

  /** The token that a reply repeats, of the {@link ReplyTo} of its request; null if none. */
  public static @Nullable String tokenIn(Message<?> reply) {
    return ReplyMarks.tokenOf(reply);
  }

  // == the handle ==

  /**
   * What it is doing.
   *
   * @param pending requests that wait for replies
   * @param maxPending the bound on them
   * @param answered answers that came while they were awaited
   * @param timedOut requests whose end has not come in time
   * @param late replies for which nobody waited any more
   * @param foreign replies for another instance, or for nobody
   * @param duplicates replies that had come before
   * @param listening whether replies are received, or will be when the channel can be reached
   */
  public record Stats(
      int pending,
      int maxPending,
      long answered,
      long timedOut,
      long late,
      long foreign,
      long duplicates,
      boolean listening) {}

  /** What it is doing, for gauges. */
  public Stats stats() {
    return new Stats(
        waiting.get(),
        spec.maxPending(),
        answered.sum(),
        timedOut.sum(),
        late.sum(),
        foreign.sum(),
        duplicates.sum(),
        closed.get() == null);
  }

  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("channel", replyTo.channel());
    mine.gauge("sluice.rpc.pending", "requests", "wait for replies", waiting::get);
    mine.counter("sluice.rpc.answered", "answers", "came while they were awaited", answered::sum);
    mine.counter("sluice.rpc.timeouts", "requests", "had no end in time", timedOut::sum);
    mine.counter("sluice.rpc.late", "replies", "came when nobody waited any more", late::sum);
    mine.counter("sluice.rpc.foreign", "replies", "were for another instance", foreign::sum);
    mine.counter("sluice.rpc.duplicates", "replies", "had come before", duplicates::sum);
  }

  /**
   * Stops in good order. Hot and idempotent: no further request is taken from the call on; the
   * first time given counts.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the reply channel is closed. Requests that still wait when the time is up
   *       fail with {@link RequesterStopped}. Never fails
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that closed the reply channel
   * </dl>
   *
   * @param grace how long requests that are out may still wait, zero or more
   */
  public Mono<Void> stop(Duration grace) {
    Times.notNegative("grace", grace);
    if (close(null)) {
      if (waiting.get() == 0) {
        idle.tryEmitEmpty();
      }
      Mono.firstWithSignal(idle.asMono(), Mono.delay(grace, spec.timer()).then())
          .onErrorComplete() // a timer that takes no tasks any more: no time is left
          .subscribe(
              null,
              null,
              () -> {
                failAll();
                stopReceiving.tryEmitValue(Duration.ZERO);
              });
    }
    return terminated.asMono();
  }

  // == the table ==

  ReplyTo replyTo() {
    return replyTo;
  }

  /** Lets a request wait, or says why not: then it is to be failed, which forgets it. */
  void add(Pending<A> pending) {
    if (waiting.incrementAndGet() > spec.maxPending()) {
      left();
      throw new RequesterBusy(spec.maxPending());
    }
    if (table.putIfAbsent(pending.id(), pending) != null) {
      left();
      throw new IllegalStateException(
          "request " + pending.id() + " waits already (expected: one at a time)");
    }
    RequesterStopped stopped = closed.get();
    if (stopped != null) {
      throw stopped;
    }
    if (!pending.isOpen()) { // cancelled meanwhile, when it was not in the table yet
      remove(pending);
    }
  }

  /** Forgets a request that waits no more, if it is known. */
  void remove(Pending<A> pending) {
    if (table.remove(pending.id(), pending)) {
      left();
    }
  }

  private void left() {
    if (waiting.decrementAndGet() == 0 && closed.get() != null) {
      idle.tryEmitEmpty();
    }
  }

  A decode(Message<byte[]> reply) {
    A answer = Objects.requireNonNull(codec.decode(reply), "the codec gave null");
    answered.increment();
    return answer;
  }

  void duplicate() {
    duplicates.increment();
  }

  void timedOut() {
    timedOut.increment();
  }

  // == the reply channel ==

  private void listen() {
    ReceiveOptions options =
        ReceiveOptions.defaults().deadLetters(new Expired()).stop(stopReceiving.asMono());
    replies
        .receive(options)
        .doOnNext(this::receive)
        .doOnError(e -> log.warn("replies on {} cannot be received", replyTo.channel(), e))
        .retryWhen(spec.restart())
        .subscribe(null, this::ended, () -> ended(null));
  }

  private void receive(Delivery<byte[]> delivery) {
    Message<byte[]> reply = delivery.message();
    String token = ReplyMarks.tokenOf(reply);
    String id = ReplyMarks.requestOf(reply);
    if (id == null || !Objects.equals(token, replyTo.token())) {
      foreign.increment();
    } else {
      Pending<A> pending = table.get(id);
      if (pending == null) {
        late.increment();
      } else {
        pending.replied(reply);
      }
    }
    delivery.settlement().settle(Outcome.ack());
  }

  private void ended(@Nullable Throwable failure) {
    close(failure);
    failAll();
    terminated.tryEmitEmpty();
  }

  private boolean close(@Nullable Throwable cause) {
    return closed.compareAndSet(null, new RequesterStopped(replyTo.channel(), cause));
  }

  private void failAll() {
    RequesterStopped why = Objects.requireNonNull(closed.get());
    table.values().forEach(pending -> pending.fail(why));
  }

  /** Replies that the channel itself finds expired have nobody who waits. */
  private final class Expired implements Outbound<byte[]> {

    @Override
    public String name() {
      return "late replies of " + replyTo.channel();
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.fromSupplier(
          () -> {
            late.increment();
            return new Receipt(name(), message.id(), "forgotten");
          });
    }
  }
}
