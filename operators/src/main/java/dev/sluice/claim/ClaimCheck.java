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
package dev.sluice.claim;

import dev.sluice.message.Message;
import dev.sluice.store.PayloadStore;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Claim check: a payload that is too large for the broker goes to a store, and the message carries
 * a claim instead. The claim is signed, says how large the payload is, what its digest is, for whom
 * it is and until when it is honoured; it is verified before the store is asked.
 *
 * <p>Payloads stream both ways: what is in memory is bounded by the threshold and by the store. The
 * payload is stored before its message goes on, so no message ever refers to a payload that is not
 * there yet. A payload whose message was not sent is left behind and swept when it has expired.
 */
public final class ClaimCheck {

  /** The header in which the claim travels. */
  public static final String HEADER = "sl-claim";

  private ClaimCheck() {}

  /**
   * Messages with large payloads stored and replaced by claims. To be used with {@link
   * Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/claimCheck.svg" alt="A large payload is stored, and its
   * message goes on with a claim; a small one stays where it is">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each message, in the order of the source, when its payload is stored or found to be small
   *   <dt>Backpressure
   *   <dd>takes {@link ClaimSpec#concurrency} messages from the source and one more for each that
   *       was emitted; holds no others
   *   <dt>Completes/Errors
   *   <dd>completes with the source, after the last message; fails with the first error of the
   *       source, of a payload or of the store, unless {@link ClaimSpec#skipFailures} is chosen
   *   <dt>Cancel
   *   <dd>cancels the source and what is being stored, which leaves nothing
   *   <dt>Discard
   *   <dd>skipped messages; on cancel and on error what {@code flatMapSequential} discards:
   *       messages hold no resources
   *   <dt>Threads
   *   <dd>messages arrive on a thread of the store or of the source, one at a time
   * </dl>
   *
   * @param store where payloads go
   * @param keys signs the claims
   * @param spec the options, from defaults: a threshold of 256 KiB, 14 days, 16 at once
   * @throws IllegalArgumentException if an option is out of range
   */
  public static Function<Flux<Message<byte[]>>, Flux<Message<byte[]>>> claimCheck(
      PayloadStore store, Keyring keys, UnaryOperator<ClaimSpec> spec) {
    return checking(checker(store, keys, spec));
  }

  /**
   * {@link #claimCheck} for payloads that are streams: they are subscribed to once, and only what
   * is smaller than the threshold is ever in memory as a whole.
   *
   * @param <P> a publisher of buffers, which must not change after they were emitted
   */
  public static <P extends Publisher<ByteBuffer>>
      Function<Flux<Message<P>>, Flux<Message<byte[]>>> claimCheckContent(
          PayloadStore store, Keyring keys, UnaryOperator<ClaimSpec> spec) {
    return checking(checker(store, keys, spec));
  }

  private static <T> Function<Flux<Message<T>>, Flux<Message<byte[]>>> checking(Checker checker) {
    ClaimSpec spec = checker.spec();
    return source ->
        FluxInOrder.create(
            source,
            spec.concurrency(),
            message ->
                spec.skips()
                    ? skipping(message, checker.check(message), spec.listener()::skipped)
                    : checker.check(message));
  }

  /**
   * Messages with their payloads, as they were before the claim check; messages without a claim as
   * they are. To be used with {@link Flux#transform(Function)}.
   *
   * <p><img class="marble" src="doc-files/redeem.svg" alt="The payload of a claim is read from the
   * store; messages keep their order">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>each message, in the order of the source, when its payload is read and verified
   *   <dt>Backpressure
   *   <dd>takes {@link RedeemSpec#concurrency} messages from the source and one more for each that
   *       was emitted; holds their payloads and no others, each of at most {@link
   *       RedeemSpec#maxInMemory} bytes
   *   <dt>Completes/Errors
   *   <dd>completes with the source, after the last message; fails with the first error of the
   *       source, with {@link ClaimRefused}, {@link dev.sluice.store.PayloadMissing} or {@link
   *       dev.sluice.store.StoreFailed}, unless {@link RedeemSpec#skipFailures} is chosen
   *   <dt>Cancel
   *   <dd>cancels the source and what is being read
   *   <dt>Discard
   *   <dd>skipped messages; on cancel and on error what {@code flatMapSequential} discards:
   *       messages hold no resources
   *   <dt>Threads
   *   <dd>messages arrive on a thread of the store or of the source, one at a time
   * </dl>
   *
   * @param store where payloads are
   * @param keys verifies the claims
   * @param spec the options, from defaults: 16 MiB in memory, 4 at once
   * @throws IllegalArgumentException if an option is out of range
   */
  public static Function<Flux<Message<byte[]>>, Flux<Message<byte[]>>> redeem(
      PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    Redeemer redeemer = redeemer(store, keys, spec);
    RedeemSpec options = redeemer.spec();
    return source ->
        FluxInOrder.create(
            source,
            options.concurrency(),
            message ->
                options.skips()
                    ? skipping(message, redeemer.redeem(message), options.listener()::skipped)
                    : redeemer.redeem(message));
  }

  /**
   * {@link #redeem} without reading: the claims are verified, and each payload is read when
   * somebody subscribes to it, as a stream.
   */
  public static Function<Flux<Message<byte[]>>, Flux<Message<Claimed>>> redeemLazily(
      PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    Redeemer redeemer = redeemer(store, keys, spec);
    RedeemSpec options = redeemer.spec();
    return source ->
        source.concatMap(
            message -> {
              Mono<Message<Claimed>> opened = Mono.fromCallable(() -> redeemer.open(message));
              return options.skips()
                  ? skipping(message, opened, options.listener()::skipped)
                  : opened;
            },
            0);
  }

  private static <R> Mono<R> skipping(
      Message<?> message, Mono<R> work, BiConsumer<Message<?>, Throwable> skipped) {
    return Mono.deferContextual(
        context ->
            work.onErrorResume(
                error -> {
                  Exceptions.throwIfJvmFatal(error);
                  skipped.accept(message, error);
                  Operators.onDiscard(message, Context.of(context));
                  return Mono.empty();
                }));
  }

  /**
   * Checks in one message at a time, for {@link dev.sluice.flow.Flow} and for what is not a {@code
   * Flux}.
   *
   * @see #claimCheck
   */
  public static Checker checker(PayloadStore store, Keyring keys, UnaryOperator<ClaimSpec> spec) {
    return new Checker(Objects.requireNonNull(spec.apply(ClaimSpec.defaults(store)), "spec"), keys);
  }

  /**
   * Redeems one message at a time, for {@link dev.sluice.flow.Flow} and for what is not a {@code
   * Flux}.
   *
   * @see #redeem
   */
  public static Redeemer redeemer(
      PayloadStore store, Keyring keys, UnaryOperator<RedeemSpec> spec) {
    return new Redeemer(
        Objects.requireNonNull(spec.apply(RedeemSpec.defaults(store)), "spec"), keys);
  }
}
