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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.claim.Checker;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.ClaimMeters;
import dev.sluice.claim.ClaimRefused;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.PayloadSweeper;
import dev.sluice.claim.Redeemer;
import dev.sluice.message.Message;
import dev.sluice.test.MeterReadings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * Claims and their payloads over a long time: {@code -Psoak -Dgroups=soak}; how much with {@code
 * -Ds3.kills=200} and {@code -Ds3.operations=100000}.
 */
@Tag("soak")
class ClaimSoakTest {

  private static final int KILLS = Integer.getInteger("s3.kills", 200);
  private static final int OPERATIONS = Integer.getInteger("s3.operations", 100_000);
  private static final int AT_ONCE = 128;
  private static final Duration TTL = Duration.ofSeconds(2);
  private static final Duration TOO_LONG = TTL.plusMillis(500);

  /** Who began to read in time may finish, on a busy machine too. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /**
   * Between storing and sending, or in the middle of storing: every message that was sent has its
   * payload, and when the payloads have expired, a sweep leaves nothing behind.
   */
  @Test
  void aKilledSenderLeavesNoDanglingClaimAndNothingBehindTheSweep() throws Exception {
    S3PayloadStore store = Bench.store(Bench.client(), s -> s);
    Redeemer redeemer = ClaimCheck.redeemer(store, KilledSender.keys(), r -> r);
    long seed = ThreadLocalRandom.current().nextLong();
    long redeemed =
        Objects.requireNonNull(
            Flux.fromStream(new Random(seed).longs(KILLS).boxed())
                .flatMap(
                    each ->
                        Mono.fromCallable(() -> sentBeforeTheKill(each))
                            .subscribeOn(Schedulers.boundedElastic()),
                    2)
                .concatMapIterable(claims -> claims)
                .concatMap(claim -> redeemer.redeem(carrying(claim)))
                .count()
                .block(Duration.ofHours(1)));
    assertThat(redeemed).as("seed %d", seed).isPositive();
    assertThat(inStore(store)).as("with those that were not sent").isGreaterThan(redeemed);
    Clock later = Clock.offset(Clock.systemUTC(), KilledSender.TTL.plusMinutes(1));
    PayloadSweeper sweeper =
        PayloadSweeper.of(store).grace(Duration.ZERO).unfinishedAfter(Duration.ZERO).clock(later);
    assertThat(Objects.requireNonNull(sweeper.sweep().block(PATIENCE)).failed()).isZero();
    assertThat(inStore(store)).isZero();
    assertThat(
            Bench.client().listMultipartUploads(list -> list.bucket(Bench.BUCKET)).join().uploads())
        .isEmpty();
  }

  private static List<String> sentBeforeTheKill(long seed) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                KilledSender.class.getName(),
                Bench.server().endpoint().toString(),
                Long.toString(seed))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> claims = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("sent ")) {
          claims.add(line.substring("sent ".length()));
        }
      }
    } catch (IOException e) {
      throw new AssertionError("seed " + seed, e);
    }
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as("seed %d", seed).isEqualTo(9);
    return claims;
  }

  private static Message<byte[]> carrying(String claim) {
    Message<byte[]> empty = Message.of(new byte[0]);
    return empty.withHeaders(empty.headers().withReserved(ClaimCheck.HEADER, claim));
  }

  private static long inStore(S3PayloadStore store) {
    return Objects.requireNonNull(
        store
            .expired(Instant.now().plus(Duration.ofDays(1)), Integer.MAX_VALUE)
            .count()
            .block(PATIENCE));
  }

  /**
   * Storing, redeeming and sweeping at once, with payloads that expire while they wait: one that
   * has not expired is never gone, and in the end nothing is left.
   */
  @Test
  void noPayloadIsUnknownWhileOthersAreSwept() {
    S3AsyncClient client = Bench.client(Bench.server().endpoint());
    S3AsyncClient sweepers = Bench.client(Bench.server().endpoint());
    S3PayloadStore store = Bench.store(client, s -> s.prefix("soak"));
    Keyring keys = KilledSender.keys();
    ClaimMeters meters = ClaimMeters.create("soak");
    Checker briefly =
        ClaimCheck.checker(store, keys, c -> c.threshold(0).ttl(TTL).listener(meters));
    Redeemer redeemer = ClaimCheck.redeemer(store, keys, r -> r.listener(meters));
    AtomicInteger sweeps = new AtomicInteger();
    AtomicLong swept = new AtomicLong();
    PayloadSweeper sweeper =
        PayloadSweeper.of(Bench.store(sweepers, s -> s.prefix("soak"))).grace(GRACE);
    Disposable sweeping =
        sweeper
            .every(Duration.ofMillis(50))
            .doOnNext(sweep -> sweeps.incrementAndGet())
            .subscribe(sweep -> swept.addAndGet(sweep.deleted()));
    Random random = new Random();
    long done =
        Objects.requireNonNull(
            Flux.range(0, Integer.MAX_VALUE)
                .takeWhile(i -> 2 * i < OPERATIONS || sweeps.get() < OPERATIONS / 250)
                .map(i -> 1 + random.nextInt(4000))
                .flatMap(
                    size ->
                        briefly
                            .check(Message.of(new byte[size]))
                            .delayElement(size % 10 == 0 ? TOO_LONG : Duration.ofMillis(size / 20))
                            .flatMap(redeemer::redeem)
                            .doOnNext(message -> assertThat(message.payload()).hasSize(size))
                            .then()
                            .onErrorComplete(ClaimSoakTest::hasExpired)
                            .thenReturn(size),
                    AT_ONCE)
                .count()
                .block(Duration.ofHours(1)));
    Map<String, Double> read = MeterReadings.of(meters).read();
    System.out.printf("%d puts and redeems, %s sweeps, %s swept, %s%n", done, sweeps, swept, read);
    assertThat(read.get("sluice.claim.lost{claims=soak}")).isZero();
    assertThat(read.get("sluice.claim.redeemed{claims=soak}")).isPositive();
    assertThat(read.get("sluice.claim.refused{claims=soak, reason=expired}")).isPositive();
    assertThat(swept.get()).isPositive();
    sweeping.dispose();
    Clock later = Clock.offset(Clock.systemUTC(), TTL.plus(GRACE));
    sweeper.clock(later).sweep().block(PATIENCE);
    assertThat(inStore(store)).isZero();
    client.close();
    sweepers.close();
  }

  private static boolean hasExpired(Throwable error) {
    return error instanceof ClaimRefused refused && refused.why() == ClaimRefused.Reason.EXPIRED;
  }
}
