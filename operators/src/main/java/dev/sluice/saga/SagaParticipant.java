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
package dev.sluice.saga;

import static dev.sluice.idempotent.Idempotent.idempotent;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.idempotent.Idempotent;
import dev.sluice.idempotent.IdempotentSpec;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Refused;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.ReplierSpec;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.InProgress;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Does a step of sagas that run elsewhere: it receives from the step queue, does or undoes the work
 * once, and acknowledges on the channel that the message names.
 *
 * <p>However often messages come, and in whatever order, the net effect is right:
 *
 * <ul>
 *   <li>a step that comes again is not done again; it is acknowledged with what it gave;
 *   <li>a compensation that comes before its step leaves a tombstone, and the step is refused when
 *       it comes;
 *   <li>one that comes while the step runs waits for its end;
 *   <li>a step that has begun and whose end is not known is compensated without an output;
 *   <li>a definite refusal is remembered: a message that comes again later does not find that the
 *       seat has become free meanwhile.
 * </ul>
 *
 * <p>All that is in the store, so that any number of processes may take part, and die. Work and
 * record are two steps: work whose process dies in between is done again, with the same key.
 *
 * <pre>{@code
 * SagaParticipant<Transfer, Receipt> bank =
 *     SagaParticipant.of("debit", new Debits(accounts), receipts, store);
 * Flow.from(debits)
 *     .deadLetter(dead)
 *     .decode(transfers)
 *     .replyWith(bank.replier(Replier.among(List.of(acks)), s -> s))
 *     .start();
 * }</pre>
 *
 * @param <I> what the step is given
 * @param <O> what the step gives
 */
@Experimental
public final class SagaParticipant<I, O> {

  private static final Logger log = LoggerFactory.getLogger(SagaParticipant.class);

  /*
   * Three keys for each step. Whoever has the first, "name", has the step alone.
   *
   * name         Done, Declined or Barred, once and for all; not there while the end is open
   * name/begun   there before the work begins for the first time
   * name/undone  there when the compensation has succeeded
   */

  private record Order<I>(String key, I input, boolean undo, StepRecord.@Nullable Done done) {}

  private final StepWork<I, O> work;
  private final PayloadCodec<O> outputs;
  private final IdempotencyStore store;
  private final String begun;
  private final Idempotent<Order<I>, StepRecord> settled;
  private final Idempotent<Order<I>, StepRecord> undone;
  private final Duration retention;

  private SagaParticipant(
      String name,
      StepWork<I, O> work,
      PayloadCodec<O> outputs,
      IdempotencyStore store,
      Duration retention,
      UnaryOperator<IdempotentSpec> spec) {
    this.work = Objects.requireNonNull(work, "work");
    this.outputs = Objects.requireNonNull(outputs, "outputs");
    this.store = Objects.requireNonNull(store, "store");
    this.retention = retention;
    this.begun = name + "/begun";
    UnaryOperator<IdempotentSpec> options = s -> spec.apply(s.retention(retention));
    this.settled =
        idempotent(name, (Order<I> order) -> order.key(), store, this::settle, options)
            .replaying(StepRecord.CODEC);
    this.undone =
        idempotent(name + "/undone", (Order<I> order) -> order.key(), store, this::undo, options);
  }

  /**
   * With the default options, and a retention of 7 days.
   *
   * @see #of(String, StepWork, PayloadCodec, IdempotencyStore, Duration, UnaryOperator)
   */
  public static <I, O> SagaParticipant<I, O> of(
      String name, StepWork<I, O> work, PayloadCodec<O> outputs, IdempotencyStore store) {
    return of(name, work, outputs, store, Duration.ofDays(7), s -> s);
  }

  /**
   * A participant.
   *
   * @param name what the step is called in the store, 1 to 90 characters; of its own for each kind
   *     of work
   * @param work what is done and undone
   * @param outputs writes what the step gives
   * @param store what has been done
   * @param retention how long a step is remembered: longer than a message may take to come, that is
   *     the retention of its channel and of the dead letters, and than a saga may take
   * @param spec the other options, from defaults: a lease of 30 s, a timeout of 10 minutes, a
   *     patience of 30 s
   * @throws IllegalArgumentException if the name or an option is out of range
   */
  public static <I, O> SagaParticipant<I, O> of(
      String name,
      StepWork<I, O> work,
      PayloadCodec<O> outputs,
      IdempotencyStore store,
      Duration retention,
      UnaryOperator<IdempotentSpec> spec) {
    return new SagaParticipant<>(name, work, outputs, store, retention, spec);
  }

  /**
   * What answers the messages of the step queue, for {@code Flow.replyWith}.
   *
   * @param acks where acknowledgements may go, {@link Replier#among} a list, say
   * @param spec the options of the replier
   */
  public Replier<I, byte[]> replier(
      Function<? super String, ? extends @Nullable Outbound<byte[]>> acks,
      UnaryOperator<ReplierSpec> spec) {
    return Replier.ofMessages(acks, BytesCodec.bytes(), this::handle, spec);
  }

