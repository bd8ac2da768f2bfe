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
package dev.sluice.store;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * What a payload is stored under: when it expires, and 160 bits that nobody can guess, such as
 * {@code 2026-11-21/143000-9f2c…}.
 *
 * <p>The expiry stands in front, to the second and in UTC, so keys sort by it: a store that can
 * list its keys in order needs no other index to find what has expired. A key is used once and
 * never for other content. There is no other form, so nothing that is parsed can lead out of where
 * the payloads are.
 *
 * <p>Immutable and thread-safe.
 */
public final class PayloadKey implements Comparable<PayloadKey> {

  private static final Pattern FORM =
      Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{6}-[0-9a-f]{40}");
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd/HHmmss", Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);
  private static final int TIME_LENGTH = "uuuu-MM-dd/HHmmss".length();
  private static final Instant MIN_EXPIRY = Instant.parse("2000-01-01T00:00:00Z");
  private static final Instant MAX_EXPIRY = Instant.parse("9999-12-31T23:59:59Z");

  private final String text;
  private final Instant expiresAt;

  private PayloadKey(String text, Instant expiresAt) {
    this.text = text;
    this.expiresAt = expiresAt;
  }

  /**
   * A key that was never there before.
   *
   * @param expiresAt from when on nobody needs the payload any more, in the years 2000..9999;
   *     rounded up to a second
   * @throws IllegalArgumentException if the time is out of range
   */
  public static PayloadKey next(Instant expiresAt) {
    if (expiresAt.isBefore(MIN_EXPIRY) || expiresAt.isAfter(MAX_EXPIRY)) {
      throw new IllegalArgumentException(
          "expiresAt: " + expiresAt + " (expected: in the years 2000..9999)");
    }
    Instant second = expiresAt.truncatedTo(ChronoUnit.SECONDS);
    if (second.isBefore(expiresAt)) {
      second = second.plusSeconds(1);
    }
    return new PayloadKey(
        TIME.format(LocalDateTime.ofInstant(second, ZoneOffset.UTC)) + '-' + Unguessable.next(),
        second);
  }

  /**
   * The key that a text is.
   *
   * @throws IllegalArgumentException if it is none; the text is not quoted, it may be an attack
   */
  public static PayloadKey parse(String text) {
    PayloadKey key = parseOrNull(text);
    if (key == null) {
      throw new IllegalArgumentException(
          "payload key: "
              + text.length()
              + " characters of another form (expected: that of a key)");
    }
    return key;
  }

  /** The key that a text is, or null. */
  public static @Nullable PayloadKey parseOrNull(String text) {
    if (!FORM.matcher(Objects.requireNonNull(text, "text")).matches()) {
      return null;
    }
    try {
      Instant expiresAt =
          LocalDateTime.parse(text.substring(0, TIME_LENGTH), TIME).toInstant(ZoneOffset.UTC);
      return expiresAt.isBefore(MIN_EXPIRY) ? null : new PayloadKey(text, expiresAt);
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** From when on nobody needs the payload any more, in whole seconds. */
  public Instant expiresAt() {
    return expiresAt;
  }

  /** By expiry. */
  @Override
  public int compareTo(PayloadKey other) {
    return text.compareTo(other.text);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other || (other instanceof PayloadKey that && text.equals(that.text));
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** The key as a text: lower-case letters, digits, '-' and one '/'; 58 characters. */
  @Override
  public String toString() {
    return text;
  }

  /**
   * Texts that nobody can guess who has seen others: the authentication codes of a counter under a
   * secret of this process. SecureRandom reads a device, which is a blocking call; this asks it
   * once.
   */
  private static final class Unguessable {

    private static final String ALGORITHM = "HmacSHA256";
    private static final int BYTES = 20;
    private static final SecretKeySpec SECRET;
    private static final AtomicLong COUNTER = new AtomicLong();

    static {
      byte[] secret = new byte[32];
      new SecureRandom().nextBytes(secret);
      SECRET = new SecretKeySpec(secret, ALGORITHM);
    }

    private Unguessable() {}

    static String next() {
      ByteBuffer input = ByteBuffer.allocate(2 * Long.BYTES);
      // The time keeps processes apart that were restored from one snapshot and so have one secret.
      input.putLong(COUNTER.incrementAndGet()).putLong(System.nanoTime());
      try {
        Mac mac = Mac.getInstance(ALGORITHM);
        mac.init(SECRET);
        return HexFormat.of().formatHex(mac.doFinal(input.array()), 0, BYTES);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(ALGORITHM + " is missing in this Java platform", e);
      }
    }
  }
}
