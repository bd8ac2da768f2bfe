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

import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Answers about operations: how far one is, what has become of it, and that it is to be cancelled.
 */
final class Statuses {

  static final String RESULT = "/result";

  /** Also if it is somebody else's: they must not learn that there is one. */
  static final Problem UNKNOWN = Problem.of(404, "unknown", "There is no such operation");

  private static final Problem EXPIRED =
      Problem.of(410, "expired", "What has become of the operation is no longer retained");

  private static final Problem CANCELLED =
      Problem.of(409, "cancelled", "The operation was cancelled");

  private static final String STREAM = "text/event-stream";
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);

  private final AsyncOperations operations;
  private final OperationsSpec spec;

  Statuses(AsyncOperations operations) {
    this.operations = operations;
    this.spec = operations.spec;
  }

  // == requests ==

  Mono<OperationReply> status(OperationCall call, String id) {
    String accept = call.header("Accept");
    boolean stream = accept != null && accept.toLowerCase(Locale.ROOT).contains(STREAM);
    Duration wait = Preferences.wait(call.header("Prefer"), spec.maxWait);
    return find(call, id)
        .flatMap(
            operation ->
                stream
                    ? Mono.just(stream(call, operation))
                    : ended(operation, wait).map(later -> status(call, later, wait)));
  }

  Mono<OperationReply> result(OperationCall call, String id) {
    return find(call, id)
        .map(
            operation ->
                operation.isOver()
                    ? over(call, operation, spec.redirect)
                    : OperationReply.of(
                        Problem.of(404, "pending", "The operation has no result yet")));
  }

  Mono<OperationReply> cancel(OperationCall call, String id) {
    return find(call, id)
        .flatMap(operation -> operations.store.cancel(operation.id()))
        .switchIfEmpty(Mono.error(new OperationFailed(UNKNOWN)))
        .map(
            operation -> {
              if (!operation.isOver()) {
                operations.workers.cancel(id);
                return pending(operation);
              }
              operations.changed(id);
              if (operation.phase() == Phase.EXPIRED) {
                return OperationReply.of(EXPIRED);
              }
              return operation.ending() instanceof Ending.Cancelled
                  ? OperationReply.of(200).body(json(operation, null))
                  : OperationReply.of(Problem.of(409, "over", "The operation is over"));
            });
  }

  private Mono<Operation> find(OperationCall call, String id) {
    return (id.length() > OperationStore.MAX_ID
            ? Mono.<Operation>empty()
            : operations.store.find(id))
        .filter(
            operation ->
                operation.caller().equals(call.caller())
                    && operation.kind().equals(operations.kind))
        .switchIfEmpty(Mono.error(new OperationFailed(UNKNOWN)));
  }

  // == waiting ==

  /** The operation when it is over, or as it is when the time is. */
  Mono<Operation> ended(Operation operation, Duration wait) {
    if (wait.isZero() || operation.isOver() || operations.watch.isFull()) {
      return Mono.just(operation);
    }
    return Mono.defer(
        () -> {
          AtomicReference<Operation> last = new AtomicReference<>(operation);
          return changes(operation)
              .doOnNext(last::set)
              .filter(Operation::isOver)
              .next()
              .timeout(wait, Mono.empty(), operations.timer)
              .switchIfEmpty(Mono.fromSupplier(last::get));
        });
  }

  /** The operation after each change, or after several, until it is over or forgotten. */
  private Flux<Operation> changes(Operation operation) {
    return Flux.defer(
        () -> {
          AtomicReference<Operation> last = new AtomicReference<>(operation);
          return Mono.defer(
                  () -> operations.watch.change(Objects.requireNonNull(last.get(), "last")))
              .doOnNext(last::set)
              .switchIfEmpty(Mono.error(new OperationFailed(UNKNOWN)))
              .repeat()
              .takeUntil(Operation::isOver)
              .onErrorComplete(OperationFailed.class);
        });
  }

  private OperationReply stream(OperationCall call, Operation operation) {
    if (!operation.isOver() && operations.watch.isFull()) {
      return OperationReply.of(Problem.of(503, "busy", "Too many clients wait; poll instead"))
          .header("Retry-After", String.valueOf(operations.retryAfter.seconds(operation)));
    }
    Flux<String> events =
        Flux.just(operation)
            .concatWith(operation.isOver() ? Flux.empty() : changes(operation))
            .map(changed -> event(call, changed));
    Flux<String> alive =
        Flux.interval(HEARTBEAT, operations.timer)
            .onBackpressureDrop(tick -> {}) // the client is behind, and alive or not
            .map(tick -> ":\n\n");
    return OperationReply.of(200).stream(
        events
            .publish(shared -> Flux.merge(shared, alive.takeUntilOther(shared.then())), 1)
            .map(frame -> frame.getBytes(StandardCharsets.UTF_8)));
  }

  private String event(OperationCall call, Operation operation) {
    return "id: "
        + operation.revision()
        + "\nevent: "
        + (operation.isOver() ? name(operation) : "progress")
        + "\ndata: "
        + new String(json(operation, location(call, operation)).bytes(), StandardCharsets.UTF_8)
        + "\n\n";
  }

  // == answers ==

  /** The answer to a request that was accepted, now or before. */
  OperationReply answer(OperationCall call, Operation operation, boolean fresh, Duration wait) {
    OperationReply reply;
    if (!operation.isOver()) {
      boolean conflict = !fresh && spec.whileRunning == OperationsSpec.WhileRunning.CONFLICT;
      reply =
          (conflict
                  ? OperationReply.of(Problem.of(409, "in-progress", "The request is in progress"))
                      .header("Retry-After", seconds(operation))
                  : pending(operation))
              .header("Location", at(call, operation));
    } else if (operation.ending() instanceof Ending.Result result) {
      reply = content(result).header("Content-Location", at(call, operation) + RESULT);
    } else {
      reply = over(call, operation, 303);
    }
    return preferred(reply, wait);
  }

  private OperationReply status(OperationCall call, Operation operation, Duration wait) {
    OperationReply reply;
    if (!operation.isOver()) {
      reply = pending(operation);
    } else if (operation.ending() instanceof Ending.Result) {
      reply =
          OperationReply.of(spec.redirect)
              .header("Location", at(call, operation) + RESULT)
              .body(json(operation, at(call, operation) + RESULT));
    } else {
      reply = over(call, operation, spec.redirect);
    }
    return preferred(reply, wait);
  }

  private OperationReply pending(Operation operation) {
    return OperationReply.of(202)
        .header("Retry-After", seconds(operation))
        .body(json(operation, null));
  }

  private String seconds(Operation operation) {
    return String.valueOf(operations.retryAfter.seconds(operation));
  }

  /** What has become of it: its result, where that is, or why there is none. */
  private OperationReply over(OperationCall call, Operation operation, int redirect) {
    Ending ending = operation.ending();
    if (ending == null) {
      return OperationReply.of(EXPIRED);
    }
    if (ending instanceof Ending.Result result) {
      return content(result);
    }
    if (ending instanceof Ending.ResultAt at) {
      String location = operations.proxies.base(call) + at.location();
      return OperationReply.of(redirect)
          .header("Location", location)
          .body(json(operation, location));
    }
    if (ending instanceof Ending.Failure failure) {
      return OperationReply.of(failure.status()).body(failure.problem());
    }
    return OperationReply.of(CANCELLED);
  }

  private static OperationReply content(Ending.Result result) {
    boolean nothing = result.content().bytes().length == 0;
    return OperationReply.of(nothing ? 204 : 200)
        .body(result.content())
        .header("X-Content-Type-Options", "nosniff");
  }

  private static OperationReply preferred(OperationReply reply, Duration wait) {
    return wait.isZero() ? reply : reply.header("Preference-Applied", "wait=" + wait.toSeconds());
  }

  /** Where the operation is asked for. */
  private String at(OperationCall call, Operation operation) {
    return operations.proxies.base(call) + spec.statusAt + '/' + operation.id();
  }

  private @Nullable String location(OperationCall call, Operation operation) {
    if (operation.ending() instanceof Ending.ResultAt at) {
      return operations.proxies.base(call) + at.location();
    }
    return operation.ending() instanceof Ending.Result ? at(call, operation) + RESULT : null;
  }

  private static Content json(Operation operation, @Nullable String location) {
    Progress progress = operation.progress();
    Json json = new Json().member("id", operation.id()).member("status", name(operation));
    if (progress != null) {
      json.member("percent", progress.percent())
          .member("note", progress.note().isEmpty() ? null : progress.note());
    }
    if (operation.cancelRequested() && !operation.isOver()) {
      json.member("cancelRequested", true);
    }
    return Content.of("application/json", json.member("location", location).bytes());
  }

  static String name(Operation operation) {
    Ending ending = operation.ending();
    if (ending == null) {
      return operation.phase().name().toLowerCase(Locale.ROOT);
    }
    return ending instanceof Ending.Failure
        ? "failed"
        : ending instanceof Ending.Cancelled ? "cancelled" : "succeeded";
  }
}
