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

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The secrets that claims are signed with: one signs, all verify. To change the secret, let first
 * everybody who redeems {@link #accept} the new one, then {@link #rotate} to it where claims are
 * made, and {@link #retire} the old one for the time when its last claim has expired.
 *
 * <p>In the same way, another keyring has the secrets that payloads are encrypted with: what is
 * said here of signing and verifying holds for encrypting and decrypting then.
 *
 * <p>Thread-safe; changes hold for what is signed and verified after them.
 */
public final class Keyring {

  /** The least length of a secret, in bytes. */
  public static final int MIN_SECRET = 32;

  static final String ALGORITHM = "HmacSHA256";
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** A secret, and until when it verifies. */
  record Key(String id, SecretKeySpec secret, @Nullable Instant until) {

    boolean expired(Instant now) {
      return until != null && !now.isBefore(until);
    }

    /** The authentication code of a text. */
    byte[] sign(String text) {
      try {
        Mac mac = Mac.getInstance(ALGORITHM);
        mac.init(secret);
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(ALGORITHM + " is missing in this Java platform", e);
      }
    }
  }

  private record Keys(Key signing, Map<String, Key> all) {

    Keys with(Key key, boolean signs) {
      Map<String, Key> changed = new HashMap<>(all);
      changed.put(key.id(), key);
      Key signer = signs || key.id().equals(signing.id()) ? key : signing;
      return new Keys(signer, Map.copyOf(changed));
    }
  }

  private final AtomicReference<Keys> keys;

  private Keyring(Key first) {
    var unused = first.sign("loads the algorithm here, where blocking may be allowed");
    keys = new AtomicReference<>(new Keys(first, Map.of(first.id(), first)));
  }

  /**
   * A keyring with one secret, which signs.
   *
   * @param id names the secret in claims: 1 to 64 letters and digits of ASCII, '.', '_' and '-'
   * @param secret {@value #MIN_SECRET} bytes or more, random; copied
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static Keyring of(String id, byte[] secret) {
    return new Keyring(key(id, secret));
  }

  /**
   * Verifies with another secret too.
   *
   * @throws IllegalArgumentException if an argument is out of range, or the id is known
   */
  public void accept(String id, byte[] secret) {
    add(key(id, secret), false);
  }

  /**
   * Signs with this secret from now on; those before it go on to verify.
   *
   * @param secret a new secret, or that which was {@linkplain #accept accepted} under this id
   * @throws IllegalArgumentException if an argument is out of range, or the id is that of another
   *     secret
   */
  public void rotate(String id, byte[] secret) {
    add(key(id, secret), true);
  }

  private void add(Key key, boolean signs) {
    update(
        now -> {
          Key known = now.all().get(key.id());
          if (known != null && !(signs && known.secret().equals(key.secret()))) {
            throw new IllegalArgumentException(
                "id: " + key.id() + " is that of another secret (expected: a new one)");
          }
          return now.with(known == null ? key : known, signs);
        });
  }

  /**
   * Refuses claims that were signed with a secret, from some time on.
   *
   * @throws IllegalArgumentException if there is no such secret, or it is the one that signs
   */
  public void retire(String id, Instant from) {
    Objects.requireNonNull(from, "from");
    update(
        now -> {
          Key known = now.all().get(id);
          if (known == null || known.id().equals(now.signing().id())) {
            throw new IllegalArgumentException(
                "id: "
                    + (known == null ? "not known" : id + " signs")
                    + " (expected: that of a secret that only verifies)");
          }
          return now.with(new Key(id, known.secret(), from), false);
        });
  }

  private void update(UnaryOperator<Keys> change) {
    keys.updateAndGet(change);
  }

  private Keys now() {
    return Objects.requireNonNull(keys.get());
  }

  Key signing() {
    return now().signing();
  }

  @Nullable Key find(String id) {
    return now().all().get(id);
  }

  static Key key(String id, byte[] secret) {
    if (!ID.matcher(id).matches()) {
      throw new IllegalArgumentException(
          "id: " + id.length() + " characters (expected: 1..64 of A-Z, a-z, 0-9, '.', '_', '-')");
    }
    if (secret.length < MIN_SECRET) {
      throw new IllegalArgumentException(
          "secret: " + secret.length + " bytes (expected: >= " + MIN_SECRET + ")");
    }
    return new Key(id, new SecretKeySpec(secret, ALGORITHM), null);
  }

  /** Which secrets there are, not what they are. */
  @Override
  public String toString() {
    Keys now = now();
    return "Keyring[signs with " + now.signing().id() + " of " + now.all().size() + ']';
  }
}
