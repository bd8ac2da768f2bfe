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
package dev.sluice.demo.xray;

import dev.sluice.claim.Checker;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.ClaimRefused;
import dev.sluice.claim.Claimed;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.PayloadSweeper;
import dev.sluice.claim.Redeemer;
import dev.sluice.demo.problem.Problem;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.StoreFailed;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The X-ray images of bags. An image is in S3, and only there; what is remembered of it, and what
 * messages carry, is a signed claim. Each bag has one image, for two days.
 */
public final class Xrays implements SmartLifecycle {

  /** For how long an image is kept, and its claim honoured. */
  static final Duration KEPT = Duration.ofDays(2);

  private static final String SCOPE = "xray";
  private static final String AUDIENCE = "airport";
  private static final String TYPE = "bag.xray";
  private static final byte[] NOTHING = {};
  private static final Duration UPLOAD_WITHIN = Duration.ofMinutes(2);
  private static final Duration LEASE = UPLOAD_WITHIN.plusMinutes(1);
  private static final Duration LOOK = Duration.ofSeconds(2);
  private static final Duration SWEEP_EVERY = Duration.ofHours(1);
  private static final int SWEPT_AT_ONCE = 10_000;
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private static final Logger log = LoggerFactory.getLogger(Xrays.class);

  private final IdempotencyStore claims;
  private final Checker checker;
  private final Redeemer redeemer;
  private final PayloadSweeper sweeper;
  private final Disposable.Swap sweeping = Disposables.swap();

  /**
   * @param images where they are
   * @param claims remembers the claim of each bag
   */
  Xrays(PayloadStore images, IdempotencyStore claims, Keyring keys) {
    this.claims = claims;
    this.checker =
        ClaimCheck.checker(
            images, keys, c -> c.threshold(0).maxSize(PngStream.MAX).ttl(KEPT).audience(AUDIENCE));
    this.redeemer =
        ClaimCheck.redeemer(images, keys, r -> r.audience(AUDIENCE).maxSize(PngStream.MAX));
    this.sweeper = PayloadSweeper.of(images);
  }

  /**
   * Stores the image of a bag, as it comes in.
   *
   * @return whether it was stored, or the bag has one already; a {@link Problem} of what is wrong
   *     with the content, or if somebody else is at it
   */
  Mono<Boolean> store(String tag, Flux<ByteBuffer> content) {
    return claims
        .begin(key(tag), LEASE)
        .flatMap(
            attempt -> {
              if (attempt instanceof Attempt.Completed) {
                return Mono.just(false);
              }
              if (attempt instanceof Attempt.Started started) {
                return Mono.usingWhen(
                    Mono.just(started),
                    mine -> upload(mine, tag, content),
                    mine -> Mono.empty(),
                    (mine, failure) -> claims.release(mine),
                    claims::release);
              }
              return Mono.error(Problem.conflict("an image of this bag is being uploaded"));
            })
        .onErrorMap(Xrays::isAway, Xrays::away);
  }

  private Mono<Boolean> upload(Attempt.Started started, String tag, Flux<ByteBuffer> content) {
    Message<Flux<ByteBuffer>> image =
        Message.builder(content).type(TYPE).group(tag).contentType("image/png").build();
    return checker
        .check(image)
        .timeout(UPLOAD_WITHIN)
        .onErrorMap(
            TimeoutException.class,
            late -> Problem.tooSlow("the image did not arrive within " + UPLOAD_WITHIN))
        .flatMap(
            stored ->
                claims
                    .complete(started, claimIn(stored).getBytes(StandardCharsets.UTF_8), KEPT)
                    .flatMap(
                        ours ->
                            ours
                                ? Mono.just(true)
                                : checker
                                    .withdraw(stored)
                                    .then(
                                        Mono.error(
                                            Problem.conflict(
                                                "somebody else has uploaded an image of this bag"
                                                    + " meanwhile")))));
  }

  private static String claimIn(Message<?> message) {
    return Objects.requireNonNull(message.headers().get(ClaimCheck.HEADER), ClaimCheck.HEADER);
  }

  /**
   * A message that carries the claim of a bag's image instead of the image.
   *
   * @return empty if the bag has none
   */
  public Mono<Message<byte[]>> claim(String tag) {
    return claims
        .begin(key(tag), LOOK)
        .flatMap(
            attempt -> {
              if (attempt instanceof Attempt.Completed completed && completed.result() != null) {
                return Mono.just(carrying(tag, completed.result()));
              }
              // Nobody has uploaded one: to look is not to begin.
              return attempt instanceof Attempt.Started started
                  ? claims.release(started).then(Mono.empty())
                  : Mono.empty();
            });
  }

  private static Message<byte[]> carrying(String tag, byte[] claim) {
    Message<byte[]> message = Message.builder(NOTHING).type(TYPE).group(tag).build();
    return message.withHeaders(
        message
            .headers()
            .withReserved(ClaimCheck.HEADER, new String(claim, StandardCharsets.UTF_8)));
  }

  /**
   * The image whose claim a message carries, to be read when somebody wants it.
   *
   * @throws ClaimRefused if the claim is not honoured
   */
  public Claimed redeem(Message<byte[]> message) {
    return redeemer.open(message).payload();
  }

  /** The image of a bag; a {@link Problem} if there is none, or none any more. */
  Mono<Claimed> image(String tag) {
    return claim(tag)
        .switchIfEmpty(Mono.error(() -> Problem.notFound("there is no image of this bag")))
        .map(this::redeem)
        .onErrorMap(ClaimRefused.class, refused -> Problem.notFound("the image has expired"))
        .onErrorMap(PayloadMissing.class, gone -> Problem.notFound("the image is gone"))
        .onErrorMap(Xrays::isAway, Xrays::away);
  }

  private static IdempotencyKey key(String tag) {
    return new IdempotencyKey(SCOPE, tag);
  }

  private static boolean isAway(Throwable failure) {
    return failure instanceof StoreFailed;
  }

  private static Problem away(Throwable failure) {
    return Problem.unavailable("the images are out of reach", RETRY_AFTER, failure);
  }

  // == lifecycle ==

  /** Deletes now and then what has expired. */
  @Override
  public void start() {
    sweeping.update(
        sweeper
            .every(SWEEP_EVERY)
            .concatMap(
                swept ->
                    claims
                        .purge(SWEPT_AT_ONCE)
                        .onErrorResume(
                            failure -> {
                              log.warn("claims are not forgotten, for now: {}", failure.toString());
                              return Mono.empty();
                            }),
                1)
            .subscribe());
  }

  @Override
  public void stop() {
    sweeping.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = sweeping.get();
    return current != null && !current.isDisposed();
  }
}
