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

import dev.sluice.claim.ClaimRefused.Reason;
import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadStore;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A payload that is read when somebody wants it. Thread-safe.
 *
 * <p>In a flow, whoever has begun to read it has to read it to its end: a message that is
 * acknowledged before its payload was found to be what was stored goes to the dead letters instead.
 */
public final class Claimed {

  private final @Nullable Source source;
  private final byte[] inline;

  private volatile boolean opened;
  private volatile boolean verified;

  /** Where a payload is that is not in its message. */
  record Source(Claim claim, PayloadStore store, Coding coding, Redeemer redeemer) {}

  private Claimed(@Nullable Source source, byte[] inline) {
    this.source = source;
    this.inline = inline;
  }

  static Claimed stored(Source source) {
    return new Claimed(source, new byte[0]);
  }

  static Claimed inline(byte[] bytes) {
    return new Claimed(null, bytes);
  }

  /** How many bytes it has. */
  public long size() {
    return source == null ? inline.length : source.claim().size();
  }

  /** The claim that was redeemed, or null if the payload was in its message. */
  public @Nullable Claim claim() {
    return source == null ? null : source.claim();
  }

  /**
   * The payload.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>its bytes in order, in buffers of any size that belong to the subscriber
   *   <dt>Backpressure
   *   <dd>reads no further than the demand reaches, but for what the store reads ahead, and some 64
   *       KiB and two buffers of the store if it was compressed or encrypted
   *   <dt>Completes/Errors
   *   <dd>completes only when every byte was there and their digest is that in the claim; otherwise
   *       fails with {@link ClaimRefused}, so what came before must not have had an effect yet;
   *       with {@link dev.sluice.store.PayloadMissing} if the payload is gone and {@link
   *       dev.sluice.store.StoreFailed} if the store is in trouble
   *   <dt>Cancel
   *   <dd>ends the reading
   *   <dt>Discard
   *   <dd>nothing to discard: buffers hold no resources
   *   <dt>Threads
   *   <dd>on threads of the store, or of {@link reactor.core.scheduler.Schedulers#parallel()} if it
   *       was compressed or encrypted; each subscription reads anew
   * </dl>
   */
  public Flux<ByteBuffer> content() {
    if (source == null) {
      return Flux.defer(() -> Flux.just(ByteBuffer.wrap(inline.clone())));
    }
    return Flux.defer(() -> read(source));
  }

  private Flux<ByteBuffer> read(Source from) {
    Claim claim = from.claim();
    opened = true;
    Digest digest = new Digest();
    Flux<ByteBuffer> stored =
        Flux.defer(
                () -> {
                  from.redeemer().requireLive(claim);
                  return from.store().get(claim.key(), ByteRange.all());
                })
            .doOnNext(
                buffer -> {
                  digest.add(buffer);
                  requireAtMost(digest.size(), claim.stored());
                });
    return content(from, stored)
        .concatWith(Mono.<ByteBuffer>fromRunnable(() -> verify(from, digest)))
        .doOnError(error -> from.redeemer().tell(claim, error));
  }

  /** Their digest says that the stored bytes are the right ones, and so what they were made of. */
  private Flux<ByteBuffer> content(Source from, Flux<ByteBuffer> stored) {
    Claim claim = from.claim();
    if (!claim.isCoded()) {
      return stored;
    }
    AtomicLong size = new AtomicLong();
    return from.coding()
        .decode(claim.key(), stored)
        .doOnNext(buffer -> requireAtMost(size.addAndGet(buffer.remaining()), claim.size()))
        .concatWith(Mono.<ByteBuffer>fromRunnable(() -> requireAll(size.get(), claim.size())));
  }

  private void verify(Source from, Digest digest) {
    Claim claim = from.claim();
    requireAll(digest.size(), claim.stored());
    if (!digest.end().equals(claim.sha256())) {
      throw corrupted("the digest of its " + claim.stored() + " bytes is another one");
    }
    verified = true;
    from.redeemer().redeemed(claim);
  }

  private void requireAtMost(long read, long limit) {
    if (read > limit) {
      throw corrupted("more than " + limit + " bytes");
    }
  }

  private void requireAll(long read, long expected) {
    if (read != expected) {
      throw corrupted(read + " bytes of " + expected);
    }
  }

  private ClaimRefused corrupted(String what) {
    return ClaimRefused.corrupted(Objects.requireNonNull(source).claim().key(), what);
  }

  /**
   * The payload as a whole.
   *
   * @param max how many bytes at most; 0 or more
   * @return the bytes, or an error as of {@link #content()}, or {@link ClaimRefused} if there are
   *     more; then the store is not asked
   */
  public Mono<byte[]> bytes(int max) {
    return Mono.defer(
        () -> {
          if (size() > max) {
            throw new ClaimRefused(Reason.TOO_LARGE, size() + " bytes (expected: <= " + max + ")");
          }
          return content()
              .collect(() -> ByteBuffer.allocate((int) size()), ByteBuffer::put)
              .map(ByteBuffer::array);
        });
  }

  /** Why an acknowledgement does not count, or null if it does. */
  @Nullable ClaimRefused flaw() {
    return opened && !verified
        ? corrupted("acknowledged although it was not read to its end and verified")
        : null;
  }

  @Override
  public String toString() {
    return "Claimed[" + size() + " bytes" + (source == null ? ", inline]" : "]");
  }
}
