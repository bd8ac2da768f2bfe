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

import dev.sluice.channel.Outbound;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadStore;
import dev.sluice.time.Times;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The options of a claim check. Immutable: each method returns a changed copy. */
public final class ClaimSpec {

  /** What every claim is made for and redeemed by unless somebody says otherwise: {@value}. */
  public static final String DEFAULT_AUDIENCE = "default";

  static final long DEFAULT_MAX_SIZE = 5L * 1024 * 1024 * 1024;

  private static final int DEFAULT_THRESHOLD = 256 * 1024;
  private static final Duration DEFAULT_TTL = Duration.ofDays(14);
  private static final Duration FOR_EVER = Duration.ofDays(1_000_000);
  private static final int DEFAULT_CONCURRENCY = 16;

  private Stores stores;
  private Function<? super Message<?>, String> route;
  private int threshold = DEFAULT_THRESHOLD;
  private @Nullable Outbound<byte[]> target;
  private long maxSize = DEFAULT_MAX_SIZE;
  private Duration ttl = DEFAULT_TTL;
  private @Nullable Duration needed;
  private String audience = DEFAULT_AUDIENCE;
  private int concurrency = DEFAULT_CONCURRENCY;
  private boolean skips;
  private boolean compresses;
  private @Nullable Keyring encrypting;
  private Clock clock = Clock.systemUTC();
  private SafeListener listener = SafeListener.NOBODY;

  private ClaimSpec(ClaimSpec from) {
    stores = from.stores;
    route = from.route;
    threshold = from.threshold;
    target = from.target;
    maxSize = from.maxSize;
    ttl = from.ttl;
    needed = from.needed;
    audience = from.audience;
    concurrency = from.concurrency;
    skips = from.skips;
    compresses = from.compresses;
    encrypting = from.encrypting;
    clock = from.clock;
    listener = from.listener;
  }

  private ClaimSpec(PayloadStore store) {
    stores = Stores.of(store);
    route = message -> store.name();
  }

  static ClaimSpec defaults(PayloadStore store) {
    return new ClaimSpec(store);
  }

  /** A changed copy; what is in somebody's hands never changes. */
  private ClaimSpec with(Consumer<ClaimSpec> change) {
    ClaimSpec copy = new ClaimSpec(this);
    change.accept(copy);
    return copy;
  }

  /**
   * How large a payload may be to stay in its message, in bytes. Defaults to 256 KiB. The broker's
   * limit is for the whole record, so leave room for the group and the headers, or let {@link
   * #fits} do that.
   *
   * @param threshold 0 or more
   */
  public ClaimSpec threshold(int threshold) {
    if (threshold < 0) {
      throw new IllegalArgumentException("threshold: " + threshold + " (expected: >= 0)");
    }
    return with(copy -> copy.threshold = threshold);
  }

  /**
   * Stores also what is not larger than the {@link #threshold}, but more than the target takes with
   * the group and the headers of its message. Of a target that does not know its limit nothing is
   * asked. Defaults to no target.
   *
   * @param target where the messages are sent to afterwards
   */
  public ClaimSpec fits(Outbound<byte[]> target) {
    Objects.requireNonNull(target, "target");
    return with(copy -> copy.target = target);
  }

  /**
   * How large a payload may be at all, in bytes; a larger one is an {@link
   * IllegalArgumentException}. Defaults to 5 GiB.
   *
   * @param maxSize 1 or more
   */
  public ClaimSpec maxSize(long maxSize) {
    requireMaxSize(maxSize);
    return with(copy -> copy.maxSize = maxSize);
  }

  /**
   * For how long a payload is kept and its claim honoured. Defaults to 14 days.
   *
   * @param ttl 1 second to 3650 days
   */
  public ClaimSpec ttl(Duration ttl) {
    Times.between("ttl", ttl, Duration.ofSeconds(1), Times.LONGEST_RETENTION);
    return with(copy -> copy.ttl = ttl);
  }

  /**
   * For how long messages may lie around: a payload that is kept for less than all of it could be
   * gone before its message is read, which is refused when the claim check is assembled. Defaults
   * to nothing, so nothing is checked; but a {@code Flow} that sends right behind the claim check
   * asks its target then ({@link Outbound#retention}), and does not start if that keeps messages
   * for longer than payloads are.
   *
   * @param channel the retention of the channel
   * @param deadLetters the retention of its dead letters
   * @param replay how far back somebody may want to begin again
   */
  public ClaimSpec outlives(Duration channel, Duration deadLetters, Duration replay) {
    requireNotNegative("channel", channel);
    requireNotNegative("deadLetters", deadLetters);
    requireNotNegative("replay", replay);
    return with(copy -> copy.needed = sum(channel, deadLetters, replay));
  }

