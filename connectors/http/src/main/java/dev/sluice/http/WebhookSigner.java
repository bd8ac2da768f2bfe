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
package dev.sluice.http;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signs as Standard Webhooks says: HMAC-SHA256 of the id, the time and the body. */
final class WebhookSigner {

  private static final String PREFIX = "whsec_";
  private static final int LEAST = 24;
  private static final int MOST = 64;

  private WebhookSigner() {}

  /**
   * The key that a secret stands for.
   *
   * @throws IllegalArgumentException if it is none; the message does not tell it
   */
  static byte[] key(String secret) {
    byte[] key;
    try {
      key = Base64.getDecoder().decode(secret.startsWith(PREFIX) ? secret.substring(6) : "-");
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "secret: not shown (expected: " + PREFIX + " and base64)", e);
    }
    if (key.length < LEAST || key.length > MOST) {
      throw new IllegalArgumentException(
          "secret: " + key.length + " bytes (expected: " + LEAST + ".." + MOST + ")");
    }
    return key;
  }

  /** One signature for each key, so that a receiver may change over from one to the next. */
  static String sign(List<byte[]> keys, String id, long seconds, byte[] body) {
    return keys.stream()
        .map(key -> "v1," + sign(key, id, seconds, body))
        .collect(Collectors.joining(" "));
  }

  private static String sign(byte[] key, String id, long seconds, byte[] body) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      mac.update((id + '.' + seconds + '.').getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(mac.doFinal(body));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HmacSHA256: missing (expected: in every JDK)", e);
    }
  }
}
