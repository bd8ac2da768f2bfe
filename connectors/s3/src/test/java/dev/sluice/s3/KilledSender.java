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
package dev.sluice.s3;

import dev.sluice.claim.Checker;
import dev.sluice.claim.Claim;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.ClaimListener;
import dev.sluice.claim.Keyring;
import dev.sluice.message.Message;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * Checks payloads in and sends their messages, in a process of its own, until it is killed between
 * the two, or in the middle of an upload: {@code endpoint seed}. A message is sent when its claim
 * is printed.
 */
final class KilledSender {

  static final Duration TTL = Duration.ofHours(1);

  private KilledSender() {}

  static Keyring keys() {
    return Keyring.of("k1", "a secret of thirty-two bytes, yes".getBytes(StandardCharsets.UTF_8));
  }

  public static void main(String[] args) {
    Random random = new Random(Long.parseLong(args[1]));
    int last = random.nextInt(8);
    boolean midway = random.nextBoolean();
    int[] stored = {0};
    ClaimListener killer =
        new ClaimListener() {
          @Override
          public void stored(Claim claim, Duration ttl) {
            if (stored[0]++ == last && !midway) {
              Runtime.getRuntime().halt(9); // stored, and not sent
            }
          }
        };
    S3AsyncClient client = Bench.client(URI.create(args[0]));
    Checker checker =
        ClaimCheck.checker(
            Bench.store(client, s -> s), keys(), c -> c.threshold(0).ttl(TTL).listener(killer));
    for (int i = 0; ; i++) {
      byte[] content = new byte[1 + random.nextInt(2 * S3Spec.MIN_PART_SIZE)];
      random.nextBytes(content);
      if (i == last && midway) {
        halfway(checker, content, random);
      }
      Message<byte[]> checked = Objects.requireNonNull(checker.check(Message.of(content)).block());
      System.out.println("sent " + checked.headers().get(ClaimCheck.HEADER));
    }
  }

  private static void halfway(Checker checker, byte[] content, Random random) {
    var unused = checker.check(Message.of(content)).subscribe();
    long end = System.nanoTime() + random.nextInt(50_000_000);
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    Runtime.getRuntime().halt(9);
  }
}
