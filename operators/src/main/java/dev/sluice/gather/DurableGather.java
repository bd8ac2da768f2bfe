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
package dev.sluice.gather;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.message.ReplyTo;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.requestreply.Requester;
import dev.sluice.store.Aggregation;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.AggregationStore.Claimed;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A scatter-gather over channels that outlives its processes: what was asked, and what was replied,
 * is in a store; whoever receives the last reply sends the result, which is a message too.
 *
 * <p>A {@code Mono} dies with its process, and so does {@link ScatterGather}; this one has nobody
 * who waits. {@link #scatter} sends the request to every channel; replies come to one gather queue,
 * from which any number of processes receive ({@code Flow.gatherWith}); {@link #finishOverdue},
 * called now and then, ends what has taken too long, with what has come. The result of a request is
 * sent at least once, always under the same id and made of the same replies, so that an idempotent
 * receiver has it once.
 *
 * <pre>{@code
 * DurableGather<Offer, Offer> quotes =
 *     DurableGather.over("quotes", store, airlines, "quotes.replies", offers,
 *         (trip, gathered) -> cheapest(gathered.answers()), results, s -> s.within(ofMinutes(5)));
 * Mono<Void> asked = quotes.scatter(trip);
 * Flow.from(replies).gatherWith(quotes).start();
 * }</pre>
 *
 * @param <R> the answers
 * @param <A> the results
 */
@Experimental
public final class DurableGather<R, A> implements Metered {

  private static final int BATCH = 16;

  private final String scope;
  private final AggregationStore store;
  private final List<Outbound<byte[]>> recipients;
  private final String replyChannel;
  private final PayloadCodec<R> answers;
  private final BiFunction<? super Message<byte[]>, ? super Gathered<R>, ? extends A> combine;
  private final Outbound<A> results;
  private final DurableGatherSpec spec;

  private final LongAdder completed = new LongAdder();
  private final LongAdder overdue = new LongAdder();
  private final LongAdder duplicates = new LongAdder();
  private final LongAdder late = new LongAdder();

  private DurableGather(
      String scope,
      AggregationStore store,
      List<? extends Outbound<byte[]>> recipients,
      String replyChannel,
      PayloadCodec<R> answers,
      BiFunction<? super Message<byte[]>, ? super Gathered<R>, ? extends A> combine,
      Outbound<A> results,
      DurableGatherSpec spec) {
    this.scope = new AggregationKey(scope, "checks the scope").scope();
    this.store = Objects.requireNonNull(store, "store");
    this.recipients = List.copyOf(recipients);
    this.replyChannel = ReplyTo.channel(replyChannel).channel();
    this.answers = Objects.requireNonNull(answers, "answers");
    this.combine = Objects.requireNonNull(combine, "combine");
    this.results = Objects.requireNonNull(results, "results");
    this.spec = spec;
    Aggregation.requireLegs(recipients.stream().map(Outbound::name).toList());
    if (spec.first() > recipients.size()) {
      throw new IllegalArgumentException(
          "first: " + spec.first() + " (expected: <= " + recipients.size() + ", the recipients)");
    }
  }

  /**
   * A gather.
   *
   * @param scope whose requests these are in the store, 1 to 100 characters. Gathers of one scope
   *     complete each other's requests, so they must be the same
   * @param store where requests and replies are kept
   * @param recipients who is asked, at most {@value Aggregation#MAX_LEGS}, each with a name of its
   *     own of at most {@value Aggregation#MAX_LEG} characters
   * @param replyChannel what repliers know the gather queue as
   * @param answers reads answers
   * @param combine what becomes of them; called again with the same if a process dies. An exception
   *     is the failure of the last reply, whose message is tried again
   * @param results where the result goes
   * @param spec the options, from defaults: 1 min for all replies, a lease of 30 s
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static <R, A> DurableGather<R, A> over(
      String scope,
      AggregationStore store,
      List<? extends Outbound<byte[]>> recipients,
      String replyChannel,
      PayloadCodec<R> answers,
      BiFunction<? super Message<byte[]>, ? super Gathered<R>, ? extends A> combine,
      Outbound<A> results,
      UnaryOperator<DurableGatherSpec> spec) {
    return new DurableGather<>(
        scope,
        store,
        recipients,
        replyChannel,
        answers,
        combine,
        results,
        Objects.requireNonNull(spec.apply(DurableGatherSpec.defaults()), "spec"));
  }

  /** How many replies a flow works on at once. */
  public int concurrency() {
    return spec.concurrency();
  }

  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("gather", scope);
    mine.counter("sluice.gather.completed", "gathers", "were completed here", completed::sum);
    mine.counter("sluice.gather.overdue", "gathers", "of these lacked a reply", overdue::sum);
    mine.counter(
        "sluice.gather.duplicates", "replies", "of one leg after its first", duplicates::sum);
    mine.counter("sluice.gather.late", "replies", "came when nobody waited any more", late::sum);
  }

  // == scatter ==

  /**
   * Remembers a request and sends it to all who have not replied to it. To be acknowledged, where
   * the request is a message, when this completes; if it comes again, it is the same gather.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when all sends are confirmed; fails with the first failure of the store or of a
   *       send: then some may have been asked, and it is to be tried again
   *   <dt>Cancel
   *   <dd>what was sent is sent
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store or of a recipient
   * </dl>
   *
   * @param request with a payload of at most {@value Aggregation#MAX_PAYLOAD} bytes; its id is that
   *     of the gather
   */
  public Mono<Void> scatter(Message<byte[]> request) {
    List<String> legs = recipients.stream().map(Outbound::name).toList();
    return Mono.defer(() -> store.open(key(request.id()), request, legs, spec.within()))
        .flatMap(
            gather -> {
              if (gather.state() != Aggregation.State.OPEN) {
                return Mono.empty();
              }
              Set<String> missing = new HashSet<>(gather.missing());
              Mono<Void> asked =
                  Flux.fromIterable(recipients)
                      .filter(recipient -> missing.contains(recipient.name()))
                      .flatMap(recipient -> recipient.send(question(gather, recipient.name())))
                      .then();
              return missing.isEmpty() ? end(gather).then() : asked;
            });
  }

  /** The same id each time: a recipient that was asked before knows it. */
  private Message<byte[]> question(Aggregation gather, String leg) {
    Message<byte[]> request = gather.request();
    Instant now = Instant.ofEpochMilli(spec.timer().now(TimeUnit.MILLISECONDS));
    return request.toBuilder()
        .id(MessageIds.derived(request.id(), "leg " + leg))
        .correlationId(request.id())
        .causationId(request.id())
        .replyTo(new ReplyTo(replyChannel, leg))
        .expiresAt(now.plus(gather.left()))
        .build();
  }

  // == gather ==

  /**
   * Counts a reply, and ends the gather if it was the last one wanted.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt of the result, from whoever ended the gather
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the reply counts, or need not; fails with failures of the store, of {@code
   *       combine} and of the send: then the reply is to be tried again, which does no harm
   *   <dt>Cancel
   *   <dd>what was begun ends, or is taken over after a lease
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store or of the channel of results
   * </dl>
   */
  public Mono<Receipt> reply(Message<byte[]> reply) {
    String request = reply.correlationId();
    String leg = Requester.tokenIn(reply);
    if (request == null || leg == null) {
      late.increment();
      return Mono.empty();
    }
    return Mono.defer(() -> store.add(key(request), leg, reply))
        .switchIfEmpty(Mono.fromRunnable(late::increment))
        .flatMap(
            added -> {
              switch (added.verdict()) {
                case COUNTED -> {}
                case DUPLICATE -> duplicates.increment();
                default -> late.increment();
              }
              Aggregation gather = added.aggregation();
              return gather.state() != Aggregation.State.COMPLETED && isEnough(gather)
                  ? end(gather)
                  : Mono.empty();
            });
  }

  /**
   * Ends what has taken too long, with the replies that have come, and what somebody was ending who
   * has died; a few at a time, until there are no more. To be called now and then by every process.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipts of the results
   *   <dt>Backpressure
   *   <dd>ends no more than are asked for, and one
   *   <dt>Completes/Errors
   *   <dd>completes when nothing is overdue; fails with the first failure, after which what was
   *       being ended is taken up by the next call
   *   <dt>Cancel
   *   <dd>what was begun is taken over after a lease
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store or of the channel of results
   * </dl>
   */
  public Flux<Receipt> finishOverdue() {
    return Flux.defer(() -> store.overdue(scope, spec.lease(), BATCH))
        .collectList()
        .flatMapMany(
            claimed ->
                claimed.isEmpty()
                    ? Flux.<Receipt>empty()
                    : Flux.fromIterable(claimed)
                        .concatMap(this::finish, 1)
                        .concatWith(claimed.size() < BATCH ? Flux.empty() : finishOverdue()));
  }

  private boolean isEnough(Aggregation gather) {
    return gather.missing().isEmpty()
        || (spec.first() > 0
            && gathered(gather).legs().stream()
                    .filter(leg -> leg.state() == Leg.State.ANSWERED)
                    .count()
                >= spec.first());
  }

  /** Empty if somebody else is at it: who, if not it, then the overdue will see to it. */
  private Mono<Receipt> end(Aggregation gather) {
    return store.close(gather.key(), spec.lease()).flatMap(this::finish);
  }

  private Mono<Receipt> finish(Claimed claimed) {
    return Mono.defer(() -> results.send(result(claimed.aggregation())))
        .flatMap(
            receipt ->
                store
                    .complete(claimed, null, spec.retention())
                    .doOnNext(mine -> count(mine, claimed.aggregation()))
                    .thenReturn(receipt))
        .onErrorResume(
            failure -> store.release(claimed).onErrorComplete().then(Mono.error(failure)));
  }

  private void count(boolean mine, Aggregation gather) {
    if (mine) {
      completed.increment();
      if (!gathered(gather).complete()) {
        overdue.increment();
      }
    }
  }

  /** Made of the same replies each time, under the same id. */
  private Message<A> result(Aggregation gather) {
    A result =
        Objects.requireNonNull(
            combine.apply(gather.request(), gathered(gather)), "the function returned null");
    return gather.request().child("gathered", result).toBuilder().expiresAt(null).build();
  }

  private Gathered<R> gathered(Aggregation gather) {
    List<Leg<R>> legs = new ArrayList<>();
    int answered = 0;
    for (String name : gather.legs()) {
      Leg<R> leg = leg(name, gather);
      legs.add(leg);
      answered += leg.state() == Leg.State.ANSWERED ? 1 : 0;
    }
    boolean all = gather.missing().isEmpty();
    boolean first = spec.first() > 0 && answered >= spec.first();
    Completion why =
        first
            ? Completion.FIRST
            : !all ? Completion.DEADLINE : spec.first() > 0 ? Completion.EXHAUSTED : Completion.ALL;
    boolean complete = spec.first() > 0 ? first : legs.stream().allMatch(Leg::responded);
    Duration took = spec.within().minus(gather.left());
    return new Gathered<>(legs, why, complete, null, took.isNegative() ? Duration.ZERO : took);
  }

  private Leg<R> leg(String name, Aggregation gather) {
    Message<byte[]> reply = null;
    for (Aggregation.Reply counted : gather.replies()) {
      if (counted.leg().equals(name)) {
        reply = counted.message();
      }
    }
    if (reply == null) {
      return new Leg<>(name, Leg.State.TIMED_OUT, null, null, Duration.ZERO);
    }
    @Nullable R answer;
    try {
      answer = Requester.answerIn(name, reply, answers);
    } catch (RuntimeException e) {
      return new Leg<>(name, Leg.State.FAILED, null, e, Duration.ZERO);
    }
    return new Leg<>(
        name, answer == null ? Leg.State.EMPTY : Leg.State.ANSWERED, answer, null, Duration.ZERO);
  }

  private AggregationKey key(String request) {
    return new AggregationKey(scope, request);
  }
}