  /**
   * Who may redeem the claims. Defaults to {@value #DEFAULT_AUDIENCE}.
   *
   * @param audience 1 to 128 letters and digits of ASCII, '.', '_', ':', '/' and '-'
   */
  public ClaimSpec audience(String audience) {
    return with(copy -> copy.audience = ClaimSigner.requireAudience(audience));
  }

  /** One more store, for {@link #route}. */
  public ClaimSpec store(PayloadStore store) {
    return with(copy -> copy.stores = stores.and(store));
  }

  /**
   * Which store a payload goes to. Defaults to the one that was given first.
   *
   * @param route the name of the store for a message; a name that is not known fails the message
   */
  public ClaimSpec route(Function<? super Message<?>, String> route) {
    Objects.requireNonNull(route, "route");
    return with(copy -> copy.route = route);
  }

  /**
   * Compresses what is stored, with deflate, as it streams. Not for what is compressed already,
   * such as images. Before {@link #encrypt}, if both are chosen: then the length of what is stored
   * tells something about the payload.
   */
  public ClaimSpec compress() {
    return with(copy -> copy.compresses = true);
  }

  /**
   * Encrypts what is stored, with AES-256-GCM, in segments of 64 KiB that are authenticated one by
   * one, as it streams; under a key of its own for each payload that is derived from the secret
   * that the keyring signs with at the time. The claim names the secret. Who redeems has it too
   * ({@link RedeemSpec#decrypt}); the store never has.
   *
   * @param secrets another keyring than that of the claims
   */
  public ClaimSpec encrypt(Keyring secrets) {
    PayloadCipher.load();
    Objects.requireNonNull(secrets, "secrets");
    return with(copy -> copy.encrypting = secrets);
  }

  /**
   * How many payloads are stored at once. Each holds at most the threshold and what the store holds
   * for a payload. Defaults to 16.
   *
   * @param concurrency 1 or more
   */
  public ClaimSpec concurrency(int concurrency) {
    requireConcurrency(concurrency);
    return with(copy -> copy.concurrency = concurrency);
  }

  /**
   * On a plain {@code Flux}: a message whose payload cannot be stored is discarded and reported,
   * and the sequence goes on. By default it fails.
   */
  public ClaimSpec skipFailures() {
    return with(copy -> copy.skips = true);
  }

  /** The clock from which the expiry counts. Defaults to the system's in UTC. */
  public ClaimSpec clock(Clock clock) {
    Objects.requireNonNull(clock, "clock");
    return with(copy -> copy.clock = clock);
  }

  /** Who hears what becomes of payloads. Defaults to nobody. */
  public ClaimSpec listener(ClaimListener listener) {
    Objects.requireNonNull(listener, "listener");
    return with(copy -> copy.listener = new SafeListener(listener));
  }

  /** Checks the options against each other. */
  ClaimSpec check() {
    if (needed != null) {
      requireTtl(needed, "the retention of the channel, its dead letters and the replay together");
    }
    return this;
  }

  /** Checks what a channel says, unless somebody has said it before. */
  void requireOutlives(String channel, Duration retention) {
    if (needed == null) {
      requireTtl(retention, "the retention of " + channel);
    }
  }

  private void requireTtl(Duration least, String why) {
    if (ttl.compareTo(least) < 0) {
      throw new IllegalArgumentException(
          "ttl: " + ttl + " (expected: >= " + least + ", " + why + ")");
    }
  }

  /** With the secret of now. */
  Coding coding() {
    return new Coding(compresses, encrypting == null ? null : encrypting.signing());
  }

  Stores stores() {
    return stores;
  }

  Function<? super Message<?>, String> route() {
    return route;
  }

  /** How large the payload of this message may be to stay in it. */
  int threshold(Message<?> message) {
    return target == null ? threshold : Math.min(threshold, target.room(message).orElse(threshold));
  }

  long maxSize() {
    return maxSize;
  }

  Duration ttl() {
    return ttl;
  }

  String audience() {
    return audience;
  }

  int concurrency() {
    return concurrency;
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

  static void requireMaxSize(long maxSize) {
    if (maxSize < 1) {
      throw new IllegalArgumentException("maxSize: " + maxSize + " (expected: >= 1)");
    }
  }

  static void requireConcurrency(int concurrency) {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
  }

  /** What is kept for ever may be longer than can be added. */
  private static Duration sum(Duration... parts) {
    Duration sum = Duration.ZERO;
    for (Duration part : parts) {
      if (part.compareTo(FOR_EVER) >= 0) {
        return part;
      }
      sum = sum.plus(part);
    }
    return sum;
  }

  private static void requireNotNegative(String what, Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException(what + ": " + duration + " (expected: >= PT0S)");
    }
  }
}
