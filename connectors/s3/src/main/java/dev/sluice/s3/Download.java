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
import dev.sluice.store.StoreFailed;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.retry.Retry;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * One payload on its way out of S3. When a connection breaks or falls silent it goes on with the
 * next byte on another one, of the same object.
 */
final class Download {

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final S3PayloadStore store;
  private final S3Spec spec;
  private final PayloadKey key;
  private final ByteRange range;

  /* One attempt after the other: written by the signals of one, read by the next. */
  private final AtomicLong at;
  private volatile long end = -1; // the byte behind the last; -1: not known yet
  private volatile @Nullable String tag;

  private Download(S3PayloadStore store, PayloadKey key, ByteRange range) {
    this.store = store;
    this.spec = store.spec();
    this.key = key;
    this.range = range;
    this.at = new AtomicLong(range.offset());
  }

  static Flux<ByteBuffer> get(S3PayloadStore store, PayloadKey key, ByteRange range) {
    return Flux.defer(() -> new Download(store, key, range).read());
  }

  private Flux<ByteBuffer> read() {
    return Flux.defer(this::attempt)
        .onErrorMap(error -> Failures.ofReading(store.name(), key, error))
        .retryWhen(
            Retry.backoff(spec.resumes(), FIRST_PAUSE)
                .maxBackoff(LONGEST_PAUSE)
                .transientErrors(true) // every byte starts the count again
                .scheduler(spec.timer())
                .filter(error -> error instanceof StoreFailed failed && failed.isTemporary())
                .onRetryExhaustedThrow((retry, signal) -> signal.failure()));
  }

  private Flux<ByteBuffer> attempt() {
    if (end >= 0 && at.get() >= end) {
      return Flux.empty();
    }
    Silence silence = new Silence();
    return new ObjectStream(store.client(), request(), this::answered)
        .doOnRequest(silence::asked)
        .doOnNext(buffer -> silence.broken())
        .takeUntilOther(silence.tooLong())
        // Behind the step that serializes: what an alarm has cut off was not received.
        .doOnNext(buffer -> at.addAndGet(buffer.remaining()))
        .concatWith(Mono.defer(this::requireWhole))
        .onErrorResume(Failures::isBehindTheEnd, error -> Flux.empty());
  }

  private GetObjectRequest request() {
    GetObjectRequest.Builder request =
        GetObjectRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .ifMatch(tag); // null at first
    if (at.get() > 0 || !range.isOpen()) {
      String last = range.isOpen() ? "" : Long.toString(range.offset() + range.length() - 1);
      request.range("bytes=" + at + '-' + last);
    }
    return request.build();
  }

  private void answered(GetObjectResponse response) {
    tag = response.eTag();
    if (end < 0) {
      end = at.get() + response.contentLength();
    }
  }

  private Mono<ByteBuffer> requireWhole() {
    return at.get() < end
        ? Mono.error(
            StoreFailed.temporary(store.name(), key + " ended at byte " + at + " of " + end, null))
        : Mono.empty();
  }

  /**
   * Notices when nothing comes although it was asked for. A subscriber that asks for nothing may
   * take its time, so this is not a {@code timeout}.
   */
  private final class Silence {

    private static final long TICKS = 4;

    private final AtomicLong open = new AtomicLong();
    private volatile long since = spec.timer().now(TimeUnit.NANOSECONDS);

    void asked(long n) {
      if (open.getAndUpdate(m -> Operators.addCap(m, n)) == 0) {
        since = spec.timer().now(TimeUnit.NANOSECONDS);
      }
    }

    void broken() {
      since = spec.timer().now(TimeUnit.NANOSECONDS);
      open.getAndUpdate(m -> m == Long.MAX_VALUE ? m : m - 1);
    }

    /** Fails; or completes if only the end did not come, which the client forgets at times. */
    Mono<Void> tooLong() {
      return Mono.delay(spec.idleTimeout().dividedBy(TICKS), spec.timer())
          .then(Mono.defer(this::judge))
          .repeat()
          .then();
    }

    private Mono<Void> judge() {
      boolean idle =
          open.get() > 0
              && spec.timer().now(TimeUnit.NANOSECONDS) - since >= spec.idleTimeout().toNanos();
      if (!idle) {
        return Mono.empty();
      }
      return Mono.error(
          StoreFailed.temporary(
              store.name(),
              "nothing of " + key + " behind byte " + at + " for " + spec.idleTimeout(),
              null));
    }
  }
}
