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
package dev.sluice.idempotent;

import static dev.sluice.idempotent.Idempotent.idempotent;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

@Timeout(60)
class IdempotentTest {

  private static final IdempotencyKey A = new IdempotencyKey("charge", "a");
  private static final Duration LEASE = Duration.ofSeconds(30);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final ScriptedStore store = new ScriptedStore(time);
  private final List<String> done = new ArrayList<>();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  private Idempotent<String, String> charge(Function<String, Mono<String>> work) {
    return charge(work, spec -> spec);
  }

  private Idempotent<String, String> charge(
      Function<String, Mono<String>> work, UnaryOperator<IdempotentSpec> spec) {
    return idempotent("charge", text -> text, store, work, spec).replaying(StringCodec.utf8());
  }

  private Mono<String> receipt(String order) {
    return Mono.fromSupplier(
        () -> {
          done.add(order);
          return order + done.size();
        });
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  @Nested
  class Once {

    @Test
    void worksAndRemembers() {
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .expectNext("a1")
          .verifyComplete();
      assertThat(store.log()).hasSize(2).last().isEqualTo("complete a true");
    }

    @Test
    void givesTheFirstResultToDuplicates() {
      Idempotent<String, String> charge = charge(IdempotentTest.this::receipt);
      StepVerifier.create(Flux.just("a", "b", "a", "a").transform(charge))
          .expectNext("a1", "b2", "a1", "a1")
          .verifyComplete();
      assertThat(done).containsExactly("a", "b");
      assertThat(charge.duplicates()).isEqualTo(2);
    }

    @Test
    void givesNothingToDuplicatesWithoutACodec() {
      Idempotent<String, String> charge =
          idempotent("charge", text -> text, store, IdempotentTest.this::receipt);
      StepVerifier.create(Flux.just("a", "a").transform(charge)).expectNext("a1").verifyComplete();
      assertThat(done).containsExactly("a");
    }

    @Test
    void remembersThatThereWasNoResult() {
      Idempotent<String, String> charge = charge(order -> receipt(order).then(Mono.empty()));
      StepVerifier.create(Flux.just("a", "a").transform(charge)).verifyComplete();
      assertThat(done).containsExactly("a");
    }

    @Test
    void doesAgainWhatIsNoLongerRetained() {
      Idempotent<String, String> charge =
          charge(IdempotentTest.this::receipt, spec -> spec.retention(Duration.ofHours(1)));
      StepVerifier.create(charge.run("a")).expectNext("a1").verifyComplete();
      pass(Duration.ofHours(1));
      StepVerifier.create(charge.run("a")).expectNext("a2").verifyComplete();
    }

    @Test
    void keepsScopesApart() {
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .expectNext("a1")
          .verifyComplete();
      StepVerifier.create(
              idempotent("ship", (String text) -> text, store, IdempotentTest.this::receipt)
                  .run("a"))
          .expectNext("a2")
          .verifyComplete();
    }

    @Test
    void keepsAResultToItselfThatCannotBeEncoded() {
      PayloadCodec<String> broken =
          new PayloadCodec<>() {
            @Override
            public byte[] encode(Message<String> message) {
              throw new IllegalStateException("cannot");
            }

            @Override
            public String decode(Message<byte[]> message) {
              throw new IllegalStateException("cannot");
            }

            @Override
            public String contentType() {
              return "text/plain";
            }
          };
      Idempotent<String, String> charge =
          idempotent("charge", (String text) -> text, store, IdempotentTest.this::receipt)
              .replaying(broken);
      StepVerifier.create(charge.run("a")).expectNext("a1").verifyComplete();
      StepVerifier.create(charge.run("a")).verifyComplete();
      assertThat(done).containsExactly("a");
    }
  }

  @Nested
  class Duplicates {

    @Test
    void waitForTheFirstAndGetItsResult() {
      Sinks.One<String> first = Sinks.one();
      Idempotent<String, String> charge = charge(order -> first.asMono());
      List<String> results = new ArrayList<>();
      charge.run("a").subscribe(results::add);
      charge.run("a").subscribe(results::add);
      pass(Duration.ofSeconds(10));
      assertThat(results).isEmpty();
      first.tryEmitValue("r");
      pass(Duration.ofSeconds(1));
      assertThat(results).containsExactly("r", "r");
      assertThat(charge.duplicates()).isEqualTo(1);
    }

    @Test
    void doItWhenTheFirstHasFailed() {
      Sinks.One<String> first = Sinks.one();
      List<Mono<String>> works = new ArrayList<>(List.of(first.asMono(), Mono.just("second")));
      Idempotent<String, String> charge = charge(order -> works.remove(0));
      StepVerifier.create(Mono.zip(charge.run("a").onErrorReturn("failed"), charge.run("a")))
          .then(() -> pass(Duration.ofSeconds(1)))
          .then(() -> first.tryEmitError(new IllegalStateException("no")))
          .then(() -> pass(Duration.ofSeconds(1)))
          .assertNext(
              both -> {
                assertThat(both.getT1()).isEqualTo("failed");
                assertThat(both.getT2()).isEqualTo("second");
              })
          .verifyComplete();
    }

    @Test
    void haveAPatience() {
      store.takeOver(A, Duration.ofHours(1));
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .then(() -> pass(Duration.ofSeconds(29)))
          .expectNoEvent(Duration.ZERO)
          .then(() -> pass(Duration.ofSeconds(1)))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOf(WorkInProgress.class)
                      .hasMessage("charge a: in progress"))
          .verify();
      assertThat(done).isEmpty();
    }

    @Test
    void mayHaveNoPatience() {
      store.takeOver(A, Duration.ofHours(1));
      StepVerifier.create(
              charge(IdempotentTest.this::receipt, spec -> spec.patience(Duration.ZERO)).run("a"))
          .verifyError(WorkInProgress.class);
    }

    @Test
    void takeOverWhenTheLeaseOfADeadProcessHasEnded() {
      store.takeOver(A, Duration.ofSeconds(5));
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .then(() -> pass(Duration.ofSeconds(5)))
          .expectNext("a1")
          .verifyComplete();
    }
  }

