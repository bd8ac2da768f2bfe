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
import dev.sluice.store.PayloadKey;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes claims and reads them back: {@code 1;secret;store;key;size;sha256;audience;signature}, for
 * a coded payload with {@code ;stored;deflate;secret} in front of the signature, the last two empty
 * where they do not apply.
 *
 * <p>The signature is over the very text in front of it, so there are no two spellings of what was
 * signed, and nothing is made of a text before its signature was found good.
 */
final class ClaimSigner {

  private static final int MAX_LENGTH = 1024;
  private static final Pattern FORM =
      Pattern.compile(
          "1;([A-Za-z0-9._-]{1,64})" // secret
              + ";([a-z0-9-]{1,64})" // store
              + ";([0-9a-f/-]{58})" // key
              + ";(0|[1-9][0-9]{0,17})" // size
              + ";([0-9a-f]{64})" // digest
              + ";([A-Za-z0-9._:/-]{1,128})" // audience
              + "(?:;(0|[1-9][0-9]{0,17})" // stored
              + ";(deflate)?"
              + ";([A-Za-z0-9._-]{1,64})?)?"); // secret that encrypts
  private static final int SIGNATURE = 64;

  private final Keyring keys;

  ClaimSigner(Keyring keys) {
    this.keys = keys;
  }

  String sign(Claim claim) {
    Keyring.Key key = keys.signing();
    String text =
        "1;"
            + key.id()
            + ';'
            + claim.store()
            + ';'
            + claim.key()
            + ';'
            + claim.size()
            + ';'
            + claim.sha256()
            + ';'
            + claim.audience()
            + coding(claim);
    return text + ';' + HexFormat.of().formatHex(key.sign(text));
  }

  /**
   * The claim that a text is.
   *
   * @throws ClaimRefused if it was not signed with a secret that holds
   */
  Claim verify(String signed, Instant now) {
    int end = signed.length() - SIGNATURE - 1;
    if (end < 0 || signed.length() > MAX_LENGTH || signed.charAt(end) != ';') {
      throw malformed(signed);
    }
    String text = signed.substring(0, end);
    Matcher form = FORM.matcher(text);
    if (!form.matches()) {
      throw malformed(signed);
    }
    Keyring.Key key = keys.find(form.group(1));
    if (key == null) {
      throw new ClaimRefused(Reason.UNKNOWN_KEY, "the keyring does not have its secret");
    }
    String signature = HexFormat.of().formatHex(key.sign(text));
    if (!MessageDigest.isEqual(ascii(signature), ascii(signed.substring(end + 1)))) {
      throw new ClaimRefused(Reason.FORGED, "signed with another secret than " + key.id());
    }
    if (key.expired(now)) {
      throw new ClaimRefused(Reason.RETIRED_KEY, key.id() + " was retired at " + key.until());
    }
    PayloadKey payload = PayloadKey.parseOrNull(form.group(3));
    if (payload == null) {
      throw malformed(signed);
    }
    long size = Long.parseLong(form.group(4));
    String stored = form.group(7);
    return new Claim(
        form.group(2),
        payload,
        size,
        stored == null ? size : Long.parseLong(stored),
        form.group(5),
        form.group(8) != null,
        form.group(9),
        form.group(6));
  }

  private static String coding(Claim claim) {
    return claim.isCoded()
        ? ";"
            + claim.stored()
            + (claim.deflated() ? ";deflate;" : ";;")
            + Objects.requireNonNullElse(claim.cipherKey(), "")
        : "";
  }

  static String requireAudience(String audience) {
    if (!audience.matches("[A-Za-z0-9._:/-]{1,128}")) {
      throw new IllegalArgumentException(
          "audience: \""
              + audience
              + "\" (expected: 1..128 of A-Z, a-z, 0-9, '.', '_', ':', '/', '-')");
    }
    return audience;
  }

  /** Not quoted: it may be an attack. */
  private static ClaimRefused malformed(String signed) {
    return new ClaimRefused(Reason.MALFORMED, signed.length() + " characters that are not a claim");
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
