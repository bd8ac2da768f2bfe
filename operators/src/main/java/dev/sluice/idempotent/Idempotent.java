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
package dev.sluice.idempotent;

import dev.sluice.Experimental;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.compete.CompetingConsumers;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.Completed;
import dev.sluice.store.IdempotencyStore.Attempt.InProgress;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Signal;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Idempotent consumer: work that is done once for each key, however often its message comes.
 *
 * <p>The first to come does the work; a duplicate that comes meanwhile, to this process or another,
 * waits for it; one that comes later is told what the first one's result was, or nothing. A key is
 * remembered only for work that has succeeded: when it fails or is cancelled the next to come does
 * it.
 *
 * <p>The work and its record are two steps. A process that dies between them leaves an effect that
 * nobody remembers, and when its lease has ended the work is done again. Where the work changes a
 * database, let the record join its transaction; where it calls somebody, give them the key.
 *
 * <p>Its {@link #run} is a worker for whatever takes workers: {@code groupedConvoy(Message::group,
 * charge::run)}, {@code flatMap(charge::run)}. It is that function of a Flux too, with as many at
 * once as {@code compete} has by default.
 *
 * <pre>{@code
 * Idempotent<Order, Receipt> charge =
 *     idempotent("charge", Order::id, store, order -> payments.charge(order))
 *         .replaying(JacksonCodec.json(Receipt.class));
 * Flux<Receipt> receipts = orders.transform(charge);
 * }</pre>
 *
 * @param <T> what is worked on
 * @param <R> what comes of it
 */
public final class Idempotent<T, R> implements Function<Flux<T>, Flux<R>> {

  private static final Logger log = LoggerFactory.getLogger(Idempotent.class);
  private static final long FIRST_WAIT_MILLIS = 20;
  private static final long LONGEST_WAIT_MILLIS = 1_000;

  private final Remembering remembering;
  private final Function<? super T, String> key;
  private final Function<? super T, ? extends Mono<? extends R>> work;
  private final @Nullable PayloadCodec<R> codec;
  private final LongAdder duplicates;

  private Idempotent(
      Remembering remembering,
      Function<? super T, String> key,
      Function<? super T, ? extends Mono<? extends R>> work,
      @Nullable PayloadCodec<R> codec,
      LongAdder duplicates) {
    this.remembering = remembering;
    this.key = key;
    this.work = work;
    this.codec = codec;
    this.duplicates = duplicates;
  }

  /**
   * With the default options.
   *
   * @see #idempotent(String, Function, IdempotencyStore, Function, UnaryOperator)
   */
  public static <T, R> Idempotent<T, R> idempotent(
      String scope,
      Function<? super T, String> key,
      IdempotencyStore store,
      Function<? super T, ? extends Mono<? extends R>> work) {
    return idempotent(scope, key, store, work, spec -> spec);
  }

  /**
   * Work that is done once for each key.
   *
   * @param scope what is done, such as {@code charge}: keys of different scopes have nothing to do
   *     with each other, so that two pieces of work for one message do not take each other for
   *     duplicates; 1 to 100 characters
   * @param key what makes two elements duplicates, usually the id of the message: 1 to 400
   *     characters. Not its place in a channel, which a redrive or a bridge changes
   * @param store what has been done
   * @param work the work for one element
   * @param spec the options, from defaults: a lease of 30 s, retention of 7 days, a timeout of 10
   *     minutes, a patience of 30 s
   * @throws IllegalArgumentException if the scope or an option is out of range
   */
  public static <T, R> Idempotent<T, R> idempotent(
      String scope,
      Function<? super T, String> key,
      IdempotencyStore store,
      Function<? super T, ? extends Mono<? extends R>> work,
      UnaryOperator<IdempotentSpec> spec) {
    return new Idempotent<>(
        remembering(scope, store, spec),
        Objects.requireNonNull(key, "key"),
        Objects.requireNonNull(work, "work"),
        null,
        new LongAdder());
  }

