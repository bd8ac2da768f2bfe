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
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts what becomes of payloads, so that what their storage costs can be held against what the
 * broker did not have to carry. Give one to the claim checks and the redeemers of an application
 * ({@link ClaimSpec#listener}, {@link RedeemSpec#listener}), and watch it.
 *
 * <p>Storage is counted as bytes × time: with the whole time to live when a payload is stored; what
 * is left of it counts as returned when the payload is deleted earlier. Thread-safe.
 */
@Experimental
public final class ClaimMeters implements ClaimListener, Metered {

  private final String name;
  private final Clock clock;
  private final LongAdder stored = new LongAdder();
  private final LongAdder storedBytes = new LongAdder();
  private final LongAdder offloadedBytes = new LongAdder();
  private final LongAdder inlineBytes = new LongAdder();
  private final LongAdder used = new LongAdder();
  private final LongAdder returned = new LongAdder();
  private final LongAdder redeemed = new LongAdder();
  private final LongAdder redeemedBytes = new LongAdder();
  private final LongAdder lost = new LongAdder();
  private final LongAdder deleted = new LongAdder();
  private final LongAdder left = new LongAdder();
  private final LongAdder skipped = new LongAdder();
  private final Map<Reason, LongAdder> refused = new EnumMap<>(Reason.class);

  private ClaimMeters(String name, Clock clock) {
    this.name = Objects.requireNonNull(name, "name");
    this.clock = Objects.requireNonNull(clock, "clock");
    for (Reason reason : Reason.values()) {
      refused.put(reason, new LongAdder());
    }
  }

  /**
   * Meters that begin at zero.
   *
   * @param name becomes the tag {@code claims} of each
   */
  public static ClaimMeters create(String name) {
    return create(name, Clock.systemUTC());
  }

  /** {@link #create(String)} with the clock of the claims. */
  public static ClaimMeters create(String name, Clock clock) {
    return new ClaimMeters(name, clock);
  }

  @Override
  public void meters(Meters meters) {
    Meters ours = meters.with("claims", name);
    ours.counter("sluice.claim.stored", "payloads", "Payloads stored", stored::sum);
    ours.counter("sluice.claim.stored.bytes", "bytes", "Written to stores", storedBytes::sum);
    ours.counter(
        "sluice.claim.offloaded.bytes",
        "bytes",
        "Content that the broker did not carry",
        offloadedBytes::sum);
    ours.counter(
        "sluice.claim.inline.bytes", "bytes", "Content that the broker carried", inlineBytes::sum);
    ours.counter(
        "sluice.claim.storage", "byte hours", "Bytes stored, times their time to live", used::sum);
    ours.counter(
        "sluice.claim.storage.returned",
        "byte hours",
        "Bytes deleted before their time, times what was left of it",
        returned::sum);
    ours.counter("sluice.claim.redeemed", "payloads", "Payloads read to their end", redeemed::sum);
    ours.counter("sluice.claim.redeemed.bytes", "bytes", "Content redeemed", redeemedBytes::sum);
    ours.counter(
        "sluice.claim.lost", "payloads", "Gone before their message: must be 0", lost::sum);
    ours.counter("sluice.claim.deleted", "payloads", "Deleted before their time", deleted::sum);
    ours.counter("sluice.claim.left", "payloads", "Not deleted, left to the sweeper", left::sum);
    ours.counter("sluice.claim.skipped", "messages", "Messages skipped", skipped::sum);
    refused.forEach(
        (reason, count) ->
            ours.with("reason", reason.name().toLowerCase(Locale.ROOT))
                .counter("sluice.claim.refused", "claims", "Claims not honoured", count::sum));
  }

  @Override
  public void stored(Claim claim, Duration ttl) {
    stored.increment();
    storedBytes.add(claim.stored());
    offloadedBytes.add(claim.size());
    add(used, claim.stored(), ttl);
  }

  @Override
  public void deleted(Claim claim) {
    deleted.increment();
    Duration unused = Duration.between(clock.instant(), claim.expiresAt());
    if (!unused.isNegative()) {
      add(returned, claim.stored(), unused);
    }
  }

  /** Bytes times seconds would overflow a long after some months of a large installation. */
  private static void add(LongAdder byteHours, long bytes, Duration time) {
    double hours = time.toSeconds() / 3600.0;
    byteHours.add(Math.round(bytes * hours));
  }

  @Override
  public void inlined(long bytes) {
    inlineBytes.add(bytes);
  }

  @Override
  public void redeemed(Claim claim) {
    redeemed.increment();
    redeemedBytes.add(claim.size());
  }

  @Override
  public void refused(Reason reason) {
    Objects.requireNonNull(refused.get(reason)).increment();
  }

  @Override
  public void lost(Claim claim) {
    lost.increment();
  }

  @Override
  public void left(Claim claim, Throwable error) {
    left.increment();
  }

  @Override
  public void skipped(Message<?> message, Throwable error) {
    skipped.increment();
  }
}
