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
package dev.sluice.http;

import dev.sluice.store.Operation;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.DueCallback;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;

/** Takes callbacks that are due from the store, makes them, and says what has become of them. */
final class Callbacks {

  /*
   * Threads: one round at a time claims; attempts end wherever their connections do.
   *
   * running  attempts; only a round raises it, so there are never more than there is room for. Each
   *          ends within the timeout, and its lease is twice as long
   */

  private static final Logger log = LoggerFactory.getLogger(Callbacks.class);
  private static final int MAX_HEADERS = 8 * 1024;

  private final String kind;
  private final OperationStore store;
  private final Webhooks webhooks;
  private final String statusAt;
  private final Duration pollInterval;
  private final Scheduler timer;
  private final HttpClient client;
  private final Rounds rounds;
  private final AtomicInteger running = new AtomicInteger();

  final LongAdder made = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder givenUp = new LongAdder();

  Callbacks(
      String kind, OperationStore store, Webhooks webhooks, OperationsSpec spec, Scheduler timer) {
    this.kind = kind;
    this.store = store;
    this.webhooks = webhooks;
    this.statusAt = spec.statusAt;
    this.pollInterval = spec.pollInterval;
    this.timer = timer;
    this.client =
        HttpClient.create(ConnectionProvider.newConnection()) // each is looked at, none is kept
            .resolver(new GuardedResolver(webhooks.names, new PublicAddresses(webhooks.allowed)))
            .followRedirect(false)
            .disableRetry(true)
            .responseTimeout(webhooks.timeout)
            .httpResponseDecoder(
                limits -> limits.maxHeaderSize(MAX_HEADERS).maxInitialLineLength(MAX_HEADERS))
            .headers(headers -> headers.set("User-Agent", "sluice"));
    this.rounds = new Rounds("claiming callbacks of " + kind, this::round, timer);
  }

  /** There may be something to do. */
  void soon() {
    rounds.soon();
  }

  void stop() {
    rounds.stop();
  }

  private Mono<Duration> round() {
    int room = webhooks.concurrency - running.get();
    return room <= 0
        ? Mono.just(pollInterval)
        : store
            .claimCallbacks(kind, room, webhooks.timeout.multipliedBy(2))
            .doOnNext(this::begin)
            .then(Mono.fromSupplier(() -> Rounds.jittered(pollInterval)));
  }

  private void begin(DueCallback callback) {
    running.incrementAndGet();
    attempt(callback)
        .timeout(webhooks.timeout, timer)
        .flatMap(status -> answered(callback, status.code(), status.retryAfter()))
        .onErrorResume(error -> unanswered(callback, error))
        .doFinally(
            signal -> {
              running.decrementAndGet();
              rounds.soon(); // there is room again
            })
        .subscribe(
            ours -> log.debug("{}: callback recorded: {}", callback.operation().id(), ours),
            error ->
                log.warn(
                    "{}: what became of its callback was not recorded, and it may be made again",
                    callback.operation().id(),
                    error));
  }

  private record Status(int code, Duration retryAfter) {}

  private Mono<Status> attempt(DueCallback callback) {
    return Mono.defer(
        () -> {
          Operation operation = callback.operation();
          byte[] body = body(operation);
          long seconds = Instant.now().getEpochSecond();
          List<byte[]> keys = webhooks.keys.apply(operation.caller());
          return client
              .headers(
                  headers ->
                      headers
                          .set("Content-Type", "application/json")
                          .set("Content-Length", body.length)
                          .set("webhook-id", operation.id())
                          .set("webhook-timestamp", seconds)
                          .set(
                              "webhook-signature",
                              WebhookSigner.sign(keys, operation.id(), seconds, body)))
              .post()
              .uri(URI.create(callback.url()))
              .send(Mono.<ByteBuf>fromSupplier(() -> Unpooled.wrappedBuffer(body)))
              .response((response, rest) -> Mono.just(status(response))) // and no more is read
              .singleOrEmpty();
        });
  }

  private static Status status(HttpClientResponse response) {
    String retryAfter = response.responseHeaders().get("Retry-After");
    return new Status(
        response.status().code(),
        retryAfter != null && retryAfter.matches("\\d{1,7}")
            ? Duration.ofSeconds(Long.parseLong(retryAfter))
            : Duration.ZERO);
  }

  private byte[] body(Operation operation) {
    String status = Statuses.name(operation);
    return new Json()
        .member("type", "operation." + status)
        .member(
            "data",
            new Json()
                .member("id", operation.id())
                .member("status", status)
                .member("location", webhooks.publicAt + statusAt + '/' + operation.id()))
        .bytes();
  }

  // == what has become of it ==

  private Mono<Boolean> answered(DueCallback callback, int status, Duration retryAfter) {
    if (status >= 200 && status < 300) {
      made.increment();
      return store.settle(callback);
    }
    return status == 410 // nobody wants to hear of it any more
        ? giveUp(callback, "410", null)
        : again(callback, String.valueOf(status), retryAfter, null);
  }

  private Mono<Boolean> unanswered(DueCallback callback, Throwable error) {
    return isRefused(error)
        ? giveUp(callback, "its address is refused", error)
        : again(callback, "no answer", Duration.ZERO, error);
  }

  private static boolean isRefused(Throwable error) {
    for (Throwable e = error; e != null; e = e.getCause()) {
      if (e instanceof AddressRefused) {
        return true;
      }
    }
    return false;
  }

  private Mono<Boolean> again(
      DueCallback callback, String why, Duration least, @Nullable Throwable error) {
    failed.increment();
    if (callback.attempt() > webhooks.pauses.size()) {
      return giveUp(callback, why, error);
    }
    Duration pause = Rounds.jittered(webhooks.pauses.get(callback.attempt() - 1));
    log.debug("{}: callback failed: {}", callback.operation().id(), why, error);
    return store.postpone(callback, pause.compareTo(least) < 0 ? least : pause);
  }

  private Mono<Boolean> giveUp(DueCallback callback, String why, @Nullable Throwable error) {
    givenUp.increment();
    log.warn(
        "{}: callback given up after attempt {}: {}",
        callback.operation().id(),
        callback.attempt(),
        why,
        error);
    return store.settle(callback);
  }
}
