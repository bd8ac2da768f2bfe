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

import dev.sluice.Experimental;
import dev.sluice.claim.ClaimRefused.Reason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;

/** Redeems the claim of one message at a time. Thread-safe. */
@Experimental
public final class Redeemer {

  /** For how long after a payload has expired it is known who was done with it. */
  private static final Duration AFTERWARDS = Duration.ofHours(1);

  private final RedeemSpec spec;
  private final ClaimSigner signer;
  private final String assembly = LeakDetector.assembly();

  Redeemer(RedeemSpec spec, Keyring keys) {
    this.spec = spec;
    this.signer = new ClaimSigner(Objects.requireNonNull(keys, "keys"));
  }

  /** How many payloads should be read into memory at once, as the options say. */
  public int concurrency() {
    return spec.concurrency();
  }

  /** Whether payloads are deleted when their message is acknowledged. */
  public boolean deletesOnAck() {
    return spec.deletesOnAck();
  }

  RedeemSpec spec() {
    return spec;
  }

  // == messages ==

  /**
   * The message with its payload, whether it came with it or is read from the store.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the message without the claim, when its payload was read and verified
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>with {@link ClaimRefused} if the claim is not honoured, before the store is asked, or if
   *       the payload is not what was stored; with {@link PayloadMissing} if it is gone and {@link
   *       dev.sluice.store.StoreFailed} if the store is in trouble
   *   <dt>Cancel
   *   <dd>ends the reading
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store, or that of the subscriber
   * </dl>
   *
   * @param message its payload is a {@code byte[]}
   */
  public Mono<Message<byte[]>> redeem(Message<?> message) {
    Objects.requireNonNull(message, "message");
    return Mono.defer(() -> read(open(message)));
  }

  private Mono<Message<byte[]>> read(Message<Claimed> opened) {
    Claimed payload = opened.payload();
    return payload
        .bytes(payload.claim() == null ? Integer.MAX_VALUE : spec.maxInMemory())
        .map(opened::withPayload)
        .doOnError(ClaimRefused.class, this::tellTooLarge);
  }

  /**
   * The message with a payload that is read when it is subscribed to. The store is not asked.
   *
   * @param message its payload is a {@code byte[]}
   * @throws ClaimRefused if the claim is not honoured
   */
  public Message<Claimed> open(Message<?> message) {
    if (!(message.payload() instanceof byte[] bytes)) {
      throw new IllegalArgumentException(
          "payload: " + message.payload().getClass().getName() + " (expected: byte[] to redeem)");
    }
    String signed = message.headers().get(ClaimCheck.HEADER);
    if (signed == null) {
      return message.withPayload(Claimed.inline(bytes));
    }
    try {
      if (bytes.length > 0) {
        throw new ClaimRefused(
            Reason.MALFORMED, "a claim beside a payload of " + bytes.length + " bytes");
      }
      Claimed claimed = Claimed.stored(honour(signer.verify(signed, spec.clock().instant())));
      return message.withPayload(claimed).withHeaders(message.headers().without(ClaimCheck.HEADER));
    } catch (ClaimRefused refused) {
      spec.listener().refused(refused.why());
      throw refused;
    }
  }

  private Claimed.Source honour(Claim claim) {
    if (!claim.audience().equals(spec.audience())) {
      throw new ClaimRefused(
          Reason.FOREIGN_AUDIENCE,
          "for " + claim.audience() + " (expected: for " + spec.audience() + ")");
    }
    throwIfExpired(claim);
    PayloadStore store = spec.stores().find(claim.store());
    if (store == null) {
      throw new ClaimRefused(
          Reason.UNKNOWN_STORE,
          claim.store() + " (expected: one of " + spec.stores().byName().keySet() + ")");
    }
    if (claim.size() > spec.maxSize()) {
      throw new ClaimRefused(
          Reason.TOO_LARGE, claim.size() + " bytes (expected: <= " + spec.maxSize() + ")");
    }
    if (claim.deflated() && !Deflate.mayBe(claim.size(), claim.stored())) {
      throw new ClaimRefused(
          Reason.TOO_LARGE, claim.size() + " bytes compressed to " + claim.stored());
    }
    return new Claimed.Source(claim, store, coding(claim), this);
  }

