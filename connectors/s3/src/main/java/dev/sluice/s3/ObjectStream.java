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

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * The bytes of one answer. The connection belongs to the subscriber from the beginning, so whenever
 * it cancels, the connection is given back; the client's own publisher has a moment in between in
 * which it belongs to nobody.
 */
final class ObjectStream extends Flux<ByteBuffer> {

  private final S3AsyncClient client;
  private final GetObjectRequest request;
  private final Consumer<GetObjectResponse> onResponse;

  ObjectStream(
      S3AsyncClient client, GetObjectRequest request, Consumer<GetObjectResponse> onResponse) {
    this.client = client;
    this.request = request;
    this.onResponse = onResponse;
  }

  @Override
  public void subscribe(CoreSubscriber<? super ByteBuffer> actual) {
    Reader reader = new Reader(actual, onResponse);
    actual.onSubscribe(reader);
    reader.start(client, request);
  }

  /**
   * Between the client and the subscriber. Demand and a cancel are kept until the bytes begin.
   *
   * <p>The end may come from three sides: from the bytes, from the transformer when they break, and
   * from the request when it never came to bytes. The first one counts. The subscriber behind is
   * one that serializes, because an end from another side may meet a byte.
   */
  private static final class Reader extends Operators.DeferredSubscription
      implements CoreSubscriber<ByteBuffer> {

    private final CoreSubscriber<? super ByteBuffer> actual;
    private final Consumer<GetObjectResponse> onResponse;
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile boolean cancelled;
    private volatile @Nullable CompletableFuture<Void> asking;

    Reader(CoreSubscriber<? super ByteBuffer> actual, Consumer<GetObjectResponse> onResponse) {
      this.actual = actual;
      this.onResponse = onResponse;
    }

    void start(S3AsyncClient client, GetObjectRequest request) {
      if (cancelled) {
        return;
      }
      CompletableFuture<Void> future;
      try {
        future = client.getObject(request, new Transformer(this, onResponse));
      } catch (RuntimeException e) {
        onError(e);
        return;
      }
      asking = future;
      if (cancelled) {
        future.cancel(true);
      }
      var unused =
          future.whenComplete(
              (nothing, error) -> {
                if (error != null && !cancelled) {
                  onError(
                      error instanceof CompletionException && error.getCause() != null
                          ? error.getCause()
                          : error);
                }
              });
    }

    @Override
    public void cancel() {
      cancelled = true;
      super.cancel();
      CompletableFuture<Void> future = asking;
      if (future != null) {
        future.cancel(true);
      }
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      set(subscription);
    }

    @Override
    public void onNext(ByteBuffer buffer) {
      actual.onNext(buffer);
    }

    @Override
    public void onError(Throwable error) {
      if (ended.compareAndSet(false, true)) {
        actual.onError(error);
      }
    }

    @Override
    public void onComplete() {
      if (ended.compareAndSet(false, true)) {
        actual.onComplete();
      }
    }

    @Override
    public Context currentContext() {
      return actual.currentContext();
    }
  }

  /** Hands the bytes of the answer to the reader; one attempt of the client after the other. */
  private static final class Transformer
      implements AsyncResponseTransformer<GetObjectResponse, Void> {

    private final Reader reader;
    private final Consumer<GetObjectResponse> onResponse;
    private volatile CompletableFuture<Void> streaming = new CompletableFuture<>();

    Transformer(Reader reader, Consumer<GetObjectResponse> onResponse) {
      this.reader = reader;
      this.onResponse = onResponse;
    }

    @Override
    public CompletableFuture<Void> prepare() {
      CompletableFuture<Void> attempt = new CompletableFuture<>();
      streaming = attempt;
      return attempt;
    }

    @Override
    public void onResponse(GetObjectResponse response) {
      onResponse.accept(response);
    }

    /** From here on the client does not try again by itself: the bytes may have gone on. */
    @Override
    public void onStream(SdkPublisher<ByteBuffer> publisher) {
      publisher.subscribe(reader);
      streaming.complete(null);
    }

    @Override
    public void exceptionOccurred(Throwable error) {
      if (!streaming.completeExceptionally(error)) {
        reader.onError(error); // the bytes broke off; their publisher may forget to say so
      }
    }
  }
}
