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

import dev.sluice.Experimental;
import dev.sluice.store.Content;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;

/**
 * Asks a server that answers with 202, and polls until the result is there: as often as the server
 * says, sent on by its redirect, on that server only.
 *
 * <p>A request has an {@code Idempotency-Key}, so that it can be repeated when its answer was lost.
 */
@Experimental
public final class OperationClient {

  private static final Logger log = LoggerFactory.getLogger(OperationClient.class);
  private static final int MAX_REDIRECTS = 5;
  private static final Duration CANCEL_TIMEOUT = Duration.ofSeconds(10);

  private final Exchanges exchanges;
  private final OperationClientSpec spec;
  private final Scheduler timer;

  private OperationClient(HttpClient client, OperationClientSpec spec) {
    this.exchanges = new Exchanges(client, spec.maxAnswer);
    this.spec = spec;
    this.timer = spec.timer == null ? Schedulers.parallel() : spec.timer;
  }

  /**
   * Assembles it.
   *
   * @param client sends the requests, with whatever proves who asks; its own retries and redirects
   *     are switched off
   * @param spec the options, from defaults
   * @throws IllegalArgumentException if an option is out of range
   */
  public static OperationClient create(HttpClient client, UnaryOperator<OperationClientSpec> spec) {
    Objects.requireNonNull(client, "client");
    return new OperationClient(
        client, Objects.requireNonNull(spec.apply(OperationClientSpec.DEFAULT), "spec"));
  }

  /**
   * The result of a request, with a key of its own for each subscription.
   *
   * @see #submit(URI, Content, String)
   */
  public Mono<HttpAnswer> submit(URI to, Content request) {
    HttpAsk.requireHttp("to", to);
    Objects.requireNonNull(request, "request");
    return Mono.defer(() -> submit(to, request, UUID.randomUUID().toString()));
  }

  /**
   * The result of a request.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the answer with the result, of a status from 200 to 299
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with {@link HttpRefused} when the server answers with anything else, a failed or
   *       cancelled operation included; when it points to another server; and with the error of the
   *       connection when retries are used up
   *   <dt>Cancel
   *   <dd>closes the connection, and asks the server to cancel the operation if its location is
   *       known; nobody waits for that. So does a {@code timeout} behind it
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on an event loop of the client
   * </dl>
   *
   * @param to where the request is sent
   * @param key what makes it the same request when it is submitted again: 1 to 255 ASCII characters
   */
  public Mono<HttpAnswer> submit(URI to, Content request, String key) {
    HttpAsk.requireHttp("to", to);
    HttpAsk ask = HttpAsk.post(to, request).header("Idempotency-Key", key);
    return follow(ask);
  }

  /**
   * The result of an operation whose location is known, from an earlier {@code 202}. Otherwise as
   * {@link #submit(URI, Content, String)}.
   *
   * @param status where it is asked for
   */
  public Mono<HttpAnswer> await(URI status) {
    return follow(HttpAsk.get(status));
  }

  /** Where the operation is asked for; null until that is known, and when it is over. */
  private static final class Followed {
    volatile @Nullable URI at;
  }

  private Mono<HttpAnswer> follow(HttpAsk first) {
    return Mono.defer(
        () -> {
          Followed operation = new Followed();
          operation.at = first.body() == null ? first.uri() : null;
          Mono<HttpAnswer> result = ask(first, operation, 0);
          return spec.cancels ? result.doOnCancel(() -> cancel(operation.at)) : result;
        });
  }

  /** Asks, and goes where the answer points, until one is the result. */
  private Mono<HttpAnswer> ask(HttpAsk ask, Followed operation, int redirects) {
    return answered(ask, 0).flatMap(answer -> next(ask, answer, operation, redirects));
  }

