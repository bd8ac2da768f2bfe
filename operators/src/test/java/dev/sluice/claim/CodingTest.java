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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.claim.ClaimRefused.Reason;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadKey;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.zip.Deflater;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** Payloads that are compressed or encrypted on their way. */
class CodingTest extends ClaimFixture {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int SEGMENT = PayloadCipher.SEGMENT;

  private final Keyring secrets = Keyring.of("c1", secret(7));

  private Message<byte[]> checkedIn(UnaryOperator<ClaimSpec> spec, byte[] content, int each) {
    Checker checker = checker(c -> spec.apply(c.threshold(0)));
    Message<?> message = each == 0 ? Message.of(content) : Message.of(chunks(content, each));
    return Objects.requireNonNull(checker.check(message).block(PATIENCE));
  }

  private Claim claim(Message<?> message) {
    return new ClaimSigner(keys).verify(signed(message), START);
  }

  private byte[] stored() {
    return shelf.payloads.values().iterator().next();
  }

  private void assertRefused(Redeemer redeemer, Message<byte[]> message, Reason reason) {
    StepVerifier.create(redeemer.redeem(message))
        .expectErrorSatisfies(error -> assertThat(why(error)).isEqualTo(reason))
        .verify(PATIENCE);
  }

  private static Reason why(Throwable error) {
    assertThat(error).isInstanceOf(ClaimRefused.class);
    return ((ClaimRefused) error).why();
  }

  // == what goes in comes out ==

  @ParameterizedTest
  @ValueSource(ints = {1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT + 7})
  void whatIsCodedIsDecoded(int size) {
    byte[] content = content(size);
    Arrays.fill(content, 0, size / 2, (byte) 5); // something to compress
    List<UnaryOperator<ClaimSpec>> codings =
        List.of(
            ClaimSpec::compress,
            spec -> spec.encrypt(secrets),
            spec -> spec.compress().encrypt(secrets));
    for (UnaryOperator<ClaimSpec> coding : codings) {
      for (int each : new int[] {0, 1009, SEGMENT, 5 * SEGMENT}) {
        Message<byte[]> checked = checkedIn(coding, content, each);
        assertThat(shelf.payloads.get(claim(checked).key())).hasSize((int) claim(checked).stored());
        assertThat(claim(checked).size()).isEqualTo(size);
        StepVerifier.create(redeemer(spec -> spec.decrypt(secrets)).redeem(checked))
            .assertNext(redeemed -> assertThat(redeemed.payload()).isEqualTo(content))
            .expectComplete()
            .verify(PATIENCE);
      }
    }
  }

