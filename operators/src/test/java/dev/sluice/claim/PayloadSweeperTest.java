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

import dev.sluice.claim.PayloadSweeper.Swept;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class PayloadSweeperTest extends ClaimFixture {

  private final PayloadSweeper sweeper =
      PayloadSweeper.of(shelf).clock(clock).grace(Duration.ofMinutes(10));

  private PayloadKey keep(Instant expiresAt) {
    PayloadKey key = PayloadKey.next(expiresAt);
    shelf.payloads.put(key, new byte[1]);
    return key;
  }

  @Test
  void deletesWhatHasExpiredAndTheGraceIsOver() {
    keep(START.minus(Duration.ofDays(3)));
    keep(START.minus(Duration.ofMinutes(10)).minusSeconds(1));
    PayloadKey inGrace = keep(START.minus(Duration.ofMinutes(10)));
    PayloadKey live = keep(START.plusSeconds(1));
    StepVerifier.create(sweeper.sweep()).expectNext(new Swept(2, 0, 0)).verifyComplete();
    assertThat(shelf.payloads).containsOnlyKeys(inGrace, live);
  }

  /** Whatever is redeemed at the last moment is still there when it is read. */
  @Test
  void neverTakesAPayloadWhoseClaimIsHonoured() {
    Message<byte[]> message = checkedIn(content(500));
    clock.now = START.plus(Duration.ofDays(14)).minusSeconds(1);
    Claimed claimed = redeemer().open(message).payload();
    StepVerifier.create(sweeper.grace(Duration.ZERO).sweep())
        .expectNext(new Swept(0, 0, 0))
        .verifyComplete();
    StepVerifier.create(claimed.content().then()).verifyComplete();
  }

  /** What is not old may be somebody storing a payload at this moment. */
  @Test
  void givesUpWhatIsUnfinishedForTooLongAndNothingElse() {
    Instant hourAgo = START.minus(Duration.ofHours(1));
    shelf.unfinished.addAll(List.of(hourAgo.minusSeconds(1), hourAgo, START));
    StepVerifier.create(sweeper.sweep()).expectNext(new Swept(0, 0, 1)).verifyComplete();
    assertThat(shelf.unfinished).containsExactly(hourAgo, START);
    clock.now = START.plusSeconds(61);
    StepVerifier.create(sweeper.unfinishedAfter(Duration.ofMinutes(1)).sweep())
        .expectNext(new Swept(0, 0, 2))
        .verifyComplete();
    assertThat(shelf.unfinished).isEmpty();
  }

  @Test
  void deletesInBatchesUntilNothingIsLeft() {
    for (int i = 0; i < 2500; i++) {
      keep(START.minus(Duration.ofDays(1)).plusSeconds(i));
    }
    StepVerifier.create(sweeper.sweep()).expectNext(new Swept(2500, 0, 0)).verifyComplete();
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void whatCannotBeDeletedIsCountedAndEndsAll() {
    for (int i = 0; i < 1500; i++) {
      keep(START.minus(Duration.ofDays(1)).plusSeconds(i));
    }
    shelf.onDelete = delete -> Mono.error(new IllegalStateException("down"));
    StepVerifier.create(sweeper.sweep()).expectNext(new Swept(0, 1000, 0)).verifyComplete();
    AtomicInteger deletions = new AtomicInteger();
    shelf.onDelete =
        delete ->
            deletions.getAndIncrement() % 2 == 0
                ? delete
                : Mono.error(new IllegalStateException("down"));
    StepVerifier.create(sweeper.sweep())
        .assertNext(swept -> assertThat(swept.deleted()).isGreaterThanOrEqualTo(1000))
        .verifyComplete();
  }

  @Test
  void sweepsAgainAfterAFailedSweep() {
    keep(START.minus(Duration.ofDays(1)));
    AtomicInteger sweeps = new AtomicInteger();
    shelf.onDelete =
        delete -> sweeps.getAndIncrement() == 0 ? Mono.error(new IllegalStateException()) : delete;
    StepVerifier.withVirtualTime(() -> sweeper.every(Duration.ofHours(1)))
        .expectNext(new Swept(0, 1, 0))
        .expectNoEvent(Duration.ofHours(1))
        .expectNext(new Swept(1, 0, 0))
        .thenAwait(Duration.ofHours(1))
        .expectNext(new Swept(0, 0, 0))
        .thenCancel()
        .verify();
  }

  /** A payload is stored before its message goes on, so what a crash leaves is an orphan. */
  @Test
  void whatACrashLeavesIsSwept() {
    for (int i = 0; i < 10; i++) {
      Message<byte[]> neverSent = checkedIn(content(10 + i));
      assertThat(Objects.requireNonNull(neverSent).payload()).isEmpty();
    }
    assertThat(shelf.payloads).hasSize(10);
    clock.now = START.plus(Duration.ofDays(15));
    StepVerifier.create(sweeper.sweep()).expectNext(new Swept(10, 0, 0)).verifyComplete();
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sweeper.grace(Duration.ofSeconds(-1)))
        .withMessage("grace: PT-1S (expected: PT0S..PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sweeper.unfinishedAfter(Duration.ofSeconds(-1)))
        .withMessage("unfinishedAfter: PT-1S (expected: PT0S..PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sweeper.every(Duration.ZERO))
        .withMessage("pause: PT0S (expected: > PT0S, <= PT8760H)");
  }
}
