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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.Lease;
import dev.sluice.store.LeaseStore;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link LeaseStore} must do. A test of a store extends it and says how the store is
 * made and how its time passes.
 */
public abstract class LeaseContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String name = "contract-" + UUID.randomUUID();

  /** The store. What is in it does not matter: every test uses names of its own. */
  protected abstract LeaseStore store();

  /** Lets the time of the store pass until the lease has ended. */
  protected abstract void awaitEnd(Lease lease);

  @Test
  void givesALeaseThatNobodyHas() {
    Lease lease = acquire("a", LONG);
    assertThat(lease.name()).isEqualTo(name);
    assertThat(lease.owner()).isEqualTo("a");
    assertThat(lease.fence()).isEqualTo(1);
  }

  @Test
  void givesNothingUntilSomebodySubscribes() {
    Mono<Lease> never = store().acquire(name, "a", LONG);
    assertThat(acquire("b", LONG).fence()).isEqualTo(1);
    StepVerifier.create(never).expectComplete().verify(PATIENCE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b"})
  void refusesALeaseThatSomebodyHas(String owner) {
    acquire("a", LONG);
    StepVerifier.create(store().acquire(name, owner, LONG)).expectComplete().verify(PATIENCE);
  }

  @Test
  void keepsNamesApart() {
    acquire("a", LONG);
    StepVerifier.create(store().acquire(name + "-other", "b", LONG))
        .assertNext(lease -> assertThat(lease.fence()).isEqualTo(1))
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void givesAReleasedLeaseWithAGreaterFence() {
    Lease first = acquire("a", LONG);
    release(first, true);
    assertThat(acquire("b", LONG).fence()).isGreaterThan(first.fence());
  }

  @Test
  void givesALeaseThatHasEndedWithAGreaterFence() {
    Lease first = acquire("a", Duration.ofMillis(20));
    awaitEnd(first);
    assertThat(acquire("b", LONG).fence()).isGreaterThan(first.fence());
  }

  @Test
  void renewsALeaseFromNowOn() {
    Lease lease = acquire("a", Duration.ofMinutes(1));
    StepVerifier.create(store().renew(lease, LONG))
        .assertNext(
            renewed -> {
              assertThat(renewed.until()).isAfter(lease.until());
              assertThat(renewed.fence()).isEqualTo(lease.fence());
            })
        .expectComplete()
        .verify(PATIENCE);
    StepVerifier.create(store().acquire(name, "b", LONG)).expectComplete().verify(PATIENCE);
  }

  @Test
  void canShortenALease() {
    Lease lease = acquire("a", LONG);
    Lease shorter = store().renew(lease, Duration.ofMillis(20)).block(PATIENCE);
    awaitEnd(Objects.requireNonNull(shorter));
    acquire("b", LONG);
  }

  @Test
  void neitherRenewsNorReleasesALeaseThatHasEnded() {
    Lease ended = acquire("a", Duration.ofMillis(20));
    awaitEnd(ended);
    refused(ended);
  }

  @Test
  void neitherRenewsNorReleasesALeaseThatSomebodyElseHasByNow() {
    Lease ended = acquire("a", Duration.ofMillis(20));
    awaitEnd(ended);
    Lease other = acquire("b", LONG);
    refused(ended);
    StepVerifier.create(store().renew(other, LONG))
        .expectNextCount(1)
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void neitherRenewsNorReleasesALeaseThatWasReleased() {
    Lease lease = acquire("a", LONG);
    release(lease, true);
    refused(lease);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 16})
  void givesALeaseToOneOfManyWhoAskAtOnce(int many) {
    for (int round = 1; round <= 20; round++) {
      List<Lease> given =
          Flux.range(0, many)
              .flatMap(
                  i ->
                      Mono.defer(() -> store().acquire(name, "owner-" + i, LONG))
                          .subscribeOn(Schedulers.parallel()),
                  many)
              .collectList()
              .block(PATIENCE);
      assertThat(given).hasSize(1);
      Lease lease = Objects.requireNonNull(given).get(0);
      assertThat(lease.fence()).isEqualTo(round);
      release(lease, true);
    }
  }

  @Test
  void goesOnWhenTheCallerIsGone() {
    store().acquire(name, "a", LONG).subscribe().dispose();
    // Whether it has the lease or not, nobody is stuck: at the latest when it ends.
    Lease lease =
        store()
            .acquire(name, "b", LONG)
            .switchIfEmpty(Mono.defer(() -> store().acquire(name + "-free", "b", LONG)))
            .block(PATIENCE);
    assertThat(lease).isNotNull();
  }

  @Test
  void refusesWhatIsOutOfRange() {
    LeaseStore store = store();
    Lease lease = acquire("a", LONG);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.acquire("", "a", LONG))
        .withMessage("name: 0 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.acquire(name, "a".repeat(201), LONG))
        .withMessage("owner: 201 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.acquire(name, "a", Duration.ZERO))
        .withMessage("ttl: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.renew(lease, Duration.ofSeconds(-1)))
        .withMessage("ttl: PT-1S (expected: > PT0S)");
  }

  private Lease acquire(String owner, Duration ttl) {
    Lease lease = store().acquire(name, owner, ttl).block(PATIENCE);
    return Objects.requireNonNull(lease, () -> "no lease for " + owner);
  }

  private void release(Lease lease, boolean held) {
    StepVerifier.create(store().release(lease)).expectNext(held).expectComplete().verify(PATIENCE);
  }

  private void refused(Lease lease) {
    StepVerifier.create(store().renew(lease, LONG)).expectComplete().verify(PATIENCE);
    release(lease, false);
  }
}
