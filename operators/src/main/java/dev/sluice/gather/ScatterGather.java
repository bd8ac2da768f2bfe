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
import dev.sluice.compete.CompetingConsumers;
import dev.sluice.convoy.DeliveryConvoy;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Scatter-gather: asks several recipients the same question and gathers what comes back, until it
 * is what was wanted or the time is up.
 *
 * <p>Compared with its neighbours: {@code Mono.zip} fails with the first failure and is empty with
 * the first empty one; {@code Flux.merge} with a {@code timeout} for each has a timer for each, and
 * nobody can tell from the result who did not answer. Here every recipient has a typed outcome,
 * there is one timer for everything that is due, and a result that lacks something says so.
 *
 * <p>A scatter is assembled once and asked many times, from any thread: the bulkheads of its
 * recipients are shared by all its gathers. Everything else belongs to one subscription. It is a
 * function too, for {@link Flux#transform}.
 *
 * @param <T> the requests
 * @param <R> the answers
 */
public final class ScatterGather<T, R> implements Function<Flux<T>, Flux<Gathered<R>>> {

  final Recipients<T, R> recipients;
  final ScatterSpec<R> spec;
  final @Nullable Bulkheads bulkheads;
  final LongAdder running = new LongAdder();
  private final LongAdder late = new LongAdder();

  private ScatterGather(Recipients<T, R> recipients, ScatterSpec<R> spec) {
    this.recipients = recipients;
    this.spec = spec;
    this.bulkheads = spec.bulkheads();
  }

  /**
   * Assembles a scatter.
   *
   * @param recipients whom to ask
   * @param spec the options, from defaults: all answers are wanted, no deadline, no timeout, no
   *     retry, no bulkhead, no hedge; an incomplete gather is emitted as it is
   * @throws IllegalArgumentException if an option is out of range, or more answers are wanted than
   *     there are fixed recipients
   */
  public static <T, R> ScatterGather<T, R> scatterGather(
      Recipients<T, R> recipients, UnaryOperator<ScatterSpec<R>> spec) {
    Objects.requireNonNull(recipients, "recipients");
    ScatterSpec<R> options = Objects.requireNonNull(spec.apply(ScatterSpec.<R>defaults()), "spec");
    if (recipients instanceof FixedRecipients<T, R> fixed
        && options.goal().needed() > fixed.recipients.length) {
      throw new IllegalArgumentException(
          options.goal().reached()
              + " of "
              + options.goal().needed()
              + " (expected: <= "
              + fixed.recipients.length
              + ", the number of recipients)");
    }
    return new ScatterGather<>(recipients, options);
  }

  /**
   * What the recipients of one request have answered, collected.
   *
   * <p><img class="marble" src="doc-files/scatterGather.svg" alt="Everybody is asked at once; when
   * the time is up the result says what is missing">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>one result, with a leg for each recipient: when what is wanted is there, when it cannot
   *       come any more, or when the time is up. Each recipient is asked as soon as it is selected,
   *       and its first value is its answer; it has one vote, whatever it says afterwards. When
   *       nobody is selected the result has no legs
   *   <dt>Backpressure
   *   <dd>recipients are asked at the subscription; the result waits for its request. Asks each
   *       recipient for one value. Holds at most one answer for each of at most {@code
   *       maxRecipients} recipients
   *   <dt>Completes/Errors
   *   <dd>completes after the result. Failures of recipients, what their functions throw, and null
   *       from them are states of their legs. The gather fails with {@link IncompleteGather} as
   *       {@link ScatterSpec#onIncomplete} and {@link ScatterSpec#fallback} say; with the error of
   *       the selection; with what the quorum's equality or the predicate throw; and with an error
   *       that the classifier of {@link ScatterSpec#retry} calls fatal
   *   <dt>Cancel
   *   <dd>cancels every ask and the selection, and gives up what waits. Recipients that are not
   *       needed any more are cancelled in the same way when the gather ends by itself. A recipient
   *       that ignores it may still do what it was asked for
   *   <dt>Discard
   *   <dd>on cancel and on error: the answers that were collected. At any time: answers that come
   *       when nobody waits for them, which are counted in {@link #late}. The answers of an {@link
   *       IncompleteGather} belong to whoever receives it
   *   <dt>Threads
   *   <dd>the result comes on the thread that brings the last answer needed, of the timer, of the
   *       selection, or of the subscriber that requests; with bulkheads, recipients may be asked on
   *       the thread of another gather whose ask has ended. Functions are called there, one at a
   *       time for one gather, so none of them may block
   * </dl>
   */
  public Mono<Gathered<R>> ask(T request) {
    return MonoGather.create(this, request, Door.ALONE);
  }

  /**
   * The legs of one request as they end, each once.
   *
   * <p><img class="marble" src="doc-files/scatterGatherStream.svg" alt="Answers go on as they come;
   * what is missing when the time is up ends the stream in an error">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each leg when it ends; at the end of the gather, those that are left, in the order of
   *       selection; then the fallback's
   *   <dt>Backpressure
   *   <dd>recipients are asked at the subscription, and the time runs, whatever is requested. Asks
   *       each recipient for one value. Holds the legs that were not requested, at most one for
   *       each of at most {@code maxRecipients} recipients and the fallback's
   *   <dt>Completes/Errors
   *   <dd>completes when what was wanted has come, or the fallback gave something instead. Fails
   *       with {@link IncompleteGather} after the last leg otherwise, because a stream that just
   *       ends looks complete; {@code onErrorComplete(IncompleteGather.class)} is for those who do
   *       not mind. Other errors as {@link #ask}
   *   <dt>Cancel
   *   <dd>as {@link #ask}
   *   <dt>Discard
   *   <dd>on cancel and on error: the answers of the legs that were not emitted; late answers as
   *       {@link #ask}
   *   <dt>Threads
   *   <dd>as {@link #ask}
   * </dl>
   */
  public Flux<Leg<R>> stream(T request) {
    return FluxGather.create(this, request);
  }

  /**
   * A gather for each request of a Flux, up to {@link ScatterSpec#concurrency} of them at once. To
   * be used with {@link Flux#transform}.
   *
   * @see #combining
   */
  @Override
  public Flux<Gathered<R>> apply(Flux<T> requests) {
    return requests.transform(combining((request, gathered) -> gathered));
  }

  /**
   * A gather for each request of a Flux, and what a function makes of the request and the result.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what {@code combine} returns for each request, in the order in which their gathers end
   *   <dt>Backpressure
   *   <dd>takes {@link ScatterSpec#concurrency} requests from the source, then one for each whose
   *       result has gone downstream; holds at most as many results
   *   <dt>Completes/Errors
   *   <dd>completes when the source has completed and every gather is over. An error of the source
   *       or of a gather, and what {@code combine} throws, ends the sequence; to go on instead, use
   *       {@code flatMap} with {@link #ask} and {@code onErrorResume}
   *   <dt>Cancel
   *   <dd>cancels the source and every gather
   *   <dt>Discard
   *   <dd>on cancel and on error: answers as {@link #ask}, and those of results that had not gone
   *       to {@code combine} or for which it threw
   *   <dt>Threads
   *   <dd>as {@link #ask}; {@code combine} is called there too
   * </dl>
   *
   * @param combine must not return null
   */
  public <A> Function<Flux<T>, Flux<A>> combining(
      BiFunction<? super T, ? super Gathered<R>, ? extends A> combine) {
    Objects.requireNonNull(combine, "combine");
    return requests -> Flux.defer(() -> combining(requests, combine, new Door()));
  }

  private <A> Flux<A> combining(
      Flux<T> requests,
      BiFunction<? super T, ? super Gathered<R>, ? extends A> combine,
      Door door) {
    return requests
        .doOnError(e -> door.closed = true)
        .flatMap(
            request ->
                MonoGather.create(this, request, door)
                    .doOnError(e -> door.closed = true)
                    .<Result<T, R>>handle(
                        (gathered, sink) ->
                            sink.next(new Result<>(door, request, gathered, sink.contextView()))),
            spec.concurrency(),
            1)
        .doOnCancel(() -> door.closed = true)
        .contextWrite(context -> takingApart(door, context))
        .onErrorStop()
        .handle(
            (result, sink) -> {
              if (result.claim()) {
                sink.next(result.combined(combine));
              }
            });
  }

  /**
   * A gather for each delivery, as {@link dev.sluice.flow.Flow} uses it: up to {@link
   * ScatterSpec#concurrency} at once, and each delivery is settled by what becomes of the value
   * that {@code combine} returns, as {@link CompetingConsumers#ofDeliveries} says. A gather that
   * fails, and a {@code combine} that throws, are failures of that delivery; answers that nobody
   * gets are discarded.
   *
   * @param combine must not return null
   */
  public <A> DeliveryConvoy<T, A> ofDeliveries(
      BiFunction<? super T, ? super Gathered<R>, ? extends A> combine) {
    Objects.requireNonNull(combine, "combine");
    return CompetingConsumers.ofDeliveries(
        request ->
            Mono.deferContextual(
                context ->
                    ask(request)
                        .doOnError(
                            IncompleteGather.class,
                            e ->
                                Operators.onDiscardMultiple(
                                    e.gathered().answers(), Context.of(context)))
                        .map(
                            gathered ->
                                new Result<>(Door.ALONE, request, gathered, context)
                                    .combined(combine))),
        consumers -> consumers.name(spec.name()).concurrency(spec.concurrency()));
  }

  /**
   * What the gathers of one subscription to a Flux have in common: they end together. Cancelled one
   * after the other, the first to go would leave its places to those that go next.
   */
  static final class Door {
    static final Door ALONE = new Door();

    volatile boolean closed;
  }

  /** Discards the answers one by one when a result of this door is discarded. */
  private static Context takingApart(Door door, Context context) {
    return Operators.enableOnDiscard(
        context,
        discarded -> {
          if (!(discarded instanceof Result<?, ?> result) || result.door != door) {
            Operators.onDiscard(discarded, context);
          } else if (result.claim()) {
            result.discardAnswers();
          }
        });
  }

  /**
   * A result on its way to {@code combine}. A flatMap that is cancelled may discard an element
   * twice, or discard and emit it, so whoever claims it first has it.
   */
  private static final class Result<T, R> {

    private final Door door;
    private final T request;
    private final Gathered<R> gathered;
    private final ContextView context;

    @SuppressWarnings("UnusedVariable") // through the updater only
    private volatile int claimed;

    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<Result> CLAIMED =
        AtomicIntegerFieldUpdater.newUpdater(Result.class, "claimed");

    Result(Door door, T request, Gathered<R> gathered, ContextView context) {
      this.door = door;
      this.request = request;
      this.gathered = gathered;
      this.context = context;
    }

    boolean claim() {
      return CLAIMED.compareAndSet(this, 0, 1);
    }

    <A> A combined(BiFunction<? super T, ? super Gathered<R>, ? extends A> combine) {
      try {
        return Objects.requireNonNull(combine.apply(request, gathered), "combine returned null");
      } catch (Throwable e) {
        discardAnswers();
        throw e;
      }
    }

    void discardAnswers() {
      Operators.onDiscardMultiple(gathered.answers(), Context.of(context));
    }
  }

  // == gauges ==

  /** Gathers that are subscribed to and not over, or whose result was not asked for yet. */
  @Experimental
  public long running() {
    return running.sum();
  }

  /** Answers so far that came when nobody waited for them any more. */
  @Experimental
  public long late() {
    return late.sum();
  }

  /** Asks of a recipient that run; 0 without {@link ScatterSpec#bulkhead}. */
  @Experimental
  public int asking(String recipient) {
    return bulkheads == null ? 0 : bulkheads.running(recipient);
  }

  /** Asks of a recipient that wait for a place; 0 without {@link ScatterSpec#bulkhead}. */
  @Experimental
  public int waiting(String recipient) {
    return bulkheads == null ? 0 : bulkheads.waiting(recipient);
  }

  void late(String recipient) {
    late.increment();
    spec.listener().late(recipient);
  }

  @Override
  public String toString() {
    return spec.name();
  }
}