  private Coding coding(Claim claim) {
    String id = claim.cipherKey();
    if (id == null) {
      return new Coding(claim.deflated(), null);
    }
    Keyring decrypting = spec.decrypting();
    Keyring.Key secret = decrypting == null ? null : decrypting.find(id);
    if (secret == null) {
      throw new ClaimRefused(
          Reason.UNKNOWN_KEY,
          decrypting == null
              ? "encrypted (expected: a keyring to decrypt with)"
              : "the keyring to decrypt with does not have its secret");
    }
    if (secret.expired(spec.clock().instant())) {
      throw new ClaimRefused(Reason.RETIRED_KEY, id + " was retired at " + secret.until());
    }
    return new Coding(claim.deflated(), secret);
  }

  private void throwIfExpired(Claim claim) {
    if (!spec.clock().instant().isBefore(claim.expiresAt())) {
      throw new ClaimRefused(Reason.EXPIRED, "at " + claim.expiresAt());
    }
  }

  /** A claim may expire while its message waits. */
  void requireLive(Claim claim) {
    throwIfExpired(claim);
  }

  void redeemed(Claim claim) {
    spec.listener().redeemed(claim);
  }

  /** The reading of a payload has failed. */
  void tell(Claim claim, Throwable error) {
    if (error instanceof PayloadMissing) {
      spec.listener().lost(claim);
    } else if (error instanceof ClaimRefused refused) {
      spec.listener().refused(refused.why());
    }
  }

  private void tellTooLarge(ClaimRefused refused) {
    if (refused.why() == Reason.TOO_LARGE) { // the others were told where they were found
      spec.listener().refused(refused.why());
    }
  }

  // == deliveries ==

  /**
   * {@link #open(Message)} for a delivery, whose Ack counts only if its payload was not read at
   * all, or was verified.
   */
  public Delivery<Claimed> open(Delivery<?> delivery) {
    Message<Claimed> opened = open(delivery.message());
    Claim claim = opened.payload().claim();
    if (claim == null) {
      return delivery.with(opened);
    }
    deleteWhenAcked(delivery.settlement(), claim);
    Redemption redemption = new Redemption(delivery.settlement(), opened.payload());
    return delivery.with(LeakDetector.track(redemption.watch(), assembly)).with(opened);
  }

  /** {@link #redeem(Message)} for a delivery. */
  public Mono<Delivery<byte[]>> redeem(Delivery<?> delivery) {
    return Mono.defer(
        () -> {
          Message<Claimed> opened = open(delivery.message());
          Claim claim = opened.payload().claim();
          return read(opened)
              .map(
                  message -> {
                    if (claim != null) {
                      deleteWhenAcked(delivery.settlement(), claim);
                    }
                    return delivery.with(message);
                  });
        });
  }

  /**
   * After the Ack is durable: before that the message may be delivered again, and would then refer
   * to nothing. The listener holds no handle of the settlement, so leaks of it can be seen.
   */
  private void deleteWhenAcked(Settlement settlement, Claim claim) {
    PayloadStore store = spec.stores().find(claim.store());
    if (!spec.deletesOnAck() || store == null || settlement.isShared()) {
      return; // what is shared with others is left to the sweeper
    }
    Mono<Void> deletion =
        settlement
            .durable()
            .then(Mono.defer(() -> isLast(claim)))
            .filter(last -> last)
            .flatMap(
                last ->
                    store.delete(claim.key()).doOnSuccess(done -> spec.listener().deleted(claim)))
            .onErrorComplete(StaleDelivery.class)
            .onErrorResume(
                error -> {
                  spec.listener().left(claim, error);
                  return Mono.empty();
                });
    settlement.onDone(
        outcome -> {
          if (outcome instanceof Outcome.Ack) {
            deletion.subscribe();
          }
        });
  }

  /** Whether nobody else reads the message any more. */
  private Mono<Boolean> isLast(Claim claim) {
    Readers readers = spec.readers();
    if (readers == null) {
      return Mono.just(true);
    }
    Duration left = Duration.between(spec.clock().instant(), claim.expiresAt());
    return readers.isLast(claim, left.isNegative() ? AFTERWARDS : left.plus(AFTERWARDS));
  }
}