  /**
   * The same for deliveries, as {@link dev.sluice.flow.Flow} uses it: what is done once is whatever
   * follows, until the delivery is acknowledged.
   */
  @Experimental
  public static <T> DeliveryIdempotent<T> ofDeliveries(
      String scope,
      Function<? super Message<T>, String> key,
      IdempotencyStore store,
      UnaryOperator<IdempotentSpec> spec) {
    return new DeliveryIdempotent<>(
        remembering(scope, store, spec), Objects.requireNonNull(key, "key"));
  }

  private static Remembering remembering(
      String scope, IdempotencyStore store, UnaryOperator<IdempotentSpec> spec) {
    Remembering remembering =
        new Remembering(
            Objects.requireNonNull(scope, "scope"),
            Objects.requireNonNull(store, "store"),
            Objects.requireNonNull(spec.apply(IdempotentSpec.DEFAULT), "spec"));
    IdempotencyKey unused = remembering.key("checks the scope");
    return remembering;
  }

  /**
   * The same with results that are kept and given to duplicates; without it they are told nothing.
   * A result that cannot be encoded, or takes more than {@link IdempotencyStore#MAX_RESULT}, goes
   * to the first one alone.
   */
  public Idempotent<T, R> replaying(PayloadCodec<R> codec) {
    return new Idempotent<>(
        remembering, key, work, Objects.requireNonNull(codec, "codec"), duplicates);
  }

  /** So many elements so far had been worked on before. */
  public long duplicates() {
    return duplicates.sum();
  }

  /** The results of all elements, several at once and in no order: {@code compete(this::run)}. */
  @Override
  public Flux<R> apply(Flux<T> elements) {
    return elements.transform(CompetingConsumers.compete(this::run));
  }

  /**
   * Does the work for an element, or waits for it, unless it has been done.
   *
   * <p><img class="marble" src="doc-files/idempotent.svg" alt="Work is done once for each key:
   * whoever comes later gets the result of the first">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the result of the work, when the store has it; for a duplicate the result of the first
   *       with {@link #replaying}, else nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the work has been done. Fails with the error of the work or of the {@code
   *       key} function, with a {@link java.util.concurrent.TimeoutException}, with {@link
   *       WorkInProgress} when patience is over or somebody else may have taken over, and with
   *       {@link dev.sluice.store.StoreFailed}; if that comes when the work is done, it may be done
   *       again
   *   <dt>Cancel
   *   <dd>cancels the work and releases the key. Work that is done is remembered all the same
   *   <dt>Discard
   *   <dd>the element, if the work was not called with it; a result whose subscriber cancels before
   *       it is remembered, and one that comes when somebody else has taken over
   *   <dt>Threads
   *   <dd>the work is subscribed to on a thread of the store; signals come on one too
   * </dl>
   *
   * @param element what is worked on
   */
  public Mono<R> run(T element) {
    return Mono.deferContextual(
        context -> {
          Taking<T> taking = new Taking<>(element);
          return Mono.defer(
                  () ->
                      ask(
                          remembering.key(
                              Objects.requireNonNull(key.apply(element), "the key is null")),
                          taking,
                          context))
              .doFinally(signal -> taking.discard(context));
        });
  }

  /** An element that the work takes, or that is discarded: one of these. */
  private static final class Taking<T> extends AtomicBoolean {

    private static final long serialVersionUID = 1L;

    private final transient T element;

    Taking(T element) {
      this.element = element;
    }

    boolean take() {
      return compareAndSet(false, true);
    }

    void discard(ContextView context) {
      if (take()) {
        Operators.onDiscard(element, Context.of(context));
      }
    }
  }

  private Mono<R> ask(IdempotencyKey once, Taking<T> taking, ContextView context) {
    Waiting waiting = new Waiting();
    return remembering
        .begin(once)
        .flatMap(
            attempt ->
                attempt instanceof InProgress inProgress
                    ? waiting.forTheOther(once, inProgress).then(Mono.<Attempt>empty())
                    : Mono.just(attempt))
        .repeatWhenEmpty(again -> again)
        .flatMap(
            attempt -> {
              if (attempt instanceof Started started) {
                return perform(started, taking, context);
              }
              duplicates.increment();
              return replay((Completed) attempt);
            });
  }

