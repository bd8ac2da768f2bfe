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

import dev.sluice.store.OperationStore;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * How {@link AsyncOperations} accepts, answers and works.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class OperationsSpec {

  /** What {@code Idempotency-Key} means to a request. */
  public enum KeyPolicy {
    /** A request may have one. */
    OPTIONAL,
    /** A request without one is refused with 400. */
    REQUIRED
  }

  /** What becomes of a request whose key belongs to an operation that is not over. */
  public enum WhileRunning {
    /** 202 and the location of that operation. */
    SAME_LOCATION,
    /** 409, with the location of that operation. */
    CONFLICT
  }

  private static final Pattern PATH = Pattern.compile("(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+");

  String submitAt;
  String statusAt;
  List<String> resultsBelow = List.of();
  int redirect = 302;
  KeyPolicy keys = KeyPolicy.OPTIONAL;
  WhileRunning whileRunning = WhileRunning.SAME_LOCATION;
  int maxBody = OperationStore.MAX_BODY;
  Function<? super OperationRequest, ? extends Mono<Void>> admission = request -> Mono.empty();
  Duration maxWait = Duration.ofSeconds(30);
  int maxWatching = 10_000;
  Duration watchInterval = Duration.ofMillis(500);
  Duration leastRetryAfter = Duration.ofSeconds(1);
  Duration mostRetryAfter = Duration.ofSeconds(60);
  Duration retention = Duration.ofDays(1);
  Duration remembered = Duration.ofDays(7);
  List<AddressRange> trustedProxies = List.of();
  int concurrency = 16;
  Duration lease = Duration.ofSeconds(30);
  Duration pollInterval = Duration.ofSeconds(1);
  Duration timeout = Duration.ofHours(1);
  int maxAttempts = 5;
  Function<? super Throwable, Problem> failures = OperationsSpec::problem;
  @Nullable Webhooks webhooks;
  @Nullable Scheduler timer;

  OperationsSpec(String kind) {
    this.submitAt = "/" + kind;
    this.statusAt = "/" + kind + "/operations";
  }

  private OperationsSpec(OperationsSpec other) {
    submitAt = other.submitAt;
    statusAt = other.statusAt;
    resultsBelow = other.resultsBelow;
    redirect = other.redirect;
    keys = other.keys;
    whileRunning = other.whileRunning;
    maxBody = other.maxBody;
    admission = other.admission;
    maxWait = other.maxWait;
    maxWatching = other.maxWatching;
    watchInterval = other.watchInterval;
    leastRetryAfter = other.leastRetryAfter;
    mostRetryAfter = other.mostRetryAfter;
    retention = other.retention;
    remembered = other.remembered;
    trustedProxies = other.trustedProxies;
    concurrency = other.concurrency;
    lease = other.lease;
    pollInterval = other.pollInterval;
    timeout = other.timeout;
    maxAttempts = other.maxAttempts;
    failures = other.failures;
    webhooks = other.webhooks;
    timer = other.timer;
  }

  // == where ==

  /**
   * The path that takes requests. Defaults to {@code /<kind>}.
   *
   * @throws IllegalArgumentException if it is no path
   */
  public OperationsSpec submitAt(String path) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.submitAt = path("submitAt", path);
    return copy;
  }

  /**
   * The path below which operations are asked for, and cancelled. No two kinds may share it.
   * Defaults to {@code /<kind>/operations}.
   *
   * @throws IllegalArgumentException if it is no path
   */
  public OperationsSpec statusAt(String path) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.statusAt = path("statusAt", path);
    return copy;
  }

  /**
   * The paths below which {@link OperationResult#at} may point; each ends with a slash. Defaults to
   * none.
   *
   * @throws IllegalArgumentException if one is no path that ends with a slash
   */
  public OperationsSpec resultsBelow(String... paths) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.resultsBelow =
        Arrays.stream(paths)
            .map(
                path -> {
                  if (!path.endsWith("/")) {
                    throw new IllegalArgumentException(
                        "resultsBelow: " + path + " (expected: a path that ends with a slash)");
                  }
                  if (path.length() > 1) {
                    path("resultsBelow", path.substring(0, path.length() - 1));
                  }
                  return path;
                })
            .toList();
    return copy;
  }

  /**
   * The proxies that are believed when they say in {@code Forwarded} and {@code X-Forwarded-Prefix}
   * what the client has asked for; then locations are absolute. Defaults to none, and locations are
   * relative, which is right behind every proxy that does not change the path.
   *
   * @param ranges addresses, or ranges such as {@code 10.0.0.0/8}
   * @throws IllegalArgumentException if one is neither
   */
  public OperationsSpec trustedProxies(String... ranges) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.trustedProxies =
        Arrays.stream(ranges).map(range -> AddressRange.of("trustedProxies", range)).toList();
    return copy;
  }

  /**
   * Redirects to the result with 303 instead of 302, for clients that would repeat a {@code POST}.
   */
  public OperationsSpec seeOther() {
    OperationsSpec copy = new OperationsSpec(this);
    copy.redirect = 303;
    return copy;
  }

  // == requests ==

  /** Whether a request must have an {@code Idempotency-Key}. Defaults to {@code OPTIONAL}. */
  public OperationsSpec idempotencyKey(KeyPolicy policy) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.keys = Objects.requireNonNull(policy, "policy");
    return copy;
  }

  /**
   * What becomes of a request whose key belongs to an operation that is not over. Defaults to
   * {@code SAME_LOCATION}.
   */
  public OperationsSpec whileRunning(WhileRunning answer) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.whileRunning = Objects.requireNonNull(answer, "answer");
    return copy;
  }

  /**
   * The largest body of a request; a larger one is refused with 413. Defaults to 1 MiB.
   *
   * @param bytes 0..1 MiB
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec maxBody(int bytes) {
    if (bytes < 0 || bytes > OperationStore.MAX_BODY) {
      throw new IllegalArgumentException(
          "maxBody: " + bytes + " (expected: 0.." + OperationStore.MAX_BODY + ")");
    }
    OperationsSpec copy = new OperationsSpec(this);
    copy.maxBody = bytes;
    return copy;
  }

  /**
   * Who looks at a request before it is accepted, and may refuse it: because it makes no sense
   * (400, 422), because its caller asks too often (429), because there is too much to do (503).
   * Defaults to one that refuses none.
   *
   * <p>Empty admits the request. An {@link OperationFailed} refuses it with its problem, 429 and
   * 503 with {@code Retry-After}; with any other error the answer is 500 without any detail. Of a
   * request that is not admitted nothing is stored, and its {@code Idempotency-Key} is as good as
   * new.
   *
   * <p>A request whose key is known is shown as well, but whatever is said about it, what was
   * accepted is not refused later: the answer is what has become of it.
   *
   * @param admission called when the request has been read as a whole, on a thread of the server,
   *     which it must not block; cancelled when the client goes away. How long it may take is its
   *     own affair
   */
  public OperationsSpec admission(
      Function<? super OperationRequest, ? extends Mono<Void>> admission) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.admission = Objects.requireNonNull(admission, "admission");
    return copy;
  }

  /**
   * How long a client may let us wait with {@code Prefer: wait}; less than proxies on the way
   * allow. Defaults to 30 s.
   *
   * @param maxWait zero or more, at most 1 hour
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec maxWait(Duration maxWait) {
    Times.between("maxWait", maxWait, Duration.ZERO, Duration.ofHours(1));
    OperationsSpec copy = new OperationsSpec(this);
    copy.maxWait = maxWait;
    return copy;
  }

  /**
   * How many requests may wait, or have a stream of events open, on this instance; more are
   * answered at once. Defaults to 10 000.
   *
   * @param requests 1 or more
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec maxWatching(int requests) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.maxWatching = positive("maxWatching", requests);
    return copy;
  }

  /**
   * How often the store is asked for changes that another instance has made, while anybody waits.
   * Defaults to 500 ms.
   *
   * @param interval more than zero, at most 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec watchInterval(Duration interval) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.watchInterval = Times.positive("watchInterval", interval);
    return copy;
  }

  /**
   * The bounds of {@code Retry-After}. Defaults to 1 s and 60 s.
   *
   * @param least whole seconds, 1 s or more
   * @param most not less
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec retryAfter(Duration least, Duration most) {
    if (least.toSeconds() < 1 || least.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "retryAfter: " + least + ", " + most + " (expected: PT1S <= least <= most)");
    }
    OperationsSpec copy = new OperationsSpec(this);
    copy.leastRetryAfter = least;
    copy.mostRetryAfter = Times.positive("retryAfter", most);
    return copy;
  }

  /**
   * How long the result can be fetched, and how long after that the answer is 410 rather than 404;
   * a key is a key for as long. Defaults to 1 day and 7 days.
   *
   * @param retention more than zero, at most 3650 days
   * @param remembered zero or more, at most 3650 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec retention(Duration retention, Duration remembered) {
    Times.between("remembered", remembered, Duration.ZERO, Times.LONGEST_RETENTION);
    OperationsSpec copy = new OperationsSpec(this);
    copy.retention = Times.retention("retention", retention);
    copy.remembered = remembered;
    return copy;
  }

  // == work ==

  /**
   * How many operations this instance works on at once. Defaults to 16.
   *
   * @param operations 1..1000
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec concurrency(int operations) {
    if (operations < 1 || operations > OperationStore.MAX_LIMIT) {
      throw new IllegalArgumentException(
          "concurrency: " + operations + " (expected: 1.." + OperationStore.MAX_LIMIT + ")");
    }
    OperationsSpec copy = new OperationsSpec(this);
    copy.concurrency = operations;
    return copy;
  }

  /**
   * How long an operation stays with an instance that has died; while it lives it renews the lease
   * at a quarter of it. Defaults to 30 s.
   *
   * @param lease 100 ms to 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec lease(Duration lease) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.lease = Times.between("lease", lease, Duration.ofMillis(100), Times.LONGEST);
    return copy;
  }

  /**
   * How often the store is asked for work that another instance has accepted, or left behind.
   * Defaults to 1 s.
   *
   * @param interval more than zero, at most 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec pollInterval(Duration interval) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.pollInterval = Times.positive("pollInterval", interval);
    return copy;
  }

  /**
   * How long the work on one operation may take; then it is cancelled, and the operation has failed
   * with a {@link TimeoutException}. Defaults to 1 hour.
   *
   * @param timeout more than zero, at most 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec timeout(Duration timeout) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.timeout = Times.positive("timeout", timeout);
    return copy;
  }

  /**
   * How often work is begun whose instance dies; then the operation has failed. Work that fails is
   * not begun again: let it retry what is worth it. Defaults to 5.
   *
   * @param attempts 1 or more
   * @throws IllegalArgumentException if out of range
   */
  public OperationsSpec maxAttempts(int attempts) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.maxAttempts = positive("maxAttempts", attempts);
    return copy;
  }

  /**
   * What the caller is told of an error of the work. Defaults to the problem of an {@link
   * OperationFailed}, 504 for a {@link TimeoutException}, and 500 without any detail for the rest.
   */
  public OperationsSpec failures(Function<? super Throwable, Problem> problem) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.failures = Objects.requireNonNull(problem, "problem");
    return copy;
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}, leases to a
   * thread of their own.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public OperationsSpec timer(Scheduler timer) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.timer = Timers.require("timer", timer);
    return copy;
  }

  /**
   * Tells clients when their operation has ended that have said where. Defaults to telling nobody:
   * they ask.
   */
  public OperationsSpec webhooks(Webhooks webhooks) {
    OperationsSpec copy = new OperationsSpec(this);
    copy.webhooks = Objects.requireNonNull(webhooks, "webhooks");
    return copy;
  }

  private static Problem problem(Throwable error) {
    if (error instanceof OperationFailed failed) {
      return failed.problem();
    }
    return error instanceof TimeoutException
        ? Problem.of(504, "timeout", "The work has taken too long")
        : Problem.of(500, "failed", "The work has failed");
  }

  private static String path(String what, String path) {
    if (!PATH.matcher(path).matches()) {
      throw new IllegalArgumentException(
          what + ": " + path + " (expected: a path that begins, and does not end, with a slash)");
    }
    return path;
  }

  private static int positive(String what, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: >= 1)");
    }
    return value;
  }
}
