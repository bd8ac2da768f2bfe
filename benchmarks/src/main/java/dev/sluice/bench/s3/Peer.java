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
package dev.sluice.bench.s3;

import dev.sluice.claim.Checker;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.Redeemer;
import dev.sluice.embedded.EmbeddedS3;
import dev.sluice.message.Message;
import dev.sluice.s3.S3PayloadStore;
import java.net.URI;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3AsyncClientBuilder;

/** Who stores a payload and reads it. */
abstract class Peer {

  static final int PART = 8 * 1024 * 1024;

  private final String name;

  private Peer(String name) {
    this.name = name;
  }

  /** Stores a payload, and gives what {@link #get} wants. */
  abstract Mono<Object> put(Flux<ByteBuffer> content, long size);

  abstract Flux<ByteBuffer> get(Object stored);

  abstract Mono<Void> delete(Object stored);

  @Override
  public String toString() {
    return name;
  }

  /**
   * The client itself: one request for each payload.
   *
   * @param digests whether the digest is computed on the way in and verified on the way out, as one
   *     writes that by hand
   */
  static Peer bare(URI server, boolean digests) {
    S3AsyncClient client = client(server, c -> c);
    return new Bare(digests ? "bare" : "bare, no digest", digests, client, client);
  }

  /**
   * The client's own multipart uploads, in parts of the same size, with the digest. It reads like
   * the other: reading by parts is more than the server can.
   */
  static Peer multipart(URI server) {
    return new Bare(
        "bare, in parts",
        true,
        client(
            server,
            c ->
                c.multipartEnabled(true)
                    .multipartConfiguration(
                        parts ->
                            parts
                                .minimumPartSizeInBytes((long) PART)
                                .thresholdInBytes((long) PART))),
        client(server, c -> c));
  }

  /** Check in and redeem, the digest computed and verified. */
  static Peer claims(URI server) {
    S3PayloadStore store =
        S3PayloadStore.create(
            "s3", ServerMain.BUCKET, client(server, c -> c), s -> s.partSize(PART));
    return new Claims(store, Keyring.of("k1", new byte[32]));
  }

  private static S3AsyncClient client(URI server, UnaryOperator<S3AsyncClientBuilder> more) {
    return more.apply(S3PayloadStore.clientBuilder())
        .endpointOverride(server)
        .region(Region.of(EmbeddedS3.REGION))
        .forcePathStyle(true)
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(EmbeddedS3.ACCESS_KEY, EmbeddedS3.SECRET_KEY)))
        .build();
  }

  private static final class Bare extends Peer {

    private final boolean digests;
    private final S3AsyncClient writer;
    private final S3AsyncClient reader;

    private record Stored(String key, @Nullable ByteBuffer sha256) {}

    Bare(String name, boolean digests, S3AsyncClient writer, S3AsyncClient reader) {
      super(name);
      this.digests = digests;
      this.writer = writer;
      this.reader = reader;
    }

    @Override
    Mono<Object> put(Flux<ByteBuffer> content, long size) {
      String key = "bare/" + UUID.randomUUID();
      MessageDigest digest = sha256();
      Flux<ByteBuffer> body =
          digests ? content.doOnNext(buffer -> digest.update(buffer.duplicate())) : content;
      return Mono.fromFuture(
              () ->
                  writer.putObject(
                      put -> put.bucket(ServerMain.BUCKET).key(key).contentLength(size),
                      AsyncRequestBody.fromPublisher(body)))
          .map(response -> new Stored(key, digests ? ByteBuffer.wrap(digest.digest()) : null));
    }

    @Override
    Flux<ByteBuffer> get(Object stored) {
      MessageDigest digest = sha256();
      ByteBuffer expected = ((Stored) stored).sha256();
      Flux<ByteBuffer> content =
          Mono.fromFuture(
                  () ->
                      reader.getObject(
                          get -> get.bucket(ServerMain.BUCKET).key(((Stored) stored).key()),
                          AsyncResponseTransformer.toPublisher()))
              .flatMapMany(bytes -> bytes);
      return expected == null
          ? content
          : content
              .doOnNext(buffer -> digest.update(buffer.duplicate()))
              .doOnComplete(
                  () -> {
                    if (!ByteBuffer.wrap(digest.digest()).equals(expected)) {
                      throw new IllegalStateException("another digest");
                    }
                  });
    }

    private static MessageDigest sha256() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    Mono<Void> delete(Object stored) {
      return Mono.fromFuture(
              () ->
                  writer.deleteObject(
                      delete -> delete.bucket(ServerMain.BUCKET).key(((Stored) stored).key())))
          .then();
    }
  }

  private static final class Claims extends Peer {

    private final Checker checker;
    private final Redeemer redeemer;

    Claims(S3PayloadStore store, Keyring keys) {
      super("claim check");
      checker = ClaimCheck.checker(store, keys, c -> c);
      redeemer = ClaimCheck.redeemer(store, keys, r -> r);
    }

    @Override
    Mono<Object> put(Flux<ByteBuffer> content, long size) {
      Publisher<ByteBuffer> payload = content;
      return checker.check(Message.of(payload)).cast(Object.class);
    }

    @Override
    Flux<ByteBuffer> get(Object stored) {
      return redeemer.open((Message<?>) stored).payload().content();
    }

    @Override
    Mono<Void> delete(Object stored) {
      return checker.withdraw((Message<?>) stored);
    }
  }
}
