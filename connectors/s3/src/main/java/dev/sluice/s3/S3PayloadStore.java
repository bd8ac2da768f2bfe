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

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoredPayload;
import dev.sluice.time.Times;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3AsyncClientBuilder;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsRequest;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Payloads as objects of one bucket. Thread-safe.
 *
 * <p>What fits into a part is stored at once, more than that as a multipart upload that is aborted
 * when it fails or is cancelled. A key is written once ({@code If-None-Match}). Reading goes on
 * with the next byte on another connection when one breaks or falls silent ({@code Range}, {@code
 * If-Match}).
 *
 * <p>Memory: for storing at most {@link S3Spec#memory}, all payloads together, kept to be used
 * again; for reading what the client's connections buffer.
 *
 * <p>The client belongs to the application, which closes it when nothing is being stored or read
 * any more. {@link #clientBuilder} begins one that fits.
 */
public final class S3PayloadStore implements PayloadStore {

  private final String name;
  private final String bucket;
  private final S3AsyncClient client;
  private final S3Spec spec;
  private final MemoryBudget budget;
  private final Slabs slabs;

  private S3PayloadStore(String name, String bucket, S3AsyncClient client, S3Spec spec) {
    this.name = PayloadStore.requireName(name);
    this.bucket = Objects.requireNonNull(bucket, "bucket");
    this.client = Objects.requireNonNull(client, "client");
    this.spec = spec.check();
    this.budget = new MemoryBudget(spec.memory());
    this.slabs = new Slabs(spec.memory());
  }

  /**
   * A store.
   *
   * @param name what it is called in claims
   * @param bucket where its objects are; it must exist
   * @param client talks to S3
   * @param spec the options, from defaults: the prefix {@code claims}, parts of 8 MiB, 64 MiB of
   *     memory
   * @throws IllegalArgumentException if an option is out of range
   */
  public static S3PayloadStore create(
      String name, String bucket, S3AsyncClient client, UnaryOperator<S3Spec> spec) {
    return new S3PayloadStore(
        name, bucket, client, Objects.requireNonNull(spec.apply(S3Spec.DEFAULT), "spec"));
  }

  /**
   * Begins a client that fits: on Netty, which reads no further than it is asked to, and without
   * the checksums that the SDK computes by default, which copy every payload once more and which
   * other servers than that of AWS may refuse. A claim has a digest of its own, and {@link
   * S3Spec#checksum} asks for one where it is wanted.
   */
  public static S3AsyncClientBuilder clientBuilder() {
    return S3AsyncClient.builder()
        .httpClientBuilder(NettyNioAsyncHttpClient.builder())
        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(body, "body");
    Objects.requireNonNull(options, "options");
    return Upload.put(this, key, body, options);
  }

  @Override
  public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(range, "range");
    return Download.get(this, key, range);
  }

  @Override
  public Mono<StoredPayload> stat(PayloadKey key) {
    Objects.requireNonNull(key, "key");
    return head(key)
        .map(head -> new StoredPayload(key, head.contentLength(), head.contentType()))
        .onErrorMap(error -> Failures.of(name, error));
  }

  /** What is known of an object, or empty. */
  Mono<HeadObjectResponse> head(PayloadKey key) {
    HeadObjectRequest request =
        HeadObjectRequest.builder().bucket(bucket).key(objectKey(key)).build();
    return Mono.fromFuture(() -> client.headObject(request)).onErrorComplete(Failures::isMissing);
  }

  @Override
  public Mono<Void> delete(PayloadKey key) {
    DeleteObjectRequest request =
        DeleteObjectRequest.builder().bucket(bucket).key(objectKey(key)).build();
    return Mono.fromFuture(() -> client.deleteObject(request))
        .then()
        .onErrorComplete(Failures::isMissing)
        .onErrorMap(error -> Failures.of(name, error));
  }

  /** In the order of the keys, which is that of their expiry, so it reads what it gives. */
  @Override
  public Flux<PayloadKey> expired(Instant before, int limit) {
    Objects.requireNonNull(before, "before");
    if (limit < 1) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
    }
    ListObjectsV2Request request =
        ListObjectsV2Request.builder().bucket(bucket).prefix(spec.prefix() + '/').build();
    return Flux.defer(() -> Flux.from(client.listObjectsV2Paginator(request)))
        .concatMapIterable(page -> page.contents(), 1)
        .<PayloadKey>handle(
            (object, sink) -> {
              PayloadKey key = keyOf(object);
              if (key != null) {
                sink.next(key);
              }
            })
        .takeWhile(key -> key.expiresAt().isBefore(before))
        .take(limit)
        .onErrorMap(error -> Failures.of(name, error));
  }

  private @Nullable PayloadKey keyOf(S3Object object) {
    String key = object.key();
    String prefix = spec.prefix() + '/';
    return key.startsWith(prefix) ? PayloadKey.parseOrNull(key.substring(prefix.length())) : null;
  }

  /** Aborts multipart uploads under the prefix, which a killed process has left. */
  @Override
  public Mono<Long> abandonUnfinished(Instant before) {
    Objects.requireNonNull(before, "before");
    ListMultipartUploadsRequest request =
        ListMultipartUploadsRequest.builder().bucket(bucket).prefix(spec.prefix() + '/').build();
    return Flux.defer(() -> Flux.from(client.listMultipartUploadsPaginator(request)))
        .concatMapIterable(page -> page.uploads(), 1)
        .filter(upload -> upload.initiated().isBefore(before))
        .concatMap(this::abort, 1)
        .count()
        .onErrorMap(error -> Failures.of(name, error));
  }

  private Mono<Boolean> abort(MultipartUpload upload) {
    AbortMultipartUploadRequest request =
        AbortMultipartUploadRequest.builder()
            .bucket(bucket)
            .key(upload.key())
            .uploadId(upload.uploadId())
            .build();
    return Mono.fromFuture(() -> client.abortMultipartUpload(request))
        .map(response -> true)
        .onErrorComplete(Failures::isMissing);
  }

  /**
   * Has S3 itself remove what is left under the prefix, in case nobody sweeps: uploads a day after
   * they were begun, and payloads when even the one that is kept longest has expired. Other rules
   * of the bucket stay as they are. A backstop and not the means: S3 rounds to days and may be
   * late.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the rule is there, also when it was; fails with {@link
   *       dev.sluice.store.StoreFailed}, not temporary where the server knows no such rules
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on threads of the client
   * </dl>
   *
   * @param longestTtl the longest time to live of a claim, as of {@code ClaimSpec.ttl}; 1 s to 3650
   *     days
   * @throws IllegalArgumentException if it is out of range
   */
  public Mono<Void> ensureLifecycle(Duration longestTtl) {
    Times.between("longestTtl", longestTtl, Duration.ofSeconds(1), Times.LONGEST_RETENTION);
    return new Lifecycle(client, bucket, spec.prefix(), longestTtl)
        .ensure()
        .onErrorMap(error -> Failures.of(name, error));
  }

  /**
   * An address under which anybody can read a payload for a while, without credentials and without
   * a claim: give it to whom you would give the payload.
   *
   * @param presigner signs for the same server as the client
   * @param ttl how long, more than zero and at most what S3 allows, 7 days
   */
  public URI presign(S3Presigner presigner, PayloadKey key, Duration ttl) {
    try {
      return presigner
          .presignGetObject(
              presign ->
                  presign
                      .signatureDuration(ttl)
                      .getObjectRequest(get -> get.bucket(bucket).key(objectKey(key))))
          .url()
          .toURI();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("the presigner made what is no address", e);
    }
  }

  String bucket() {
    return bucket;
  }

  String objectKey(PayloadKey key) {
    return spec.prefix() + '/' + key;
  }

  S3AsyncClient client() {
    return client;
  }

  S3Spec spec() {
    return spec;
  }

  MemoryBudget budget() {
    return budget;
  }

  Slabs slabs() {
    return slabs;
  }
}