  @Test
  void theClaimSaysWhatWasDone() throws Exception {
    byte[] content = new byte[10_000];
    Message<byte[]> checked = checkedIn(spec -> spec.compress().encrypt(secrets), content, 0);
    Claim claim = claim(checked);
    assertThat(claim.deflated()).isTrue();
    assertThat(claim.cipherKey()).isEqualTo("c1");
    assertThat(claim.stored()).isEqualTo(stored().length).isLessThan(200);
    assertThat(claim.sha256())
        .isEqualTo(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(stored())));
    assertThat(signed(checked)).contains(";default;" + claim.stored() + ";deflate;c1;");
    assertThat(heard).contains("stored 10000");
  }

  @Test
  void compressedPayloadsNeedNoOption() {
    Message<byte[]> checked = checkedIn(ClaimSpec::compress, new byte[100_000], 0);
    assertThat(stored().length).isLessThan(1000);
    StepVerifier.create(redeemer().open(checked).payload().content().reduce(0, CodingTest::plus))
        .expectNext(100_000)
        .expectComplete()
        .verify(PATIENCE);
  }

  private static int plus(int sum, ByteBuffer buffer) {
    return sum + buffer.remaining();
  }

  @Test
  void theLimitIsThatOfTheContent() {
    Checker checker = checker(spec -> spec.threshold(0).compress().maxSize(9999));
    StepVerifier.create(checker.check(Message.of(new byte[10_000])))
        .expectErrorMessage("payload: more than 9999 bytes (expected: at most that)")
        .verify(PATIENCE);
  }

  // == encryption ==

  /** The first test case of RFC 5869. */
  @Test
  void derivesAsTheStandardSays() {
    byte[] derived =
        PayloadCipher.hkdf(
            HexFormat.of().parseHex("0b".repeat(22)),
            HexFormat.of().parseHex("000102030405060708090a0b0c"),
            HexFormat.of().parseHex("f0f1f2f3f4f5f6f7f8f9"),
            42);
    assertThat(HexFormat.of().formatHex(derived))
        .isEqualTo(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  }

  /** Written against the description of the format, not against the code. */
  @Test
  void canBeReadByWhoeverKnowsTheFormat() throws Exception {
    byte[] content = content(SEGMENT + 100);
    Message<byte[]> checked = checkedIn(spec -> spec.encrypt(secrets), content, 0);
    assertThat(stored()).hasSize(32 + SEGMENT + 16 + 100 + 16);
    ByteBuffer in = ByteBuffer.wrap(stored());
    byte[] salt = new byte[32];
    in.get(salt);
    String info = "sluice payload;c1;" + claim(checked).key();
    byte[] okm = PayloadCipher.hkdf(secret(7), salt, info.getBytes(StandardCharsets.US_ASCII), 39);
    ByteArrayOutputStream plain = new ByteArrayOutputStream();
    for (int i = 0; i < 2; i++) {
      ByteBuffer nonce = ByteBuffer.allocate(12).put(okm, 32, 7).putInt(i).put((byte) i);
      Cipher gcm = Cipher.getInstance("AES/GCM/NoPadding");
      gcm.init(
          Cipher.DECRYPT_MODE,
          new SecretKeySpec(okm, 0, 32, "AES"),
          new GCMParameterSpec(128, nonce.array()));
      byte[] segment = new byte[Math.min(in.remaining(), SEGMENT + 16)];
      in.get(segment);
      plain.writeBytes(gcm.doFinal(segment));
    }
    assertThat(plain.toByteArray()).isEqualTo(content);
  }

  @Test
  void theSamePayloadIsNeverTheSameInTheStore() {
    checkedIn(spec -> spec.encrypt(secrets), new byte[100], 0);
    checkedIn(spec -> spec.encrypt(secrets), new byte[100], 0);
    List<byte[]> both = new ArrayList<>(shelf.payloads.values());
    assertThat(both).hasSize(2);
    assertThat(Arrays.copyOfRange(both.get(0), 32, 148))
        .isNotEqualTo(Arrays.copyOfRange(both.get(1), 32, 148));
    PayloadKey key = PayloadKey.next(START);
    assertThat(encrypted(key, new byte[100])).isNotEqualTo(encrypted(key, new byte[100]));
  }

  private byte[] encrypted(PayloadKey key, byte[] content) {
    return join(
        Transform.over(
            chunks(content, 1000), () -> PayloadCipher.encrypting(secrets.signing(), key)));
  }

  /** What comes out of bytes, and the error at their end. */
  private Read decrypted(PayloadKey key, byte[] stored) {
    return read(stored, () -> PayloadCipher.decrypting(secrets.signing(), key));
  }

  private record Read(byte[] bytes, @Nullable Throwable error) {}

  private static Read read(byte[] stored, Supplier<Transform> transform) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Throwable error =
        Transform.over(chunks(stored, 1000), transform)
            .doOnNext(buffer -> append(out, buffer))
            .then(Mono.<Throwable>empty())
            .onErrorResume(Mono::just)
            .block(PATIENCE);
    return new Read(out.toByteArray(), error);
  }

  /** Nothing of a segment that is not right comes out, whatever digest a claim may have. */
  @Test
  void segmentsThatWereTouchedAreRefused() {
    PayloadKey key = PayloadKey.next(START);
    byte[] content = content(2 * SEGMENT + 50);
    byte[] stored = encrypted(key, content);
    int each = SEGMENT + 16;
    assertThat(decrypted(key, stored).bytes()).isEqualTo(content);

    assertRefusedAfter(0, key, content, changed(stored, bytes -> bytes[31] ^= 1)); // the salt
    assertRefusedAfter(0, key, content, changed(stored, bytes -> bytes[32] ^= 1));
    assertRefusedAfter(1, key, content, changed(stored, bytes -> bytes[32 + each] ^= 1));
    assertRefusedAfter(2, key, content, changed(stored, bytes -> bytes[bytes.length - 1] ^= 1));
    // the end is missing: in a segment, between segments, all of it
    assertRefusedAfter(2, key, content, Arrays.copyOf(stored, stored.length - 1));
    assertRefusedAfter(1, key, content, Arrays.copyOf(stored, 32 + 2 * each));
    assertRefusedAfter(0, key, content, Arrays.copyOf(stored, 32));
    assertRefusedAfter(0, key, content, Arrays.copyOf(stored, 31));
    assertRefusedAfter(0, key, content, new byte[0]);
    // one too many, one left out, two exchanged
    assertRefusedAfter(2, key, content, Arrays.copyOf(stored, stored.length + 10));
    assertRefusedAfter(0, key, content, moved(stored, 32 + each, 32, stored.length - 32 - each));
    byte[] exchanged = moved(stored, 32 + each, 32, each);
    System.arraycopy(stored, 32, exchanged, 32 + each, each);
    assertRefusedAfter(0, key, content, exchanged);
    // that of another payload
    assertRefusedAfter(0, PayloadKey.next(START), content, stored);
  }

  private void assertRefusedAfter(int segments, PayloadKey key, byte[] content, byte[] stored) {
    Read read = decrypted(key, stored);
    assertThat(why(Objects.requireNonNull(read.error()))).isEqualTo(Reason.CORRUPTED);
    assertThat(read.bytes()).isEqualTo(Arrays.copyOf(content, segments * SEGMENT));
  }

  private static byte[] changed(byte[] stored, Consumer<byte[]> change) {
    byte[] copy = stored.clone();
    change.accept(copy);
    return copy;
  }

  private static byte[] moved(byte[] stored, int from, int to, int length) {
    byte[] copy = Arrays.copyOf(stored, length < SEGMENT + 16 ? to + length : stored.length);
    System.arraycopy(stored, from, copy, to, length);
    return copy;
  }

  @Test
  void secretsRotate() {
    Message<byte[]> old = checkedIn(spec -> spec.encrypt(secrets), content(10), 0);
    secrets.rotate("c2", secret(8));
    Message<byte[]> young = checkedIn(spec -> spec.encrypt(secrets), content(10), 0);
    assertThat(claim(young).cipherKey()).isEqualTo("c2");
    Redeemer redeemer = redeemer(spec -> spec.decrypt(secrets));
    for (Message<byte[]> message : List.of(old, young)) {
      StepVerifier.create(redeemer.redeem(message))
          .expectNextCount(1)
          .expectComplete()
          .verify(PATIENCE);
    }
    secrets.retire("c1", START);
    shelf.asked.set(0);
    assertRefused(redeemer, old, Reason.RETIRED_KEY);
    assertRefused(redeemer(), young, Reason.UNKNOWN_KEY);
    Keyring other = Keyring.of("other", secret(8));
    assertRefused(redeemer(spec -> spec.decrypt(other)), young, Reason.UNKNOWN_KEY);
    assertThat(shelf.asked).hasValue(0);
    Keyring impostor = Keyring.of("c2", secret(9));
    assertRefused(redeemer(spec -> spec.decrypt(impostor)), young, Reason.CORRUPTED);
  }

  // == compression ==

  /** Or a reader could not tell it from an attack. */
  @Test
  void whatWouldBecomeTooSmallIsCompressedLess() {
    int size = 48 * 1024 * 1024;
    ByteBuffer zeros = ByteBuffer.allocate(1024 * 1024);
    Flux<ByteBuffer> body = Flux.range(0, 48).map(i -> zeros.duplicate());
    Checker checker = checker(spec -> spec.threshold(0).compress());
    Message<byte[]> checked =
        Objects.requireNonNull(checker.check(Message.of(body)).block(PATIENCE));
    assertThat(Deflate.mayBe(size, claim(checked).stored())).isTrue();
    assertThat(stored().length).isLessThan(size / 50);
    StepVerifier.create(redeemer().open(checked).payload().content().reduce(0, CodingTest::plus))
        .expectNext(size)
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void aClaimOfAnImpossibleRatioIsRefusedBeforeTheStoreIsAsked() {
    Message<byte[]> bomb = carrying(sign(1_000_000_000, new byte[1000]));
    shelf.asked.set(0);
    assertThatThrownBy(() -> redeemer().open(bomb))
        .satisfies(error -> assertThat(why(error)).isEqualTo(Reason.TOO_LARGE));
    assertThat(shelf.asked).hasValue(0);
  }

  @Test
  void nothingIsReadFarBehindTheSizeInTheClaim() {
    byte[] bomb = deflated(new byte[10_000_000]);
    AtomicLong read = new AtomicLong();
    StepVerifier.create(
            redeemer()
                .open(carrying(sign(1000, bomb)))
                .payload()
                .content()
                .doOnNext(buffer -> read.addAndGet(buffer.remaining()))
                .then())
        .expectErrorSatisfies(error -> assertThat(error).hasMessageContaining("more than 1000"))
        .verify(PATIENCE);
    assertThat(read).hasValue(0);
    assertRefused(redeemer(), carrying(sign(10_000_001, bomb)), Reason.CORRUPTED);
  }

  /** The claim of bytes that are put on the shelf, as one who has the secret could make it. */
  private String sign(long size, byte[] stored) {
    PayloadKey key = PayloadKey.next(START.plusSeconds(60));
    shelf.payloads.put(key, stored);
    Digest digest = new Digest();
    digest.add(ByteBuffer.wrap(stored));
    return new ClaimSigner(keys)
        .sign(new Claim("images", key, size, stored.length, digest.end(), true, null, "default"));
  }

  private static byte[] deflated(byte[] content) {
    Deflater deflater = new Deflater();
    try {
      deflater.setInput(content);
      deflater.finish();
      byte[] out = new byte[content.length + 100];
      return Arrays.copyOf(out, deflater.deflate(out));
    } finally {
      deflater.end();
    }
  }

  @Test
  void whatIsNotDeflateIsRefused() {
    PayloadKey key = PayloadKey.next(START);
    byte[] content = content(3 * SEGMENT);
    byte[] good = deflated(content);
    assertThat(read(good, () -> new Inflate(key)).bytes()).isEqualTo(content);
    assertNotDeflate(Arrays.copyOf(good, good.length - 1));
    assertNotDeflate(Arrays.copyOf(good, good.length / 2));
    assertNotDeflate(Arrays.copyOf(good, good.length + 1));
    assertNotDeflate(Arrays.copyOf(good, good.length + 5000));
    assertNotDeflate(new byte[100]);
    assertNotDeflate(new byte[0]);
    assertNotDeflate(changed(good, bytes -> bytes[good.length - 1] ^= 1)); // the checksum
  }

  private static void assertNotDeflate(byte[] stored) {
    PayloadKey key = PayloadKey.next(START);
    Read read = read(stored, () -> new Inflate(key));
    assertThat(why(Objects.requireNonNull(read.error()))).isEqualTo(Reason.CORRUPTED);
  }

  // == streams ==

  /** Doubles every byte; says whether it was released, and whether while it was at work. */
  private static final class Doubling extends Transform {
    final AtomicInteger releases = new AtomicInteger();
    Runnable meanwhile = () -> {};
    boolean working;
    boolean releasedAtWork;
    @Nullable ByteBuffer out;

    @Override
    void take(ByteBuffer bytes) {
      out = ByteBuffer.allocate(2 * bytes.remaining()).put(bytes.duplicate()).put(bytes).flip();
    }

    @Override
    void finish() {}

    @Override
    @Nullable ByteBuffer next() {
      working = true;
      meanwhile.run();
      ByteBuffer result = out;
      out = null;
      working = false;
      return result;
    }

    @Override
    void release() {
      releasedAtWork |= working;
      releases.incrementAndGet();
    }
  }

  @Test
  void takesNoMoreThanIsAskedFor() {
    TestPublisher<ByteBuffer> source = TestPublisher.create();
    Doubling doubling = new Doubling();
    StepVerifier.create(Transform.over(source.flux(), () -> doubling), 0)
        .thenRequest(1)
        .then(() -> source.assertMinRequested(1).next(ByteBuffer.allocate(3 * SEGMENT)))
        .expectNextMatches(buffer -> buffer.remaining() == 2 * SEGMENT)
        .then(() -> assertThat(doubling.releases).hasValue(0))
        .thenRequest(2)
        .expectNextCount(2)
        .then(source::complete)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(doubling.releases).hasValue(1);
  }

  /** What a cancel from another thread may meet. */
  @Test
  void isReleasedOnceAndNotBeforeItsWorkIsDone() {
    Doubling doubling = new Doubling();
    BaseSubscriber<ByteBuffer> reader = new BaseSubscriber<>() {};
    doubling.meanwhile = reader::dispose;
    Transform.over(Flux.just(ByteBuffer.allocate(10), ByteBuffer.allocate(10)), () -> doubling)
        .subscribe(reader);
    assertThat(reader.isDisposed()).isTrue();
    assertThat(doubling.releases).hasValue(1);
    assertThat(doubling.releasedAtWork).isFalse();
  }

  @Test
  void isReleasedOnceWhenItIsCancelledBetween() {
    Doubling doubling = new Doubling();
    StepVerifier.create(
            Transform.over(
                Flux.just(ByteBuffer.allocate(10)).concatWith(Mono.never()), () -> doubling))
        .expectNextCount(1)
        .thenCancel()
        .verify(PATIENCE);
    assertThat(doubling.releases).hasValue(1);
  }

  private static byte[] join(Flux<ByteBuffer> buffers) {
    return Objects.requireNonNull(
            buffers.collect(ByteArrayOutputStream::new, CodingTest::append).block(PATIENCE))
        .toByteArray();
  }

  private static void append(ByteArrayOutputStream out, ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    out.writeBytes(bytes);
  }
}