  @Nested
  class Failures {

    @Test
    void areNotRemembered() {
      Idempotent<String, String> charge =
          charge(
              order ->
                  done.isEmpty()
                      ? receipt(order).then(Mono.error(new IllegalStateException("no")))
                      : receipt(order));
      StepVerifier.create(charge.run("a")).verifyErrorMessage("no");
      assertThat(store.log()).last().isEqualTo("release a true");
      StepVerifier.create(charge.run("a")).expectNext("a2").verifyComplete();
    }

    @Test
    void ofTheFunctionsAreErrors() {
      StepVerifier.create(
              charge(
                      order -> {
                        throw new IllegalStateException("thrown");
                      })
                  .run("a"))
          .verifyErrorMessage("thrown");
      StepVerifier.create(charge(order -> null).run("a"))
          .verifyErrorMessage("the work function returned null");
      assertThat(store.log()).filteredOn(line -> line.equals("release a true")).hasSize(2);
      StepVerifier.create(
              Idempotent.<String, String>idempotent(
                      "charge", text -> null, store, IdempotentTest.this::receipt)
                  .run("a"))
          .verifyErrorMessage("the key is null");
    }

    @Test
    void stayErrorsWhenTheKeyCannotBeReleased() {
      store.fail("release");
      Idempotent<String, String> charge =
          charge(order -> Mono.error(new IllegalStateException("no")));
      StepVerifier.create(charge.run("a")).verifyErrorMessage("no");
      pass(LEASE);
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .expectNext("a1")
          .verifyComplete();
    }

    @Test
    void ofTheStoreComeBeforeTheWork() {
      store.fail("begin");
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .verifyError(StoreFailed.class);
      assertThat(done).isEmpty();
    }

