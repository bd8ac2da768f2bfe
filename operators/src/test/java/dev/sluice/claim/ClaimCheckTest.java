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

import static dev.sluice.claim.ClaimCheck.claimCheck;
import static dev.sluice.claim.ClaimCheck.claimCheckContent;
import static dev.sluice.claim.ClaimCheck.redeem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.store.StoreFailed;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class ClaimCheckTest extends ClaimFixture {

  // == values ==

  @ParameterizedTest
  @ValueSource(ints = {0, 1, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, 10 * THRESHOLD + 7})
  void whatIsCheckedInIsRedeemed(int size) {
    byte[] content = content(size);
    Message<byte[]> message =
        Message.builder(content).type("image").contentType("image/png").build();
    Flux.just(message)
        .transform(claimCheck(shelf, keys, this::claims))
        .doOnNext(
            checked -> {
              assertThat(checked.headers().contains(ClaimCheck.HEADER)).isEqualTo(size > THRESHOLD);
              assertThat(checked.payload()).hasSize(size > THRESHOLD ? 0 : size);
            })
        .transform(redeem(shelf, keys, this::redeems))
        .as(StepVerifier::create)
        .expectNext(message) // as it was, headers included
        .verifyComplete();
    assertThat(shelf.puts).hasValue(size > THRESHOLD ? 1 : 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, 10 * THRESHOLD + 7})
  void streamsAreInlineAsLongAsTheyAreSmall(int size) {
    byte[] content = content(size);
    for (int each : new int[] {1, 7, THRESHOLD, 5 * THRESHOLD}) {
      AtomicInteger subscriptions = new AtomicInteger();
      Flux<ByteBuffer> stream =
          chunks(content, each).doOnSubscribe(s -> subscriptions.incrementAndGet());
      Flux.just(Message.of(stream))
          .transform(claimCheckContent(shelf, keys, this::claims))
          .doOnNext(
              checked ->
                  assertThat(checked.headers().contains(ClaimCheck.HEADER))
                      .isEqualTo(size > THRESHOLD))
          .transform(redeem(shelf, keys, this::redeems))
          .as(StepVerifier::create)
          .assertNext(redeemed -> assertThat(redeemed.payload()).isEqualTo(content))
          .verifyComplete();
      assertThat(subscriptions).hasValue(1);
    }
  }

  @Test
  void theClaimSaysWhatWasStored() {
    Message<byte[]> checked = checkedIn(utf8("abc"));
    Claim claim = new ClaimSigner(keys).verify(signed(checked), START);
    assertThat(claim.size()).isEqualTo(3);
    assertThat(claim.sha256())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertThat(claim.store()).isEqualTo("images");
    assertThat(claim.audience()).isEqualTo("default");
    assertThat(claim.expiresAt()).isEqualTo(START.plus(Duration.ofDays(14)));
    assertThat(shelf.payloads).containsOnlyKeys(claim.key());
  }

  @Test
  void messagesAreRoutedToStoresByName() {
    Shelf archive = new Shelf("archive");
    Checker checker =
        checker(
            spec ->
                spec.store(archive)
                    .route(message -> message.type().equals("old") ? "archive" : "images"));
    Message<byte[]> old = Message.of(content(2000)).withType("old");
    Message<byte[]> checked = checker.check(old).block();
    assertThat(archive.payloads).hasSize(1);
    assertThat(shelf.payloads).isEmpty();
    StepVerifier.create(redeemer(spec -> spec.store(archive)).redeem(checked))
        .expectNext(old)
        .verifyComplete();
  }

  @Test
  void whatTheTargetDoesNotTakeIsStoredToo() {
    Outbound<byte[]> target =
        new Outbound<>() {
          @Override
          public String name() {
            return "narrow";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            return Mono.never();
          }

          @Override
          public OptionalInt room(Message<?> message) {
            return message.group() == null ? OptionalInt.of(500) : OptionalInt.empty();
          }
        };
    Checker checker = checker(spec -> spec.fits(target));
    for (boolean streams : new boolean[] {true, false}) {
      for (int size : new int[] {500, 501, THRESHOLD, THRESHOLD + 1}) {
        Message<?> message =
            streams ? Message.of(chunks(content(size), 100)) : Message.of(content(size));
        assertThat(hasClaim(checker.check(message))).isEqualTo(size > 500);
        assertThat(hasClaim(checker.check(message.withGroup("g")))).isEqualTo(size > THRESHOLD);
      }
    }
  }

  private static boolean hasClaim(Mono<Message<byte[]>> checked) {
    return checked.map(message -> message.headers().contains(ClaimCheck.HEADER)).block();
  }

  /** Or the redeemer would take the old payload for the new one. */
  @Test
  void aNewSmallPayloadLosesTheClaimOfTheOldOne() {
    Message<byte[]> changed = checkedIn(content(2000)).withPayload(utf8("new"));
    StepVerifier.create(checker().check(changed))
        .assertNext(
            checked -> {
              assertThat(checked.payload()).isEqualTo(utf8("new"));
              assertThat(checked.headers().contains(ClaimCheck.HEADER)).isFalse();
            })
        .verifyComplete();
  }

  @Test
  void aMessageThatCarriesAClaimPassesAsItIs() {
    Message<byte[]> checked = checkedIn(content(2000));
    StepVerifier.create(checker().check(checked)).expectNext(checked).verifyComplete();
  }

  // == order and bounds ==

  @Test
  void keepsTheOrderHoweverLongAPutTakes() {
    StepVerifier.withVirtualTime(
            () -> {
              shelf.putsTake(Duration.ofSeconds(5));
              return Flux.just(2000, 1, 3000, 2, 3)
                  .map(size -> Message.of(content(size)).withType("t" + size))
                  .transform(claimCheck(shelf, keys, this::claims))
                  .map(Message::type);
            })
        .expectSubscription()
        .expectNoEvent(Duration.ofSeconds(5))
        .expectNext("t2000", "t1", "t3000", "t2", "t3")
        .verifyComplete();
  }

  @Test
  void storesNoMoreAtOnceThanAllowed() {
    StepVerifier.withVirtualTime(
            () -> {
              shelf.putsTake(Duration.ofSeconds(1));
              return Flux.range(0, 10)
                  .map(i -> Message.of(content(2000)))
                  .transform(claimCheck(shelf, keys, s -> claims(s).concurrency(3)));
            })
        .thenAwait(Duration.ofSeconds(4))
        .expectNextCount(10)
        .verifyComplete();
    assertThat(shelf.mostRunning).hasValue(3);
  }

  @Test
  void takesNoMoreFromTheSourceThanItCanHold() {
    TestPublisher<Message<byte[]>> source = TestPublisher.create();
    StepVerifier.create(
            source.flux().transform(claimCheck(shelf, keys, s -> claims(s).concurrency(3))), 0)
        .expectSubscription()
        .then(() -> source.assertMaxRequested(3))
        .thenCancel()
        .verify();
  }

  @Test
  void aStreamIsAskedForNoMoreThanTheStoreTakes() {
    List<Long> asked = new ArrayList<>();
    shelf.onPut = put -> Mono.never();
    Flux<ByteBuffer> endless =
        Flux.<ByteBuffer>generate(sink -> sink.next(ByteBuffer.allocate(100)))
            .doOnRequest(asked::add);
    StepVerifier.create(checker().check(Message.of(endless)))
        .expectSubscription()
        .thenAwait()
        .thenCancel()
        .verify();
    assertThat(asked.stream().mapToLong(n -> n).sum()).isEqualTo(THRESHOLD / 100 + 1);
  }

  // == errors ==

  @Test
  void theFirstErrorEndsAPlainFlux() {
    StoreFailed failure = StoreFailed.temporary("images", "down", null);
    shelf.onPut = put -> Mono.error(failure);
    Flux.just(Message.of(content(1)), Message.of(content(2000)), Message.of(content(2)))
        .transform(claimCheck(shelf, keys, this::claims))
        .as(StepVerifier::create)
        .expectNextCount(1)
        .verifyErrorMatches(error -> error == failure);
  }

  @Test
  void skipsAndDiscardsWhatFailsIfAskedTo() {
    Message<byte[]> large = Message.of(content(2000));
    shelf.onPut = put -> Mono.error(new IllegalStateException("down"));
    Flux.just(Message.of(content(1)), large, Message.of(content(2)))
        .transform(claimCheck(shelf, keys, s -> claims(s).skipFailures()))
        .map(message -> message.payload().length)
        .as(StepVerifier::create)
        .expectNext(1, 2)
        .expectComplete()
        .verifyThenAssertThat()
        .hasDiscardedExactly(large);
    assertThat(heard).contains("skipped down");
  }

  @Test
  void theErrorOfAStreamIsTheError() {
    IllegalStateException failure = new IllegalStateException("broken");
    for (int size : new int[] {0, 10, 5000}) {
      Flux<ByteBuffer> stream = chunks(content(size), 100).concatWith(Mono.error(failure));
      StepVerifier.create(checker().check(Message.of(stream)))
          .verifyErrorMatches(error -> error == failure);
    }
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void refusesWhatIsTooLarge() {
    Checker checker = checker(spec -> spec.maxSize(5000));
    StepVerifier.create(checker.check(Message.of(chunks(content(5000), 100))))
        .expectNextCount(1)
        .verifyComplete();
    shelf.payloads.clear();
    StepVerifier.create(checker.check(Message.of(chunks(content(5001), 100))))
        .verifyErrorMessage("payload: more than 5000 bytes (expected: at most that)");
    StepVerifier.create(checker.check(Message.of(content(5001))))
        .verifyErrorMessage("payload: more than 5000 bytes (expected: at most that)");
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void refusesWhatIsNoPayload() {
    StepVerifier.create(checker().check(Message.of("text")))
        .verifyErrorMessage(
            "payload: java.lang.String (expected: byte[] or a Publisher of ByteBuffer)");
    StepVerifier.create(
            checker(spec -> spec.route(m -> "nowhere")).check(Message.of(content(2000))))
        .verifyErrorMessage("route: \"nowhere\" (expected: one of [images])");
  }

  // == cancel ==

  @Test
  void cancelsTheStreamAndThePut() {
    AtomicBoolean streamCancelled = new AtomicBoolean();
    Flux<ByteBuffer> stream =
        chunks(content(5000), 100)
            .concatWith(Flux.never())
            .doOnCancel(() -> streamCancelled.set(true));
    StepVerifier.create(checker().check(Message.of(stream)))
        .expectSubscription()
        .thenCancel()
        .verify();
    assertThat(streamCancelled).isTrue();
    assertThat(shelf.running).hasValue(0);
    assertThat(shelf.payloads).isEmpty();
  }

  // == withdraw ==

  @Test
  void withdrawsWhatWasNotSent() {
    Message<byte[]> checked = checkedIn(content(10));
    StepVerifier.create(checker().withdraw(checked)).verifyComplete();
    assertThat(shelf.payloads).isEmpty();
    assertThat(heard).contains("deleted");
    StepVerifier.create(checker().withdraw(Message.of(content(10)))).verifyComplete();
  }

  @Test
  void leavesToTheSweeperWhatCannotBeWithdrawn() {
    Message<byte[]> checked = checkedIn(content(10));
    shelf.onDelete = delete -> Mono.error(new IllegalStateException("down"));
    StepVerifier.create(checker().withdraw(checked)).verifyComplete();
    assertThat(heard).contains("left down");
    StepVerifier.create(checker().withdraw(carrying("1;not;a;claim"))).verifyComplete();
  }

  // == options ==

  @Test
  void aPayloadOutlivesItsMessage() {
    Duration day = Duration.ofDays(1);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                claimCheck(
                    shelf,
                    keys,
                    c ->
                        c.ttl(day.multipliedBy(16))
                            .outlives(
                                day.multipliedBy(7), day.multipliedBy(7), day.multipliedBy(3))))
        .withMessage(
            "ttl: PT384H (expected: >= PT408H, the retention of the channel, its dead letters and"
                + " the replay together)");
    claimCheck(
        shelf,
        keys,
        c ->
            c.outlives(day.multipliedBy(7), day.multipliedBy(7), day.multipliedBy(3))
                .ttl(day.multipliedBy(17)));
  }

  @Test
  void refusesWhatIsOutOfRange() {
    refuses(c -> c.threshold(-1), "threshold: -1 (expected: >= 0)");
    refuses(c -> c.maxSize(0), "maxSize: 0 (expected: >= 1)");
    refuses(c -> c.concurrency(0), "concurrency: 0 (expected: >= 1)");
    refuses(c -> c.ttl(Duration.ZERO), "ttl: PT0S (expected: PT1S..PT87600H)");
    refuses(
        c -> c.audience("a;b"),
        "audience: \"a;b\" (expected: 1..128 of A-Z, a-z, 0-9, '.', '_', ':', '/', '-')");
    refuses(
        c -> c.store(new Shelf("images")),
        "store: a second one called \"images\" (expected: different names)");
    refuses(
        c -> c.outlives(Duration.ofDays(-1), Duration.ZERO, Duration.ZERO),
        "channel: PT-24H (expected: >= PT0S)");
  }

  private void refuses(UnaryOperator<ClaimSpec> spec, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> claimCheck(shelf, keys, spec))
        .withMessage(message);
  }
}
