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
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.OperationStore;
import dev.sluice.store.StoreFailed;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Asynchronous request-reply: a request is answered with 202 and a location as soon as a store has
 * it, the work on it is done later by any instance that works, and the client asks at the location
 * until it is sent on to the result.
 *
 * <p>Compared with its neighbours: a handler that just takes its time loses the work when the
 * connection breaks or the process dies, and every proxy on the way has a timeout of its own;
 * {@code work.subscribe()} behind a hand-written 202 loses it when the process dies. Here nothing
 * is answered before it is durable, and nothing that was answered depends on the connection.
 *
 * <p>Work may be done more than once, when an instance dies in the middle of it or is stopped for
 * longer than its lease: {@link OperationRun#id()} is the same each time, and an idempotency key
 * for whatever the work calls.
 *
 * <pre>{@code
 * AsyncOperations claims =
 *     AsyncOperations.create("claims", store, run -> search(run.request()), s -> s);
 * AsyncOperations.Working working = claims.start();
 * HttpServer.create().route(ReactorNettyOperations.routes(claims, this::caller)).bindNow();
 * }</pre>
 *
 * <p>What a client can do:
 *
 * <table>
 *   <caption>Requests and answers</caption>
 *   <tr><th>{@code POST} {@link OperationsSpec#submitAt}
 *       <td>202, {@code Location}, {@code Retry-After}; with {@code Prefer: wait=n} the result itself
 *       if it is there in time; with an {@code Idempotency-Key} that is known, what has become of
 *       that request; the problem if {@link OperationsSpec#admission} refuses it
 *   <tr><th>{@code GET} {@link OperationsSpec#statusAt}{@code /<id>}
 *       <td>202 and how far it is; 302 to the result; the problem, with its status; 409 when it was
 *       cancelled; 410 when it is no longer retained. {@code Prefer: wait=n} waits for the end,
 *       {@code Accept: text/event-stream} streams the changes
 *   <tr><th>{@code DELETE} {@link OperationsSpec#statusAt}{@code /<id>}
 *       <td>200 when it is cancelled, 202 when whoever works on it was asked to, 409 when it is over
 *   <tr><th>{@code GET} {@link OperationsSpec#statusAt}{@code /<id>/result}
 *       <td>the result, if it is kept with the operation
 * </table>
 */
@Experimental
public final class AsyncOperations implements Metered {

  /** The server could not tell who asks. */
  static final Problem NOBODY = Problem.of(401, "unauthenticated", "Say who you are");

  private static final Logger log = LoggerFactory.getLogger(AsyncOperations.class);
  private static final Duration PURGE_INTERVAL = Duration.ofMinutes(1);
  private static final int PURGE = 10_000;

  final String kind;
  final OperationStore store;
  final OperationsSpec spec;
  final Scheduler timer;

  /** Whatever keeps the other threads busy, leases are renewed. */
  private final Scheduler leases;

  final Watch watch;
  final RetryAfter retryAfter;
  final Proxies proxies;
  final Workers workers;
  private final @Nullable Callbacks callbacks;
  final LongAdder accepted = new LongAdder();
  final LongAdder repeated = new LongAdder();
  final LongAdder refused = new LongAdder();
  private final Submissions submissions;
  private final Statuses statuses;
  private final AtomicBoolean started = new AtomicBoolean();

  private AsyncOperations(
      String kind,
      OperationStore store,
      Function<? super OperationRun, ? extends Mono<OperationResult>> work,
      OperationsSpec spec) {
    this.kind = kind;
    this.store = store;
    this.spec = spec;
    this.timer = spec.timer == null ? Schedulers.parallel() : spec.timer;
    this.watch = new Watch(store, spec.watchInterval, spec.maxWatching, timer);
    this.retryAfter = new RetryAfter(spec.leastRetryAfter, spec.mostRetryAfter);
    this.proxies = new Proxies(spec.trustedProxies);
    this.leases =
        spec.timer == null ? Schedulers.newSingle("sluice-http-leases", true) : spec.timer;
    Locations locations = new Locations(spec.resultsBelow);
    this.workers =
        new Workers(
            kind,
            store,
            spec,
            run ->
                new Job(run, store, spec, work, locations, () -> changed(run.id()), timer, leases),
            retryAfter,
            timer);
    this.callbacks =
        spec.webhooks == null ? null : new Callbacks(kind, store, spec.webhooks, spec, timer);
    this.statuses = new Statuses(this);
    this.submissions = new Submissions(this, statuses);
  }

  /**
   * Assembles it; nothing is done yet. Every instance of a service makes the same.
   *
   * @param kind what sort of work it is, in the store and in paths: 1 to 100 small letters, digits
   *     and hyphens
   * @param store where operations are kept; one that outlives the process if a 202 is to
   * @param work does the work on one operation; it is cancelled when the caller cancels, when its
   *     time is up and when the lease is lost. Its error is what becomes of the operation. Called
   *     on a thread of the store, and must not block it
   * @param spec the options, from defaults
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static AsyncOperations create(
      String kind,
      OperationStore store,
      Function<? super OperationRun, ? extends Mono<OperationResult>> work,
      UnaryOperator<OperationsSpec> spec) {
    if (!kind.matches("[a-z0-9-]{1,100}")) {
      throw new IllegalArgumentException("kind: " + kind + " (expected: [a-z0-9-]{1,100})");
    }
    return new AsyncOperations(
        kind,
        Objects.requireNonNull(store, "store"),
        Objects.requireNonNull(work, "work"),
        Objects.requireNonNull(spec.apply(new OperationsSpec(kind)), "spec"));
  }

  /** This instance at work. */
  public interface Working {

    /**
     * Takes nothing more, lets what runs end, and gives back what has not ended in time, for
     * another instance; the attempt is not counted.
     *
     * @param grace zero or more, at most 365 days
     * @return completes when nothing runs here any more, or was given up
     */
    Mono<Void> stop(Duration grace);
  }

  /**
   * Begins to work on what is in the store, and to purge it. An instance that does not, accepts and
   * answers only.
   *
   * @throws IllegalStateException if it was started before
   */
  public Working start() {
    if (!started.compareAndSet(false, true)) {
      throw new IllegalStateException("operations of " + kind + ": started (expected: once)");
    }
    Rounds purging =
        new Rounds(
            "purging operations of " + kind,
            () ->
                store
                    .purge(PURGE)
                    .map(
                        purged ->
                            purged == PURGE
                                ? Duration.ofMillis(10)
                                : Rounds.jittered(PURGE_INTERVAL)),
            timer);
    workers.start();
    purging.soon();
    if (callbacks != null) {
      callbacks.soon();
    }
    return grace -> {
      Times.notNegative("grace", grace);
      return Mono.fromRunnable(purging::stop)
          .then(workers.stop(grace))
          .doFinally(
              signal -> {
                if (callbacks != null) {
                  callbacks.stop();
                }
                if (leases != timer) {
                  leases.dispose();
                }
              });
    };
  }

  /**
   * What this instance has done since it was made, and is doing.
   *
   * @param accepted requests that were accepted
   * @param repeated requests whose key was known
   * @param refused requests that were refused
   * @param waiting requests that wait for an end, and streams of events
   * @param running operations that are worked on
   * @param succeeded operations whose work has succeeded
   * @param failed operations whose work has failed
   * @param cancelled operations that were cancelled while they were worked on
   * @param callbacks callbacks that were made
   * @param callbackFailures attempts of callbacks that have failed
   * @param callbacksGivenUp callbacks that are not made again, and never were
   * @param lost operations that somebody else has taken over: an instance was stopped for longer
   *     than its lease, or could not reach the store
   */
  public record Stats(
      long accepted,
      long repeated,
      long refused,
      int waiting,
      int running,
      long succeeded,
      long failed,
      long cancelled,
      long lost,
      long callbacks,
      long callbackFailures,
      long callbacksGivenUp) {}

  /** What this instance has done, and is doing. */
  public Stats stats() {
    return new Stats(
        accepted.sum(),
        repeated.sum(),
        refused.sum(),
        watch.waiting(),
        workers.running(),
        workers.succeeded.sum(),
        workers.failed.sum(),
        workers.cancelled.sum(),
        workers.lost.sum(),
        callbacks == null ? 0 : callbacks.made.sum(),
        callbacks == null ? 0 : callbacks.failed.sum(),
        callbacks == null ? 0 : callbacks.givenUp.sum());
  }

  @Override
  public void meters(Meters meters) {
    Meters ours = meters.with("kind", kind);
    ours.gauge(
        "sluice.operations.running", "operations", "worked on by this instance", workers::running);
    ours.gauge(
        "sluice.operations.waiting", "requests", "that wait for an end, or stream", watch::waiting);
    ours.counter("sluice.operations.accepted", "requests", "that were accepted", accepted::sum);
    ours.counter("sluice.operations.repeated", "requests", "whose key was known", repeated::sum);
    ours.counter("sluice.operations.refused", "requests", "that were refused", refused::sum);
    counter(ours, "succeeded", workers.succeeded);
    counter(ours, "failed", workers.failed);
    counter(ours, "cancelled", workers.cancelled);
    counter(ours, "lost", workers.lost);
    if (callbacks != null) {
      String name = "sluice.operations.callbacks";
      ours.counter(name, "callbacks", "that were made", callbacks.made::sum);
      ours.counter(name + ".failed", "attempts", "that have failed", callbacks.failed::sum);
      ours.counter(name + ".givenup", "callbacks", "that never were", callbacks.givenUp::sum);
    }
  }

  private static void counter(Meters meters, String outcome, LongAdder operations) {
    meters
        .with("outcome", outcome)
        .counter("sluice.operations.ended", "operations", "worked on here", operations::sum);
  }

  /** Something on this instance has changed an operation: those who wait are told, or soon will. */
  void changed(String id) {
    watch.changed(id);
    if (callbacks != null && started.get()) {
      callbacks.soon();
    }
  }

  /** Whether a path is one of ours. */
  public boolean serves(String path) {
    return path.equals(spec.submitAt) || path.startsWith(spec.statusAt + "/");
  }

  /**
   * Answers a request.
   *
   * <p><img class="marble" src="doc-files/asyncOperations.svg" alt="A POST is answered with 202 at
   * once; a GET with 202 until the result is there, then with 302">
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the answer. One that accepts work comes when the store has it
   *   <dt>Backpressure
   *   <dd>not applicable; a stream of events is made as it is requested, and leaves out what has
   *       changed again meanwhile
   *   <dt>Completes/Errors
   *   <dd>does not fail: when the store cannot be asked the answer is 503, and whether work was
   *       accepted is then unknown
   *   <dt>Cancel
   *   <dd>ends the waiting, not the work: what was read as a whole, and admitted, is accepted or
   *       not, and goes on
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the store or of the timer, or on the caller's
   * </dl>
   */
  public Mono<OperationReply> answer(OperationCall call) {
    Objects.requireNonNull(call, "call");
    return Mono.defer(() -> route(call))
        .onErrorResume(
            error -> {
              if (error instanceof OperationFailed refusal) {
                refused.increment();
                return Mono.just(refused(refusal));
              }
              return Mono.just(failed(error));
            });
  }

  private OperationReply refused(OperationFailed refusal) {
    OperationReply reply = OperationReply.of(refusal.problem());
    Duration again = refusal.retryAfter();
    if (again == null && (reply.status() == 429 || reply.status() == 503)) {
      again = spec.leastRetryAfter;
    }
    return again == null
        ? reply
        : reply.header("Retry-After", Long.toString(again.plusNanos(999_999_999).toSeconds()));
  }

  static OperationReply failed(Throwable error) {
    if (error instanceof StoreFailed) {
      log.warn("a request could not be answered", error);
      return OperationReply.of(Problem.of(503, "unavailable", "Try again, with the same key"))
          .header("Retry-After", "5");
    }
    log.error("a request could not be answered", error);
    return OperationReply.of(Problem.of(500, "failed", "The request has failed"));
  }

  private Mono<OperationReply> route(OperationCall call) {
    if (call.path().equals(spec.submitAt)) {
      return call.method().equals("POST")
          ? submissions.submit(call)
          : Mono.just(notAllowed("POST"));
    }
    if (!call.path().startsWith(spec.statusAt + "/")) {
      return Mono.just(OperationReply.of(Statuses.UNKNOWN));
    }
    String id = call.path().substring(spec.statusAt.length() + 1);
    boolean result = id.endsWith(Statuses.RESULT);
    if (result) {
      id = id.substring(0, id.length() - Statuses.RESULT.length());
    }
    return switch (call.method()) {
      case "GET" -> result ? statuses.result(call, id) : statuses.status(call, id);
      case "DELETE" -> result ? Mono.just(notAllowed("GET")) : statuses.cancel(call, id);
      default -> Mono.just(notAllowed(result ? "GET" : "GET, DELETE"));
    };
  }

  private static OperationReply notAllowed(String allowed) {
    return OperationReply.of(Problem.of(405, "method-not-allowed", "Method not allowed"))
        .header("Allow", allowed);
  }

  @Override
  public String toString() {
    return "operations of " + kind;
  }
}
