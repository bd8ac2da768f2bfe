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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.contract.PayloadStoreContract;
import dev.sluice.embedded.EmbeddedS3;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/** The contract of payload stores, and what is special about S3, against a real server. */
class S3PayloadStoreTest extends PayloadStoreContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final S3PayloadStore store = Bench.store(Bench.client(), s -> s);

  @Override
  protected PayloadStore store() {
    return store;
  }

  @Override
  protected int partSize() {
    return S3Spec.MIN_PART_SIZE;
  }

  @Override
  protected boolean holdsUnfinished(PayloadKey key) {
    return Bench.isBeingUploaded(key);
  }

  /** However a put ended. */
  @AfterEach
  void givesAllMemoryBack() {
    Boolean back =
        Mono.fromSupplier(() -> store.budget().free() == store.spec().memory())
            .filter(all -> all)
            .repeatWhenEmpty(again -> again.delayElements(Duration.ofMillis(20)))
            .block(PATIENCE);
    assertThat(back).isTrue();
  }

  @Test
  void abortsWhatAKilledProcessHasLeft() {
    PayloadKey key = key();
    String object = store.objectKey(key);
    Bench.client().createMultipartUpload(c -> c.bucket(Bench.BUCKET).key(object)).join();
    assertThat(Bench.isBeingUploaded(key)).isTrue();
    StepVerifier.create(store.abandonUnfinished(Instant.now().minus(Duration.ofHours(1))))
        .expectNext(0L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(Bench.isBeingUploaded(key)).isTrue(); // somebody may be at it
    StepVerifier.create(store.abandonUnfinished(Instant.now().plusSeconds(60)))
        .assertNext(count -> assertThat(count).isGreaterThanOrEqualTo(1))
        .expectComplete()
        .verify(PATIENCE);
    assertThat(Bench.isBeingUploaded(key)).isFalse();
  }

  @Test
  void storesKeepTheirPrefixesApart() {
    S3PayloadStore other = Bench.store(Bench.client(), s -> s.prefix("other/claims"));
    PayloadKey key = PayloadKey.next(Instant.parse("2003-01-01T00:00:00Z"));
    other.put(key, Mono.just(ByteBuffer.allocate(1)), PutOptions.defaults()).block(PATIENCE);
    StepVerifier.create(store.stat(key)).expectComplete().verify(PATIENCE);
    StepVerifier.create(
            store.expired(Instant.parse("2003-01-01T00:00:01Z"), 1000).filter(key::equals))
        .expectComplete()
        .verify(PATIENCE);
    StepVerifier.create(other.expired(Instant.parse("2003-01-01T00:00:01Z"), 1000))
        .expectNext(key)
        .expectComplete()
        .verify(PATIENCE);
    other.delete(key).block(PATIENCE);
  }

  @Test
  void presignsWhatAnybodyCanRead() throws Exception {
    PayloadKey key = key();
    store
        .put(
            key,
            Mono.just(ByteBuffer.wrap("image".getBytes(StandardCharsets.UTF_8))),
            PutOptions.defaults())
        .block(PATIENCE);
    try (S3Presigner presigner =
        S3Presigner.builder()
            .endpointOverride(Bench.server().endpoint())
            .region(Region.of(EmbeddedS3.REGION))
            .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build())
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(EmbeddedS3.ACCESS_KEY, EmbeddedS3.SECRET_KEY)))
            .build()) {
      HttpURLConnection reading =
          (HttpURLConnection)
              store.presign(presigner, key, Duration.ofMinutes(1)).toURL().openConnection();
      assertThat(reading.getInputStream().readAllBytes())
          .isEqualTo("image".getBytes(StandardCharsets.UTF_8));
    }
  }

  @Test
  void tellsWhatMayPassFromWhatWillNot() {
    S3PayloadStore nowhere = S3PayloadStore.create("s3", "no-such-bucket", Bench.client(), s -> s);
    StepVerifier.create(
            nowhere.put(key(), Mono.just(ByteBuffer.allocate(1)), PutOptions.defaults()))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, failed -> assertThat(failed.isTemporary()).isFalse()))
        .verify(PATIENCE);
    // The client may miss that its first connection is refused, and then waits for this timeout.
    Duration acquisitionTimeout = Duration.ofMillis(500);
    try (S3AsyncClient deaf = Bench.client(URI.create("http://127.0.0.1:1"), acquisitionTimeout)) {
      StepVerifier.create(Bench.store(deaf, s -> s).stat(key()))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOfSatisfying(
                          StoreFailed.class, failed -> assertThat(failed.isTemporary()).isTrue()))
          .verify(PATIENCE);
    }
  }

  @Test
  void refusesOptionsThatAreOutOfRange() {
    refuses("partSize: 5242879 (expected: 5242880..536870912)", 5_242_879, 64);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> S3PayloadStore.create("s3", "bucket", Bench.client(), s -> s.memory(1_000_000)))
        .withMessage("memory: 1000000 (expected: >= partSize, 8388608)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> S3PayloadStore.create("s3", "bucket", Bench.client(), s -> s.prefix("../x")))
        .withMessage("prefix: \"../x\" (expected: 1..200 of a-z, 0-9, '-', '_', and '/' between)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> S3PayloadStore.create("S3", "bucket", Bench.client(), s -> s));
  }

  private static void refuses(String message, int partSize, int memory) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Objects.requireNonNull(
                    S3PayloadStore.create(
                        "s3", "bucket", Bench.client(), s -> s.partSize(partSize).memory(memory))))
        .withMessage(message);
  }

  private static PayloadKey key() {
    return PayloadKey.next(Instant.now().plus(Duration.ofDays(1)));
  }
}