  // == the work ==

  private Mono<R> perform(Started started, Taking<T> taking, ContextView context) {
    IdempotentSpec spec = remembering.spec();
    AtomicBoolean ended = new AtomicBoolean(); // by the work, or by a cancel before that
    return Mono.defer(() -> work(taking))
        .timeout(spec.timeout(), spec.timer())
        .timeout(
            remembering.held(started),
            Mono.error(() -> new WorkInProgress(started.key(), "may be taken over")))
        .materialize()
        .<Signal<R>>handle(
            (end, sink) -> {
              if (ended.compareAndSet(false, true)) {
                sink.next(end);
              } else {
                Operators.onDiscard(end.get(), Context.of(context));
              }
            })
        .doOnCancel(
            () -> {
              if (ended.compareAndSet(false, true)) {
                remembering.release(started).subscribe();
              }
            })
        .flatMap(
            end -> {
              Throwable error = end.getThrowable();
              return error != null
                  ? remembering.release(started).then(Mono.error(error))
                  : record(started, end.get(), context);
            });
  }

  private Mono<R> work(Taking<T> taking) {
    return taking.take()
        ? Mono.from(
            Objects.requireNonNull(work.apply(taking.element), "the work function returned null"))
        : Mono.error(new CancellationException("nobody waits any more"));
  }

  private Mono<R> record(Started started, @Nullable R result, ContextView context) {
    Runnable discard = () -> Operators.onDiscard(result, Context.of(context));
    IdempotentSpec spec = remembering.spec();
    return Unbroken.run(
            remembering
                .complete(started, encode(started, result))
                .retryWhen(remembering.whileInTrouble())
                .timeout(spec.lease(), spec.timer())
                .doOnError(error -> discard.run()),
            completed -> discard.run())
        .flatMap(
            mine -> {
              if (mine) {
                return Mono.justOrEmpty(result);
              }
              discard.run();
              return Mono.error(new WorkInProgress(started.key(), "was taken over"));
            });
  }

  private byte @Nullable [] encode(Started started, @Nullable R result) {
    if (codec == null || result == null) {
      return null;
    }
    try {
      byte[] encoded = codec.encode(Message.of(result));
      if (encoded.length <= IdempotencyStore.MAX_RESULT) {
        return encoded;
      }
      log.warn("{}: a result of {} bytes is not kept", started.key(), encoded.length);
    } catch (RuntimeException e) {
      log.warn("{}: a result that cannot be encoded is not kept", started.key(), e);
    }
    return null;
  }

  private Mono<R> replay(Completed completed) {
    byte[] result = completed.result();
    return codec == null || result == null
        ? Mono.empty()
        : Mono.just(codec.decode(Message.of(result)));
  }

  /** Waits longer and longer for the other, but not for ever. */
  private final class Waiting {

    private final long since = now();
    private long next = FIRST_WAIT_MILLIS;

    Mono<Void> forTheOther(IdempotencyKey once, InProgress inProgress) {
      IdempotentSpec spec = remembering.spec();
      long patience = spec.patience().toMillis() - (now() - since);
      if (patience <= 0) {
        return Mono.error(new WorkInProgress(once, "in progress"));
      }
      long jittered = next / 2 + ThreadLocalRandom.current().nextLong(next / 2 + 1);
      long left = Math.max(1, inProgress.left().toMillis());
      next = Math.min(2 * next, LONGEST_WAIT_MILLIS);
      return Mono.delay(
              Duration.ofMillis(Math.min(Math.min(jittered, left), patience)), spec.timer())
          .then();
    }

    private long now() {
      return remembering.spec().timer().now(TimeUnit.MILLISECONDS);
    }
  }
}
