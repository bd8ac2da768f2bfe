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

import dev.sluice.store.PayloadStore;
import java.time.Clock;
import java.util.Objects;

/** The options of redeeming claims. Immutable: each method returns a changed copy. */
public final class RedeemSpec {

  private static final int DEFAULT_MAX_IN_MEMORY = 16 * 1024 * 1024;
  private static final int DEFAULT_CONCURRENCY = 4;

  private final Stores stores;
  private final String audience;
  private final long maxSize;
  private final int maxInMemory;
  private final int concurrency;
  private final boolean deletesOnAck;
  private final boolean skips;
  private final Clock clock;
  private final SafeListener listener;

  private RedeemSpec(
      Stores stores,
      String audience,
      long maxSize,
      int maxInMemory,
      int concurrency,
      boolean deletesOnAck,
      boolean skips,
      Clock clock,
      SafeListener listener) {
    this.stores = stores;
    this.audience = audience;
    this.maxSize = maxSize;
    this.maxInMemory = maxInMemory;
    this.concurrency = concurrency;
    this.deletesOnAck = deletesOnAck;
    this.skips = skips;
    this.clock = clock;
    this.listener = listener;
  }

  static RedeemSpec defaults(PayloadStore store) {
    return new RedeemSpec(
        Stores.of(store),
        ClaimSpec.DEFAULT_AUDIENCE,
        ClaimSpec.DEFAULT_MAX_SIZE,
        DEFAULT_MAX_IN_MEMORY,
        DEFAULT_CONCURRENCY,
        false,
        false,
        Clock.systemUTC(),
        SafeListener.NOBODY);
  }

  /**
   * Who redeems: claims for others are refused. Defaults to {@value ClaimSpec#DEFAULT_AUDIENCE}.
   *
   * @param audience 1 to 128 letters and digits of ASCII, '.', '_', ':', '/' and '-'
   */
  public RedeemSpec audience(String audience) {
    return new RedeemSpec(
        stores,
        ClaimSigner.requireAudience(audience),
        maxSize,
        maxInMemory,
        concurrency,
        deletesOnAck,
        skips,
        clock,
        listener);
  }

  /** One more store that claims may name. */
  public RedeemSpec store(PayloadStore store) {
    return new RedeemSpec(
        stores.and(store),
        audience,
        maxSize,
        maxInMemory,
        concurrency,
        deletesOnAck,
        skips,
        clock,
        listener);
  }

  /**
   * How large a payload may be, in bytes; the claim of a larger one is refused before the store is
   * asked. Defaults to 5 GiB.
   *
   * @param maxSize 1 or more
   */
  public RedeemSpec maxSize(long maxSize) {
    ClaimSpec.requireMaxSize(maxSize);
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, deletesOnAck, skips, clock, listener);
  }

  /**
   * How large a payload may be that is put into its message as a whole, in bytes; the claim of a
   * larger one is refused. Defaults to 16 MiB. What is redeemed lazily has no such limit.
   *
   * @param maxInMemory 1 or more
   */
  public RedeemSpec maxInMemory(int maxInMemory) {
    if (maxInMemory < 1) {
      throw new IllegalArgumentException("maxInMemory: " + maxInMemory + " (expected: >= 1)");
    }
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, deletesOnAck, skips, clock, listener);
  }

  /**
   * How many payloads are read into memory at once: with {@link #maxInMemory} the bound on memory.
   * Defaults to 4.
   *
   * @param concurrency 1 or more
   */
  public RedeemSpec concurrency(int concurrency) {
    ClaimSpec.requireConcurrency(concurrency);
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, deletesOnAck, skips, clock, listener);
  }

  /**
   * In a flow: deletes the payload when its message has been acknowledged and the source will not
   * deliver it again. Only where nobody else reads the message: other groups of consumers would
   * find the payload gone. That of a part or a copy of a message is left to the sweeper. By default
   * payloads are kept until they expire.
   */
  public RedeemSpec deleteOnAck() {
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, true, skips, clock, listener);
  }

  /**
   * On a plain {@code Flux}: a message whose claim is refused, or whose payload cannot be read, is
   * discarded and reported, and the sequence goes on. By default it fails.
   */
  public RedeemSpec skipFailures() {
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, deletesOnAck, true, clock, listener);
  }

  /** The clock that tells whether a claim has expired. Defaults to the system's in UTC. */
  public RedeemSpec clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return new RedeemSpec(
        stores, audience, maxSize, maxInMemory, concurrency, deletesOnAck, skips, clock, listener);
  }

  /** Who hears what becomes of claims. Defaults to nobody. */
  public RedeemSpec listener(ClaimListener listener) {
    Objects.requireNonNull(listener, "listener");
    return new RedeemSpec(
        stores,
        audience,
        maxSize,
        maxInMemory,
        concurrency,
        deletesOnAck,
        skips,
        clock,
        new SafeListener(listener));
  }

  Stores stores() {
    return stores;
  }

  String audience() {
    return audience;
  }

  long maxSize() {
    return maxSize;
  }

  int maxInMemory() {
    return maxInMemory;
  }

  int concurrency() {
    return concurrency;
  }

  boolean deletesOnAck() {
    return deletesOnAck;
  }

  boolean skips() {
    return skips;
  }

  Clock clock() {
    return clock;
  }

  SafeListener listener() {
    return listener;
  }
}