  private Mono<HttpAnswer> next(HttpAsk ask, HttpAnswer answer, Followed operation, int redirects) {
    int status = answer.status();
    String location = answer.header("Location");
    boolean post = ask.method().equals("POST");
    boolean pending = status == 202 || (status == 409 && post);
    if (pending && (location != null || !post)) {
      URI at = location == null ? ask.uri() : sameOrigin(ask, answer, location);
      operation.at = at;
      return Mono.delay(pause(answer, spec.pollInterval), timer)
          .then(Mono.defer(() -> ask(HttpAsk.get(at), operation, redirects)));
    }
    if ((status == 302 || status == 303) && location != null) {
      if (redirects == MAX_REDIRECTS) {
        return Mono.error(new HttpRefused(ask.method() + " " + ask.uri(), answer));
      }
      operation.at = null; // it is over
      HttpAsk on = HttpAsk.get(sameOrigin(ask, answer, location));
      return Mono.defer(() -> ask(on, operation, redirects + 1));
    }
    operation.at = null;
    return status >= 200 && status < 300 && status != 202 // which does not say where
        ? Mono.just(answer)
        : Mono.error(new HttpRefused(ask.method() + " " + ask.uri(), answer));
  }

  /** An answer that says something; none, or one that says "not now", is asked for again. */
  private Mono<HttpAnswer> answered(HttpAsk ask, int failures) {
    HttpAsk waiting =
        spec.wait.isZero() ? ask : ask.header("Prefer", "wait=" + spec.wait.toSeconds());
    return exchanges
        .exchange(waiting)
        .flatMap(
            answer ->
                failures < spec.retries && isBusy(answer.status())
                    ? again(ask, failures, pause(answer, backoff(failures)))
                    : Mono.just(answer))
        .onErrorResume(
            error -> failures < spec.retries && isLost(error),
            error -> again(ask, failures, backoff(failures)));
  }

  private Mono<HttpAnswer> again(HttpAsk ask, int failures, Duration pause) {
    return Mono.delay(pause, timer).then(Mono.defer(() -> answered(ask, failures + 1)));
  }

  private static boolean isBusy(int status) {
    return status == 429 || (status >= 502 && status <= 504);
  }

  private static boolean isLost(Throwable error) {
    return error instanceof IOException
        || error instanceof TimeoutException
        || error instanceof io.netty.handler.timeout.TimeoutException;
  }

  private Duration backoff(int failures) {
    Duration pause = spec.pollInterval.multipliedBy(1L << Math.min(failures, 10));
    return Rounds.jittered(pause.compareTo(spec.maxPause) > 0 ? spec.maxPause : pause);
  }

  /** What the server says, in seconds or as a date; within our bounds. */
  private Duration pause(HttpAnswer answer, Duration otherwise) {
    String said = answer.header("Retry-After");
    Duration pause = otherwise;
    if (said != null && said.matches("\\d{1,9}")) {
      pause = Duration.ofSeconds(Long.parseLong(said));
    } else if (said != null) {
      try {
        Instant then = ZonedDateTime.parse(said, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        pause = Duration.between(Instant.now(), then);
      } catch (DateTimeParseException e) {
        log.debug("Retry-After: {} (expected: seconds or a date)", said, e);
      }
    }
    if (pause.isNegative()) {
      return Duration.ZERO;
    }
    return pause.compareTo(spec.maxPause) > 0 ? spec.maxPause : pause;
  }

  /** Where a location points to, which must be the same server: it gets our credentials. */
  private static URI sameOrigin(HttpAsk ask, HttpAnswer answer, String location) {
    URI from = ask.uri();
    URI to;
    try {
      to = from.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new HttpRefused(from + " points to " + location, answer);
    }
    if (!from.getScheme().equalsIgnoreCase(to.getScheme())
        || !from.getHost().equalsIgnoreCase(to.getHost())
        || port(from) != port(to)) {
      throw new HttpRefused(from + " points to another server: " + to, answer);
    }
    return to;
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0
        ? uri.getPort()
        : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  private void cancel(@Nullable URI operation) {
    if (operation != null) {
      exchanges
          .exchange(new HttpAsk("DELETE", operation, Map.of(), null))
          .timeout(CANCEL_TIMEOUT, timer)
          .subscribe(
              answer -> log.debug("DELETE {}: {}", operation, answer),
              error -> log.warn("DELETE {}: it may go on", operation, error));
    }
  }
}
