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

import dev.sluice.store.PayloadKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts or decrypts a payload in segments, so that it streams. Each is authenticated: one that
 * was changed, left out, moved, or is missing at the end is found before anything of it is given
 * on.
 *
 * <p>This is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár ("Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), with AES-256-GCM
 * and a key of its own for each payload, as the streaming AEAD "AES-GCM-HKDF" of Google's Tink does
 * it:
 *
 * <pre>
 * stored      = salt, segment 0, segment 1, ..., segment n
 * segment     = AES-256-GCM(key, nonce, 64 KiB of the payload; in the last one what is left)
 * nonce       = prefix, number of the segment (4 bytes, big-endian), 1 in the last one, else 0
 * key, prefix = the first 32 and the next 7 bytes of HKDF-SHA-256 (RFC 5869) of the secret, with
 *               the salt (32 bytes) and "sluice payload;" + id of the secret + ";" + payload key
 * </pre>
 */
final class PayloadCipher extends Transform {

  static final int SALT = 32;
  static final int SEGMENT = CHUNK;
  static final int TAG = 16;

  private static final int KEY = 32;
  private static final int PREFIX = 7;
  private static final String AES_GCM = "AES/GCM/NoPadding";

  private final boolean encrypts;
  private final Keyring.Key secret;
  private final PayloadKey key;
  private final byte[] salt;
  private int salted;
  private final byte[] segment;

  private ByteBuffer input = ByteBuffer.allocate(0);
  private boolean last;
  private boolean done;
  private int filled;
  private int number;
  private @Nullable Derived derived;

  /** The key of this payload, and the nonce, of which the end changes from segment to segment. */
  private static final class Derived {
    final Cipher cipher;
    final SecretKeySpec key;
    final ByteBuffer nonce = ByteBuffer.allocate(PREFIX + Integer.BYTES + 1);

    Derived(byte[] bytes) {
      key = new SecretKeySpec(bytes, 0, KEY, "AES");
      nonce.put(bytes, KEY, PREFIX);
      try {
        cipher = Cipher.getInstance(AES_GCM);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(AES_GCM + " is missing in this Java platform", e);
      }
    }

    GCMParameterSpec nonce(int number, byte isLast) {
      nonce.putInt(PREFIX, number).put(PREFIX + Integer.BYTES, isLast);
      return new GCMParameterSpec(TAG * Byte.SIZE, nonce.array());
    }
  }

  private PayloadCipher(
      boolean encrypts, Keyring.Key secret, PayloadKey key, byte[] salt, int segment) {
    this.encrypts = encrypts;
    this.secret = secret;
    this.key = key;
    this.salt = salt;
    this.segment = new byte[segment];
  }

  static PayloadCipher encrypting(Keyring.Key secret, PayloadKey key) {
    return new PayloadCipher(true, secret, key, Salts.next(), SEGMENT);
  }

  static PayloadCipher decrypting(Keyring.Key secret, PayloadKey key) {
    return new PayloadCipher(false, secret, key, new byte[SALT], SEGMENT + TAG);
  }

  /** How many bytes so many become. */
  static long encryptedLength(long length) {
    long segments = Math.max(1, (length + SEGMENT - 1) / SEGMENT);
    return SALT + length + segments * TAG;
  }

  /** Loads the algorithms here, where blocking may be allowed. */
  static void load() {
    Keyring.Key zeros = Keyring.key("none", new byte[Keyring.MIN_SECRET]);
    PayloadCipher cipher = encrypting(zeros, PayloadKey.next(Instant.EPOCH.plusSeconds(1L << 31)));
    cipher.finish();
    boolean more;
    do {
      more = cipher.next() != null;
    } while (more);
  }

  @Override
  void take(ByteBuffer bytes) {
    input = bytes;
  }

  @Override
  void finish() {
    last = true;
  }

  /** A segment is worked on when it is known whether another one follows. */
  @Override
  @Nullable ByteBuffer next() {
    Derived with = derived;
    if (with == null) {
      return begin();
    }
    int length = Math.min(input.remaining(), segment.length - filled);
    input.get(segment, filled, length);
    filled += length;
    if (filled == segment.length && input.hasRemaining()) {
      return work(with, (byte) 0);
    }
    if (!last || done) {
      return null;
    }
    done = true;
    ByteBuffer rest = work(with, (byte) 1);
    return rest.hasRemaining() ? rest : null;
  }

  /** The salt comes first. */
  private @Nullable ByteBuffer begin() {
    if (encrypts) {
      derived = derive();
      return ByteBuffer.wrap(salt);
    }
    int length = Math.min(input.remaining(), SALT - salted);
    input.get(salt, salted, length);
    salted += length;
    if (salted < SALT) {
      if (last) {
        throw failed(null);
      }
      return null;
    }
    derived = derive();
    return next();
  }

  private Derived derive() {
    byte[] info = ("sluice payload;" + secret.id() + ';' + key).getBytes(StandardCharsets.US_ASCII);
    return new Derived(hkdf(secret.secret().getEncoded(), salt, info, KEY + PREFIX));
  }

  /** RFC 5869 with SHA-256. */
  static byte[] hkdf(byte[] secret, byte[] salt, byte[] info, int length) {
    try {
      Mac mac = Mac.getInstance(Keyring.ALGORITHM);
      mac.init(new SecretKeySpec(salt, Keyring.ALGORITHM));
      mac.init(new SecretKeySpec(mac.doFinal(secret), Keyring.ALGORITHM));
      byte[] result = new byte[length];
      byte[] block = {};
      for (int at = 0, n = 1; at < length; at += block.length, n++) {
        mac.update(block);
        mac.update(info);
        mac.update((byte) n);
        block = mac.doFinal();
        System.arraycopy(block, 0, result, at, Math.min(block.length, length - at));
      }
      return result;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(Keyring.ALGORITHM + " is missing in this Java platform", e);
    }
  }

  private ByteBuffer work(Derived with, byte isLast) {
    boolean tooShort = !encrypts && filled < TAG; // for which the platform has another error
    if (tooShort || number == -1) { // a nonce is used once, so 256 TiB are the end
      throw failed(null);
    }
    try {
      with.cipher.init(
          encrypts ? Cipher.ENCRYPT_MODE : Cipher.DECRYPT_MODE,
          with.key,
          with.nonce(number++, isLast));
      ByteBuffer result = ByteBuffer.wrap(with.cipher.doFinal(segment, 0, filled));
      filled = 0;
      return result;
    } catch (GeneralSecurityException e) {
      throw failed(e);
    }
  }

  private RuntimeException failed(@Nullable GeneralSecurityException error) {
    return encrypts
        ? new IllegalStateException("payload " + key + " was not encrypted", error)
        : ClaimRefused.corrupted(key, "not what was encrypted");
  }

  /**
   * A salt need not be secret, only never be used twice: at random for each process, then a number,
   * and the time, which keeps processes apart that were restored from one snapshot.
   */
  private static final class Salts {

    private static final byte[] PROCESS = new byte[SALT - 2 * Long.BYTES];
    private static final AtomicLong NUMBER = new AtomicLong();

    static {
      new SecureRandom().nextBytes(PROCESS);
    }

    private Salts() {}

    static byte[] next() {
      return ByteBuffer.allocate(SALT)
          .put(PROCESS)
          .putLong(NUMBER.incrementAndGet())
          .putLong(System.nanoTime())
          .array();
    }
  }
}
