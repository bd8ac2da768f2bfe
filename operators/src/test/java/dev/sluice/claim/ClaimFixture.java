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

import dev.sluice.message.Message;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;

/** A store, a keyring, a clock, and what the listener has heard. */
abstract class ClaimFixture {

  static final int THRESHOLD = 1000;
  static final Instant START = Instant.parse("2026-11-21T12:00:00Z");

  static final class SetClock extends Clock {
    volatile Instant now = START;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  final SetClock clock = new SetClock();
  final Shelf shelf = new Shelf("images");
  final Keyring keys = keyring();
  final List<String> heard = Collections.synchronizedList(new ArrayList<>());

  final ClaimListener listener =
      new ClaimListener() {
        @Override
        public void refused(ClaimRefused.Reason reason) {
          heard.add("refused " + reason);
        }

        @Override
        public void lost(Claim claim) {
          heard.add("lost");
        }

        @Override
        public void redeemed(Claim claim) {
          heard.add("redeemed " + claim.size());
        }

        @Override
        public void stored(Claim claim, Duration ttl) {
          heard.add("stored " + claim.size());
        }

        @Override
        public void inlined(long bytes) {
          heard.add("inlined " + bytes);
        }

        @Override
        public void deleted(Claim claim) {
          heard.add("deleted");
        }

        @Override
        public void left(Claim claim, Throwable error) {
          heard.add("left " + error.getMessage());
        }

        @Override
        public void skipped(Message<?> message, Throwable error) {
          heard.add("skipped " + error.getMessage());
        }
      };

  static Keyring keyring() {
    return Keyring.of("k1", secret(1));
  }

  static byte[] secret(int n) {
    byte[] secret = new byte[Keyring.MIN_SECRET];
    Arrays.fill(secret, (byte) n);
    return secret;
  }

  static byte[] content(int size) {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return content;
  }

  static Flux<ByteBuffer> chunks(byte[] content, int each) {
    return Flux.range(0, (content.length + each - 1) / each)
        .map(i -> ByteBuffer.wrap(content, i * each, Math.min(each, content.length - i * each)));
  }

  ClaimSpec claims(ClaimSpec spec) {
    return spec.threshold(THRESHOLD).clock(clock).listener(listener);
  }

  RedeemSpec redeems(RedeemSpec spec) {
    return spec.clock(clock).listener(listener);
  }

  Checker checker() {
    return checker(spec -> spec);
  }

  Checker checker(UnaryOperator<ClaimSpec> spec) {
    return ClaimCheck.checker(shelf, keys, s -> spec.apply(claims(s)));
  }

  Redeemer redeemer() {
    return redeemer(spec -> spec);
  }

  Redeemer redeemer(UnaryOperator<RedeemSpec> spec) {
    return ClaimCheck.redeemer(shelf, keys, s -> spec.apply(redeems(s)));
  }

  /** A message whose payload is on the shelf. */
  Message<byte[]> checkedIn(byte[] content) {
    return Objects.requireNonNull(
        checker(spec -> spec.threshold(0)).check(Message.of(content)).block());
  }

  static String signed(Message<?> message) {
    return Objects.requireNonNull(message.headers().get(ClaimCheck.HEADER));
  }

  static Message<byte[]> carrying(String claim) {
    Message<byte[]> empty = Message.of(new byte[0]);
    return empty.withHeaders(empty.headers().withReserved(ClaimCheck.HEADER, claim));
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