  private Mono<byte[]> handle(Message<I> message) {
    return Mono.defer(
        () -> {
          Order<I> order =
              new Order<>(
                  StepMessages.keyOf(message),
                  message.payload(),
                  StepMessages.isUndo(message),
                  null);
          return settled
              .run(order)
              .defaultIfEmpty(new StepRecord.Done(null)) // its output was too large to be kept
              .flatMap(step -> order.undo() ? compensated(order, step) : acknowledged(step))
              .onErrorMap(
                  failure -> isDefinite(failure) && !(failure instanceof Refused),
                  failure -> inDoubt("its end is not known", failure));
        });
  }

  private Mono<byte[]> acknowledged(StepRecord step) {
    if (step instanceof StepRecord.Done done) {
      return Mono.justOrEmpty(done.output());
    }
    return Mono.error(
        step instanceof StepRecord.Declined declined
            ? new Refused(declined.code(), declined.detail())
            : new Refused("Compensated", "the step was compensated before it was done"));
  }

  /** There is something to undo if it was done, or may have been. */
  private Mono<byte[]> compensated(Order<I> order, StepRecord step) {
    StepRecord.Done known = step instanceof StepRecord.Done done ? done : null;
    boolean nothing =
        step instanceof StepRecord.Declined
            || (step instanceof StepRecord.Barred barred && !barred.begun());
    return nothing
        ? Mono.empty()
        : undone.run(new Order<>(order.key(), order.input(), true, known)).then(Mono.empty());
  }

  // == once for each step ==

  private Mono<StepRecord> settle(Order<I> order) {
    return order.undo()
        ? hasBegun(order.key()).map(StepRecord.Barred::new)
        : begins(order.key()).flatMap(again -> act(order, again));
  }

  private Mono<StepRecord> act(Order<I> order, boolean again) {
    return Mono.defer(() -> work.act(order.input(), order.key()))
        .map(this::done)
        .defaultIfEmpty(new StepRecord.Done(null))
        .onErrorResume(
            failure ->
                again // "exists already" after an open attempt is no proof that nothing was done
                    ? Mono.error(inDoubt("refused, after an attempt with no known end", failure))
                    : declined(failure));
  }

  /** A failure that leaves open what has happened is not remembered. */
  private static Mono<StepRecord> declined(Throwable failure) {
    if (!isDefinite(failure)) {
      return Mono.error(failure);
    }
    if (failure instanceof Refused refused) {
      return Mono.just(StepRecord.declined(refused.refusal()));
    }
    String code = failure.getClass().getSimpleName();
    String detail = Objects.requireNonNullElse(failure.getMessage(), "");
    return Mono.just(new StepRecord.Declined(code.isEmpty() ? "Refused" : code, detail));
  }

  /** What is no definite no: a store that fails for good, say, may do so when the work is done. */
  private static Throwable inDoubt(String why, Throwable failure) {
    return isDefinite(failure) ? new IllegalStateException(why, failure) : failure;
  }

  private static boolean isDefinite(Throwable failure) {
    return failure instanceof ErrorClassifier.Classified classified
        && classified.kind() == ErrorClassifier.Kind.POISON;
  }

  private StepRecord done(O output) {
    try {
      return new StepRecord.Done(outputs.encode(Message.of(output)));
    } catch (RuntimeException e) { // it is done all the same
      log.warn("an output of {} cannot be encoded and is not kept", begun, e);
      return new StepRecord.Done(null);
    }
  }

  private Mono<StepRecord> undo(Order<I> order) {
    return Mono.defer(
            () -> {
              byte[] output = order.done() == null ? null : order.done().output();
              return work.undo(
                  order.input(),
                  output == null ? null : outputs.decode(Message.of(output)),
                  order.key());
            })
        .then(Mono.empty());
  }

  // == whether the work has begun ==

  /** Notes that it begins; emits whether it has begun before. */
  private Mono<Boolean> begins(String key) {
    return ask(key)
        .flatMap(
            attempt ->
                attempt instanceof Started started
                    ? store
                        .complete(started, null, retention)
                        .flatMap(mine -> mine ? Mono.just(false) : Mono.error(taken(key)))
                    : Mono.just(true));
  }

  private Mono<Boolean> hasBegun(String key) {
    return ask(key)
        .flatMap(
            attempt ->
                attempt instanceof Started started
                    ? store.release(started).thenReturn(false)
                    : Mono.just(true));
  }

  /**
   * Only a process that died between two operations leaves it in progress, until its lease ends.
   */
  private Mono<Attempt> ask(String key) {
    return Mono.defer(() -> store.begin(new IdempotencyKey(begun, key), Duration.ofSeconds(30)))
        .flatMap(
            attempt -> attempt instanceof InProgress ? Mono.error(taken(key)) : Mono.just(attempt));
  }

  private StoreFailed taken(String key) {
    return StoreFailed.temporary(begun, key + " is in progress elsewhere", null);
  }
}
