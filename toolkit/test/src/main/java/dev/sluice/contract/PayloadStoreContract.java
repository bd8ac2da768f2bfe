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

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.StoredPayload;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link PayloadStore} must do. A test of a store extends it and says how the store is
 * made. What else is in the store does not matter: every test uses keys of its own.
 */
public abstract class PayloadStoreContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Random random = new Random(42);

  /** The store; it has room for some dozens of times {@link #partSize()}. */
  protected abstract PayloadStore store();

  /**
   * Where the store begins to work in another way, in bytes: sizes around it, and around multiples
   * of it, are tried. For a store that works in one way, any.
   */
  protected abstract int partSize();

  /** Whether the store holds anything of a payload that was not stored, such as parts of it. */
  protected boolean holdsUnfinished(PayloadKey key) {
    return false;
  }

  // == what goes in comes out ==

  /** Sizes around every edge, in parts and bytes, each with known and unknown length. */
  static Stream<Arguments> sizes() {
    return Stream.of(true, false)
        .flatMap(
            known ->
                Stream.of(
                    Arguments.of(known, 0, 0),
                    Arguments.of(known, 0, 1),
                    Arguments.of(known, 1, -1),
                    Arguments.of(known, 1, 0),
                    Arguments.of(known, 1, 1),
                    Arguments.of(known, 2, 0),
                    Arguments.of(known, 3, 7)));
  }

  @ParameterizedTest(name = "{1} parts and {2} bytes, length known: {0}")
  @MethodSource("sizes")
  void givesBackWhatItWasGiven(boolean known, int parts, int bytes) {
    byte[] content = content(parts * partSize() + bytes);
    PayloadKey key = key();
    AtomicInteger subscriptions = new AtomicInteger();
    Flux<ByteBuffer> body =
        chunks(content).doOnSubscribe(subscription -> subscriptions.incrementAndGet());
    PutOptions options = PutOptions.defaults().contentType("image/png");
    StepVerifier.create(store().put(key, body, known ? options.length(content.length) : options))
        .expectNext(new StoredPayload(key, content.length, "image/png"))
        .expectComplete()
        .verify(PATIENCE);
    assertThat(subscriptions).hasValue(1);
    assertThat(read(key, ByteRange.all())).isEqualTo(content);
    StepVerifier.create(store().stat(key))
        .expectNext(new StoredPayload(key, content.length, "image/png"))
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void readsEverySubscriptionAnew() {
    byte[] content = content(1000);
    PayloadKey key = put(content);
    Flux<ByteBuffer> reading = store().get(key, ByteRange.all());
    assertThat(join(reading)).isEqualTo(content);
    assertThat(join(reading)).isEqualTo(content);
  }

  @Test
  void readsRanges() {
    int part = partSize();
    byte[] content = content(part + 1000);
    PayloadKey key = put(content);
    assertRange(key, content, new ByteRange(0, 1));
    assertRange(key, content, new ByteRange(1, 10));
    assertRange(key, content, new ByteRange(part - 1L, 2));
    assertRange(key, content, new ByteRange(content.length - 1L, 1));
    assertRange(key, content, new ByteRange(content.length - 10L, 100));
    assertRange(key, content, ByteRange.from(1));
    assertRange(key, content, ByteRange.from(part));
    assertRange(key, content, ByteRange.from(content.length));
    assertRange(key, content, ByteRange.from(content.length + 1L));
    assertRange(key, content, new ByteRange(content.length + 100L, 5));
  }

  @Test
  void readsAnEmptyPayloadInAnyRange() {
    PayloadKey key = put(new byte[0]);
    assertThat(read(key, ByteRange.from(0))).isEmpty();
    assertThat(read(key, new ByteRange(0, 10))).isEmpty();
    assertThat(read(key, ByteRange.from(1))).isEmpty();
  }

  private void assertRange(PayloadKey key, byte[] content, ByteRange range) {
    int from = (int) Math.min(content.length, range.offset());
    int to = (int) Math.min(content.length, from + Math.min(range.length(), content.length));
    assertThat(read(key, range)).as("%s", range).isEqualTo(slice(content, from, to));
  }

  // == demand ==

  @Test
  void givesNoMoreThanWasAskedFor() {
    byte[] content = content(3 * partSize());
    PayloadKey key = put(content);
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    AtomicInteger open = new AtomicInteger();
    AtomicInteger unasked = new AtomicInteger();
    Sinks.Empty<Void> end = Sinks.empty();
    store()
        .get(key, ByteRange.all())
        .subscribe(
            new BaseSubscriber<>() {
              @Override
              protected void hookOnSubscribe(Subscription subscription) {
                askForOne();
              }

              @Override
              protected void hookOnNext(ByteBuffer buffer) {
                if (open.decrementAndGet() < 0) {
                  unasked.incrementAndGet();
                }
                append(got, buffer);
                Schedulers.parallel().schedule(this::askForOne);
              }

              private void askForOne() {
                open.incrementAndGet();
                request(1);
              }

              @Override
              protected void hookFinally(SignalType type) {
                end.tryEmitEmpty();
              }
            });
    end.asMono().block(PATIENCE);
    assertThat(unasked).hasValue(0);
    assertThat(got.toByteArray()).isEqualTo(content);
  }

  @Test
  void takesABodyThatComesByteByByte() {
    byte[] content = content(500);
    PayloadKey key = key();
    Flux<ByteBuffer> body =
        Flux.range(0, content.length)
            .map(i -> ByteBuffer.wrap(content, i, 1))
            .publishOn(Schedulers.parallel(), 1);
    store().put(key, body, PutOptions.defaults()).block(PATIENCE);
    assertThat(read(key, ByteRange.all())).isEqualTo(content);
  }

  /** What a store takes in advance is bounded: it does not swallow a body that it cannot store. */
  @Test
  void doesNotTakeABodyWithoutBound() {
    AtomicLong taken = new AtomicLong();
    ByteBuffer chunk = ByteBuffer.allocate(1024);
    Flux<ByteBuffer> endless =
        Flux.<ByteBuffer>generate(sink -> sink.next(chunk.duplicate()))
            .doOnNext(buffer -> taken.addAndGet(buffer.remaining()));
    PayloadKey key = key();
    StepVerifier.create(store().put(key, endless, PutOptions.defaults().length(10_000)))
        .expectError(IllegalArgumentException.class)
        .verify(PATIENCE);
    assertThat(taken.get()).isLessThanOrEqualTo(10_000 + 4L * partSize());
    assertAbsent(key);
  }

  // == as a whole or not at all ==

  @Test
  void storesNothingUntilSomebodySubscribes() {
    PayloadKey key = key();
    Mono<StoredPayload> never = store().put(key, chunks(content(10)), PutOptions.defaults());
    assertThat(never).isNotNull();
    assertAbsent(key);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void storesNothingOfABodyThatFails(int parts) {
    IllegalStateException failure = new IllegalStateException("the body failed");
    PayloadKey key = key();
    Flux<ByteBuffer> body = chunks(content(parts * partSize() + 5)).concatWith(Mono.error(failure));
    StepVerifier.create(store().put(key, body, PutOptions.defaults()))
        .expectErrorSatisfies(error -> assertThat(error).isSameAs(failure))
        .verify(PATIENCE);
    assertAbsent(key);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void storesNothingOfABodyThatIsCancelled(int parts) throws InterruptedException {
    PayloadKey key = key();
    CountDownLatch given = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    Flux<ByteBuffer> body =
        chunks(content(parts * partSize() + 5))
            .concatWith(Flux.<ByteBuffer>never().doOnSubscribe(s -> given.countDown()))
            .doOnCancel(cancelled::countDown);
    var put =
        store()
            .put(key, body, PutOptions.defaults())
            .subscribeOn(Schedulers.parallel())
            .subscribe();
    assertThat(given.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    put.dispose();
    assertThat(cancelled.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertAbsent(key);
  }

  /** Cancelled at any moment it is there as a whole or not at all, and nothing is left behind. */
  @Test
  void storesAllOrNothingWhenItIsCancelledAtAnyMoment() {
    byte[] content = content(2 * partSize() + 11);
    for (int round = 0; round < 20; round++) {
      PayloadKey key = key();
      int at = random.nextInt(content.length);
      Sinks.Empty<Void> stop = Sinks.empty();
      AtomicLong given = new AtomicLong();
      Flux<ByteBuffer> body =
          chunks(content)
              .doOnNext(
                  buffer -> {
                    if (given.addAndGet(buffer.remaining()) > at) {
                      Schedulers.parallel().schedule(stop::tryEmitEmpty);
                    }
                  });
      store().put(key, body, PutOptions.defaults()).takeUntilOther(stop.asMono()).block(PATIENCE);
      StoredPayload stored = store().stat(key).block(PATIENCE);
      if (stored != null) {
        assertThat(read(key, ByteRange.all())).isEqualTo(content);
      } else {
        assertAbsent(key);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1})
  void storesNothingThatHasNotTheLengthThatWasPromised(int off) {
    for (int size : new int[] {10, 2 * partSize()}) {
      PayloadKey key = key();
      StepVerifier.create(
              store().put(key, chunks(content(size)), PutOptions.defaults().length(size + off)))
          .expectError(IllegalArgumentException.class)
          .verify(PATIENCE);
      assertAbsent(key);
    }
  }

  private void assertAbsent(PayloadKey key) {
    StepVerifier.create(store().stat(key)).expectComplete().verify(PATIENCE);
    StepVerifier.create(store().get(key, ByteRange.all()))
        .expectErrorMatches(error -> error instanceof PayloadMissing)
        .verify(PATIENCE);
    // What is cleaned up may be cleaned up behind the back of the caller.
    Boolean clean =
        Mono.fromCallable(() -> !holdsUnfinished(key))
            .subscribeOn(Schedulers.boundedElastic())
            .filter(done -> done)
            .repeatWhenEmpty(again -> again.delayElements(Duration.ofMillis(20)))
            .block(PATIENCE);
    assertThat(clean).isTrue();
  }

  // == once ==

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void doesNotChangeWhatIsThere(int parts) {
    byte[] content = content(100);
    PayloadKey key = put(content);
    StepVerifier.create(
            store().put(key, chunks(content(parts * partSize() + 1)), PutOptions.defaults()))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, failed -> assertThat(failed.isTemporary()).isFalse()))
        .verify(PATIENCE);
    assertThat(read(key, ByteRange.all())).isEqualTo(content);
  }

  @Test
  void letsOneOfManyWriteToAKey() {
    PayloadKey key = key();
    List<byte[]> contents = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      contents.add(content(1000 + i));
    }
    List<Integer> winners =
        Flux.range(0, contents.size())
            .flatMap(
                i ->
                    store()
                        .put(key, chunks(contents.get(i)), PutOptions.defaults())
                        .subscribeOn(Schedulers.parallel())
                        .map(stored -> i)
                        .onErrorResume(StoreFailed.class, e -> Mono.empty()),
                contents.size())
            .collectList()
            .block(PATIENCE);
    assertThat(winners).hasSize(1);
    assertThat(read(key, ByteRange.all()))
        .isEqualTo(contents.get(Objects.requireNonNull(winners).get(0)));
  }

  // == readers that go away ==

  @Test
  void readsOnWhenReadersAreCancelledAtAnyMoment() {
    byte[] content = content(2 * partSize() + 11);
    PayloadKey key = put(content);
    for (int round = 0; round < 50; round++) {
      int at = random.nextInt(content.length);
      AtomicLong got = new AtomicLong();
      Flux<ByteBuffer> reading = store().get(key, ByteRange.all());
      // What was asked for comes to its end by itself; the others need to be ended by the cancel.
      (round % 2 == 0 ? reading : reading.limitRate(1))
          .takeUntil(buffer -> got.addAndGet(buffer.remaining()) > at)
          .blockLast(PATIENCE);
    }
    assertThat(read(key, ByteRange.all())).isEqualTo(content);
  }

  // == the end ==

  @Test
  void knowsNothingOfAKeyThatWasNeverUsed() {
    assertAbsent(key());
  }

  @Test
  void deletes() {
    PayloadKey key = put(content(10));
    StepVerifier.create(store().delete(key)).expectComplete().verify(PATIENCE);
    assertAbsent(key);
    StepVerifier.create(store().delete(key)).expectComplete().verify(PATIENCE);
  }

  @Test
  void listsWhatHasExpiredInItsOrder() {
    Instant first = Instant.parse("2001-02-03T23:59:58Z").plusSeconds(random.nextInt(1000));
    List<PayloadKey> keys = new ArrayList<>();
    for (int second : new int[] {0, 1, 2, 3, 86_400, 900_000}) {
      keys.add(PayloadKey.next(first.plusSeconds(second)));
    }
    for (int i : new int[] {3, 0, 5, 1, 4, 2}) {
      store().put(keys.get(i), chunks(content(1)), PutOptions.defaults()).block(PATIENCE);
    }
    try {
      assertThat(expired(first, keys)).isEmpty();
      assertThat(expired(first.plusSeconds(2), keys)).containsExactlyElementsOf(keys.subList(0, 2));
      assertThat(expired(first.plusSeconds(86_400), keys))
          .containsExactlyElementsOf(keys.subList(0, 4));
      assertThat(expired(first.plusSeconds(900_001), keys)).containsExactlyElementsOf(keys);
      StepVerifier.create(store().expired(first.plusSeconds(900_001), 1))
          .expectNextCount(1)
          .expectComplete()
          .verify(PATIENCE);
    } finally {
      Flux.fromIterable(keys).concatMap(store()::delete).blockLast(PATIENCE);
    }
  }

  private List<PayloadKey> expired(Instant before, List<PayloadKey> ours) {
    return Objects.requireNonNull(
        store().expired(before, 1000).filter(ours::contains).collectList().block(PATIENCE));
  }

  @Test
  void abandonsNothingThatIsFinished() {
    byte[] content = content(3 * partSize());
    PayloadKey key = put(content);
    StepVerifier.create(store().abandonUnfinished(Instant.now().plusSeconds(60)))
        .expectNextCount(1)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(read(key, ByteRange.all())).isEqualTo(content);
  }

  @Test
  void hasANameForClaims() {
    assertThat(PayloadStore.requireName(store().name())).isEqualTo(store().name());
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().expired(Instant.EPOCH, 0))
        .withMessage("limit: 0 (expected: >= 1)");
  }

  // == helpers ==

  private static PayloadKey key() {
    return PayloadKey.next(Instant.now().plus(Duration.ofDays(1)));
  }

  private PayloadKey put(byte[] content) {
    PayloadKey key = key();
    store().put(key, chunks(content), PutOptions.defaults()).block(PATIENCE);
    return key;
  }

  private byte[] read(PayloadKey key, ByteRange range) {
    return join(store().get(key, range));
  }

  private static byte[] join(Flux<ByteBuffer> buffers) {
    return Objects.requireNonNull(
            buffers
                .collect(ByteArrayOutputStream::new, PayloadStoreContract::append)
                .block(PATIENCE))
        .toByteArray();
  }

  private static void append(ByteArrayOutputStream out, ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    out.writeBytes(bytes);
  }

  private byte[] content(int size) {
    byte[] content = new byte[size];
    random.nextBytes(content);
    return content;
  }

  private static byte[] slice(byte[] content, int from, int to) {
    return Arrays.copyOfRange(content, from, to);
  }

  /** Buffers of all kinds: empty, read-only, direct, in the middle of a larger one. */
  private static Flux<ByteBuffer> chunks(byte[] content) {
    return Flux.defer(
        () -> {
          Random sizes = new Random(content.length);
          int most = Math.max(16, content.length / 5);
          return Flux.generate(
              () -> 0,
              (at, sink) -> {
                if (at == content.length) {
                  sink.complete();
                  return at;
                }
                int length = Math.min(sizes.nextInt(most), content.length - at);
                ByteBuffer whole = ByteBuffer.wrap(content, at, length);
                switch (sizes.nextInt(3)) {
                  case 0 -> sink.next(whole);
                  case 1 -> sink.next(whole.asReadOnlyBuffer());
                  default -> sink.next(ByteBuffer.allocateDirect(length).put(whole).flip());
                }
                return at + length;
              });
        });
  }
}
