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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayloadKeyTest {

  private static final Instant EXPIRY = Instant.parse("2026-11-21T14:30:00Z");
  private static final String SECRET = "0123456789abcdef0123456789abcdef01234567";

  @Test
  void saysWhenItExpires() {
    PayloadKey key = PayloadKey.next(EXPIRY);
    assertThat(key.toString()).matches("2026-11-21/143000-[0-9a-f]{40}");
    assertThat(key.expiresAt()).isEqualTo(EXPIRY);
    assertThat(PayloadKey.parse(key.toString())).isEqualTo(key).hasSameHashCodeAs(key);
    assertThat(PayloadKey.parse(key.toString()).expiresAt()).isEqualTo(EXPIRY);
  }

  @Test
  void expiresNeverEarlierThanItShould() {
    assertThat(PayloadKey.next(EXPIRY.plusNanos(1)).expiresAt()).isEqualTo(EXPIRY.plusSeconds(1));
  }

  @Test
  void isNeverTheSame() {
    Set<String> secrets = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      secrets.add(PayloadKey.next(EXPIRY).toString().substring(18));
    }
    assertThat(secrets).hasSize(10_000);
  }

  @Test
  void sortsByExpiry() {
    TreeSet<PayloadKey> keys = new TreeSet<>();
    for (int i = 1000; i > 0; i--) {
      keys.add(PayloadKey.next(EXPIRY.plusSeconds(i * 7919L)));
    }
    assertThat(keys).extracting(PayloadKey::expiresAt).isSorted();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "../../etc/passwd",
        "2026-11-21/../143000-" + SECRET,
        "2026-11-21/143000-" + SECRET + "/..",
        "2026-11-21/143000-" + SECRET + "\n",
        "2026-11-21/143000-" + SECRET + "0",
        "/2026-11-21/143000-" + SECRET,
        "2026-11-21%2f143000-" + SECRET,
        "2026-02-30/143000-" + SECRET,
        "2026-11-21/240000-" + SECRET,
        "2026-11-21/143060-" + SECRET,
        "1999-11-21/143000-" + SECRET,
        "2026-11-21/143000-0123456789ABCDEF0123456789ABCDEF01234567",
        "२०२६-11-21/143000-" + SECRET,
        "http://169.254.169.254/2026-11-21/143000-" + SECRET
      })
  void hasOneForm(String text) {
    assertThat(PayloadKey.parseOrNull(text)).isNull();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PayloadKey.parse(text))
        .withMessage(
            "payload key: "
                + text.length()
                + " characters of another form (expected: that of a key)");
  }

  @Test
  void refusesTimesThatHaveNoKey() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PayloadKey.next(Instant.EPOCH))
        .withMessage("expiresAt: 1970-01-01T00:00:00Z (expected: in the years 2000..9999)");
    assertThatIllegalArgumentException().isThrownBy(() -> PayloadKey.next(Instant.MAX));
  }

  @Test
  void aMissingPayloadIsRejectedAtOnceAsALostClaim() {
    PayloadMissing missing = new PayloadMissing("images", PayloadKey.next(EXPIRY));
    assertThat(ErrorPolicy.defaults().outcomeOf(missing, 1))
        .isEqualTo(Outcome.reject(DeadLetterReason.CLAIM_LOST, missing));
  }

  @Test
  void optionsAndRangesAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PutOptions.defaults().length(-1))
        .withMessage("length: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PutOptions.defaults().contentType("text/plain\r\nx-evil: 1"))
        .withMessage("contentType: 21 characters (expected: 1..256 printable ones of ASCII)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ByteRange.from(-1))
        .withMessage("offset: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ByteRange(0, 0))
        .withMessage("length: 0 (expected: >= 1)");
    assertThat(ByteRange.all()).isEqualTo(ByteRange.from(0));
  }
}