    @Test
    void ofTheStoreAfterTheWorkAreTriedAgain() {
      store.fail("complete").fail("complete").fail("complete");
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .then(() -> pass(Duration.ofSeconds(2)))
          .expectNext("a1")
          .verifyComplete();
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .expectNext("a1")
          .verifyComplete();
    }

    @Test
    void ofTheStoreThatLastAreTold() {
      for (int i = 0; i < 100; i++) {
        store.fail("complete");
      }
      List<Object> discarded = new ArrayList<>();
      StepVerifier.create(
              charge(IdempotentTest.this::receipt)
                  .run("a")
                  .doOnDiscard(String.class, discarded::add))
          .then(() -> pass(LEASE))
          .verifyError(TimeoutException.class);
      assertThat(discarded).containsExactly("a1");
    }

    @Test
    void ofWorkThatTakesTooLong() {
      TestPublisher<String> work = TestPublisher.create();
      StepVerifier.create(
              charge(order -> work.mono(), spec -> spec.timeout(Duration.ofMinutes(1))).run("a"))
          .then(() -> pass(Duration.ofMinutes(1)))
          .verifyError(TimeoutException.class);
      work.assertCancelled();
      assertThat(store.log()).last().isEqualTo("release a true");
    }
  }

  @Nested
  class Leases {

    @Test
    void areRenewedWhileTheWorkRuns() {
      Sinks.One<String> work = Sinks.one();
      StepVerifier.create(charge(order -> work.asMono()).run("a"))
          .then(() -> pass(Duration.ofMinutes(5)))
          .then(() -> assertThat(store.begin(A, LEASE).block()).isNotInstanceOf(Started.class))
          .then(() -> work.tryEmitValue("r"))
          .expectNext("r")
          .verifyComplete();
      assertThat(store.log()).filteredOn(line -> line.equals("renew a true")).hasSize(40);
      pass(Duration.ofMinutes(5));
      assertThat(store.log()).filteredOn(line -> line.startsWith("renew")).hasSize(40);
    }

    @Test
    void surviveOneRenewalThatFails() {
      store.fail("renew");
      Sinks.One<String> work = Sinks.one();
      StepVerifier.create(charge(order -> work.asMono()).run("a"))
          .then(() -> pass(Duration.ofMinutes(1)))
          .then(() -> work.tryEmitValue("r"))
          .expectNext("r")
          .verifyComplete();
    }

    @Test
    void endTheWorkBeforeSomebodyElseMayBegin() {
      store.fail("renew").fail("renew");
      TestPublisher<String> work = TestPublisher.create();
      StepVerifier.create(charge(order -> work.mono()).run("a"))
          .then(() -> pass(Duration.ofSeconds(14)))
          .then(work::assertNotCancelled)
          .then(() -> pass(Duration.ofSeconds(1)))
          .verifyErrorMessage("charge a: may be taken over");
      work.assertCancelled();
    }

    @Test
    void endTheWorkWhenARenewalHangs() {
      store.next("renew", Mono::never).next("renew", Mono::never);
      TestPublisher<String> work = TestPublisher.create();
      StepVerifier.create(charge(order -> work.mono()).run("a"))
          .then(() -> pass(LEASE))
          .verifyErrorMessage("charge a: may be taken over");
      work.assertCancelled();
    }

    @Test
    void endTheWorkThatSomebodyElseHas() {
      TestPublisher<String> work = TestPublisher.create();
      StepVerifier.create(charge(order -> work.mono()).run("a"))
          .then(() -> store.takeOver(A, LEASE))
          .then(() -> pass(Duration.ofSeconds(10)))
          .verifyErrorMessage("charge a: may be taken over");
      work.assertCancelled();
    }

