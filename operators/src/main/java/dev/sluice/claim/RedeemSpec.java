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

import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.PayloadStore;
import java.time.Clock;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The options of redeeming claims. Immutable: each method returns a changed copy. */
public final class RedeemSpec {

  private static final int DEFAULT_MAX_IN_MEMORY = 16 * 1024 * 1024;
  private static final int DEFAULT_CONCURRENCY = 4;

  private Stores stores;
  private String audience = ClaimSpec.DEFAULT_AUDIENCE;
  private long maxSize = ClaimSpec.DEFAULT_MAX_SIZE;
  private int maxInMemory = DEFAULT_MAX_IN_MEMORY;
  private int concurrency = DEFAULT_CONCURRENCY;
  private boolean deletesOnAck;
  private @Nullable Readers readers;
  private boolean skips;
  private @Nullable Keyring decrypting;
  private Clock clock = Clock.systemUTC();
  private SafeListener listener = SafeListener.NOBODY;

  private RedeemSpec(RedeemSpec from) {
    stores = from.stores;
    audience = from.audience;
    maxSize = from.maxSize;
    maxInMemory = from.maxInMemory;
    concurrency = from.concurrency;
    deletesOnAck = from.deletesOnAck;
    readers = from.readers;
    skips = from.skips;
    decrypting = from.decrypting;
    clock = from.clock;
    listener = from.listener;
  }

  private RedeemSpec(PayloadStore store) {
    stores = Stores.of(store);
  }

  static RedeemSpec defaults(PayloadStore store) {
    return new RedeemSpec(store);
  }

  /** A changed copy; what is in somebody's hands never changes. */
  private RedeemSpec with(Consumer<RedeemSpec> change) {
    RedeemSpec copy = new RedeemSpec(this);
    change.accept(copy);
    return copy;
  }

  /**
   * Who redeems: claims for others are refused. Defaults to {@value ClaimSpec#DEFAULT_AUDIENCE}.
   *
   * @param audience 1 to 128 letters and digits of ASCII, '.', '_', ':', '/' and '-'
   */
  public RedeemSpec audience(String audience) {
    return with(copy -> copy.audience = ClaimSigner.requireAudience(audience));
  }

  /** One more store that claims may name. */
  public RedeemSpec store(PayloadStore store) {
    return with(copy -> copy.stores = stores.and(store));
  }

  /**
   * How large a payload may be, in bytes; the claim of a larger one is refused before the store is
   * asked. Defaults to 5 GiB.
   *
   * @param maxSize 1 or more
   */
  public RedeemSpec maxSize(long maxSize) {
    ClaimSpec.requireMaxSize(maxSize);
    return with(copy -> copy.maxSize = maxSize);
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
    return with(copy -> copy.maxInMemory = maxInMemory);
  }

  /**
   * How many payloads are read into memory at once: with {@link #maxInMemory} the bound on memory.
   * Defaults to 4.
   *
   * @param concurrency 1 or more
   */
  public RedeemSpec concurrency(int concurrency) {
    ClaimSpec.requireConcurrency(concurrency);
    return with(copy -> copy.concurrency = concurrency);
  }

  /**
   * Decrypts what was encrypted ({@link ClaimSpec#encrypt}); without it, such claims are refused.
   * What was compressed needs no option.
   *
   * @param secrets those that payloads were encrypted with
   */
  public RedeemSpec decrypt(Keyring secrets) {
    PayloadCipher.load();
    Objects.requireNonNull(secrets, "secrets");
    return with(copy -> copy.decrypting = secrets);
  }

  /**
   * In a flow: deletes the payload when its message has been acknowledged and the source will not
   * deliver it again. Only where nobody else reads the message: other groups of consumers would
   * find the payload gone. That of a part or a copy of a message is left to the sweeper. By default
   * payloads are kept until they expire.
   */
  public RedeemSpec deleteOnAck() {
    return with(copy -> copy.deletesOnAck = true);
  }

  /**
   * {@link #deleteOnAck} where several groups of consumers read the same messages: the payload is
   * deleted when all of them are done with it. Each says who it is and who the others are. What a
   * group never acknowledges stays until it expires.
   *
   * @param acks where the groups remember what they are done with; the same for all of them
   * @param ours the group that reads here, as of a scope of {@link dev.sluice.store.IdempotencyKey}
   * @param others all the other groups, at least one
   * @throws IllegalArgumentException if there is no other, or ours is among them
   */
  public RedeemSpec deleteOnLastAck(IdempotencyStore acks, String ours, String... others) {
    Set<String> rest = Set.of(others);
    if (rest.isEmpty() || rest.contains(ours)) {
      throw new IllegalArgumentException(
          "others: " + rest + " (expected: at least one, without " + ours + ")");
    }
    Readers all = new Readers(Objects.requireNonNull(acks, "acks"), ours, rest);
    return with(
        copy -> {
          copy.deletesOnAck = true;
          copy.readers = all;
        });
  }

  /**
   * On a plain {@code Flux}: a message whose claim is refused, or whose payload cannot be read, is
   * discarded and reported, and the sequence goes on. By default it fails.
   */
  public RedeemSpec skipFailures() {
    return with(copy -> copy.skips = true);
  }

  /** The clock that tells whether a claim has expired. Defaults to the system's in UTC. */
  public RedeemSpec clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return with(copy -> copy.clock = clock);
  }

  /** Who hears what becomes of claims. Defaults to nobody. */
  public RedeemSpec listener(ClaimListener listener) {
    Objects.requireNonNull(listener, "listener");
    return with(copy -> copy.listener = new SafeListener(listener));
  }

  @Nullable Keyring decrypting() {
    return decrypting;
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

  /** Who else reads the messages, or null if nobody does. */
  @Nullable Readers readers() {
    return readers;
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
