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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.message.Message;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is not word for word what we have signed never reaches a store. */
class ForgeryTest extends ClaimFixture {

  private static final int MUTANTS = 10_000;
  private static final String ALPHABET =
      "0123456789abcdefABCDEF;;;;--//..:_%\\\u0000 \u00e9\u0130\uff11";

  @Test
  void noneOfManyMutantsReachesTheStore() {
    long seed = ThreadLocalRandom.current().nextLong();
    Random random = new Random(seed);
    Redeemer redeemer = redeemer(spec -> spec.store(new Shelf("archive")).skipFailures());
    String[] good = {
      signed(checkedIn(content(1))),
      signed(checkedIn(content(2000))),
      signed(checkedForCustoms()),
      signed(checkedAndCoded()),
    };
    Set<String> genuine = new HashSet<>(Set.of(good));
    shelf.asked.set(0);
    Map<ClaimRefused.Reason, Integer> reasons = new EnumMap<>(ClaimRefused.Reason.class);
    int tried = 0;
    while (tried < MUTANTS) {
      String mutant = mutate(good, random);
      Message<byte[]> message = message(mutant);
      if (message == null || genuine.contains(mutant)) {
        continue;
      }
      tried++;
      try {
        redeemer.redeem(message).block();
        throw new AssertionError("seed " + seed + ": redeemed " + mutant);
      } catch (ClaimRefused refused) {
        reasons.merge(refused.why(), 1, Integer::sum);
      }
    }
    assertThat(shelf.asked).as("seed %d", seed).hasValue(0);
    // Mutants that are all malformed would say nothing about signatures.
    assertThat(reasons.getOrDefault(ClaimRefused.Reason.FORGED, 0)).isGreaterThan(MUTANTS / 10);
    assertThat(heard.stream().filter(news -> news.startsWith("refused"))).hasSize(MUTANTS);
  }

  private Message<byte[]> checkedForCustoms() {
    return Objects.requireNonNull(
        checker(spec -> spec.audience("customs")).check(Message.of(content(3000))).block());
  }

  private Message<byte[]> checkedAndCoded() {
    Keyring secrets = Keyring.of("c1", secret(7));
    return Objects.requireNonNull(
        checker(spec -> spec.compress().encrypt(secrets)).check(Message.of(content(3000))).block());
  }

  /** Not every mutant can be the value of a header; then null. */
  private static @Nullable Message<byte[]> message(String claim) {
    try {
      return carrying(claim);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static String mutate(String[] good, Random random) {
    String claim = good[random.nextInt(good.length)];
    StringBuilder mutant = new StringBuilder(claim);
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int at = random.nextInt(mutant.length());
      switch (random.nextInt(7)) {
        case 0 -> mutant.setCharAt(at, (char) (mutant.charAt(at) ^ (1 << random.nextInt(7))));
        case 1 -> mutant.setCharAt(at, ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        case 2 -> mutant.setCharAt(at, Integer.toHexString(random.nextInt(16)).charAt(0));
        case 3 -> mutant.insert(at, ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        case 4 -> mutant.deleteCharAt(at);
        case 5 -> graft(mutant, good[random.nextInt(good.length)], random);
        default -> mutant.setLength(Math.max(1, at));
      }
      if (mutant.length() < 2) {
        break;
      }
    }
    return mutant.toString();
  }

  /** A field of another claim: also its signature, or another store that is known. */
  private static void graft(StringBuilder mutant, String other, Random random) {
    String[] fields = mutant.toString().split(";", -1);
    String[] others = other.split(";", -1);
    int field = random.nextInt(Math.min(fields.length, others.length));
    fields[field] = field == 2 ? "archive" : others[field];
    mutant.setLength(0);
    mutant.append(String.join(";", fields));
  }

  @Test
  void keysRotate() {
    keys.accept("k2", secret(2));
    Claim claim = new ClaimSigner(keys).verify(signed(checkedIn(content(1))), START);
    assertThat(new ClaimSigner(keys).sign(claim)).startsWith("1;k1;");
    keys.rotate("k2", secret(2));
    assertThat(new ClaimSigner(keys).sign(claim)).startsWith("1;k2;");
    assertThat(keys).hasToString("Keyring[signs with k2 of 2]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keys.retire("k2", START))
        .withMessage("id: k2 signs (expected: that of a secret that only verifies)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keys.retire("k3", START))
        .withMessage("id: not known (expected: that of a secret that only verifies)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keys.rotate("k1", secret(9)))
        .withMessage("id: k1 is that of another secret (expected: a new one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keys.accept("k 3", secret(9)))
        .withMessage("id: 3 characters (expected: 1..64 of A-Z, a-z, 0-9, '.', '_', '-')");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> keys.accept("k3", new byte[31]))
        .withMessage("secret: 31 bytes (expected: >= 32)");
  }
}