    /** What somebody else makes of it counts, whoever asks next. */
    @Test
    void thatWereTakenOverLeaveTheResultToTheOther() {
      Sinks.One<String> work = Sinks.one();
      List<Object> discarded = new ArrayList<>();
      Idempotent<String, String> charge = charge(order -> work.asMono());
      StepVerifier.create(charge.run("a").doOnDiscard(String.class, discarded::add))
          .then(
              () -> {
                Started other = store.takeOver(A, LEASE);
                work.tryEmitValue("mine");
                store.complete(other, new byte[] {'o'}, LEASE).block();
              })
          .verifyErrorMessage("charge a: was taken over");
      assertThat(discarded).containsExactly("mine");
      StepVerifier.create(charge.run("a")).expectNext("o").verifyComplete();
    }
  }

  @Nested
  class Cancelling {

    @Test
    void endsTheWorkAndReleasesTheKey() {
      TestPublisher<String> work = TestPublisher.create();
      charge(order -> work.mono()).run("a").subscribe().dispose();
      work.assertCancelled();
      assertThat(store.log()).last().isEqualTo("release a true");
      pass(Duration.ofMinutes(1));
      assertThat(store.log()).hasSize(2);
    }

    @Test
    void releasesWhatIsStartedTooLate() {
      Sinks.Empty<Void> gate = Sinks.empty();
      store.next("begin", gate::asMono);
      charge(IdempotentTest.this::receipt).run("a").subscribe().dispose();
      assertThat(store.log()).isEmpty();
      gate.tryEmitEmpty();
      assertThat(store.log()).hasSize(2).last().isEqualTo("release a true");
      assertThat(done).isEmpty();
    }

    @Test
    void doesNotForgetWhatIsDone() {
      Sinks.Empty<Void> gate = Sinks.empty();
      store.next("complete", gate::asMono);
      List<Object> discarded = new ArrayList<>();
      Disposable first =
          charge(IdempotentTest.this::receipt)
              .run("a")
              .doOnDiscard(String.class, discarded::add)
              .subscribe();
      first.dispose();
      gate.tryEmitEmpty();
      assertThat(store.log()).last().isEqualTo("complete a true");
      assertThat(discarded).containsExactly("a1");
      StepVerifier.create(charge(IdempotentTest.this::receipt).run("a"))
          .expectNext("a1")
          .verifyComplete();
    }

    @Test
    void endsTheWaiting() {
      store.takeOver(A, Duration.ofHours(1));
      charge(IdempotentTest.this::receipt).run("a").subscribe().dispose();
      int asked = store.log().size();
      pass(Duration.ofMinutes(1));
      assertThat(store.log()).hasSize(asked);
    }
  }

  @Nested
  class Context {

    @Test
    void isSeenByTheWorkAndTheStore() {
      List<Object> seen = new ArrayList<>();
      Mono<Void> see =
          Mono.deferContextual(
              context -> {
                seen.add(context.get("tenant"));
                return Mono.empty();
              });
      store.next("begin", () -> see).next("complete", () -> see);
      StepVerifier.create(
              charge(order -> see.thenReturn("r"))
                  .run("a")
                  .contextWrite(context -> context.put("tenant", "t")))
          .expectNext("r")
          .verifyComplete();
      assertThat(seen).containsExactly("t", "t", "t");
    }
  }

  @Nested
  class Options {

    @Test
    void areChecked() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> charge(s -> Mono.empty(), c -> c.lease(Duration.ofMillis(29))))
          .withMessage("lease: PT0.029S (expected: PT0.03S..PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> charge(s -> Mono.empty(), c -> c.retention(Duration.ZERO)))
          .withMessage("retention: PT0S (expected: > PT0S, <= PT87600H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> charge(s -> Mono.empty(), c -> c.timeout(Duration.ZERO)))
          .withMessage("timeout: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> charge(s -> Mono.empty(), c -> c.patience(Duration.ofSeconds(-1))))
          .withMessage("patience: PT-1S (expected: PT0S..PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> idempotent("", (String s) -> s, store, s -> Mono.empty()))
          .withMessage("scope: 0 characters (expected: 1..100)");
    }
  }
}
