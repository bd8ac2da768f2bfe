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
package dev.sluice.channel;

import static dev.sluice.channel.DeadLetterHeaders.AT;
import static dev.sluice.channel.DeadLetterHeaders.ATTEMPT;
import static dev.sluice.channel.DeadLetterHeaders.CHANNEL;
import static dev.sluice.channel.DeadLetterHeaders.ERROR;
import static dev.sluice.channel.DeadLetterHeaders.EXPIRY;
import static dev.sluice.channel.DeadLetterHeaders.FAILED_CHILDREN;
import static dev.sluice.channel.DeadLetterHeaders.POSITION;
import static dev.sluice.channel.DeadLetterHeaders.REASON;

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Writes rejected messages, bytes untouched, to the dead-letter target, and does not give up while
 * it is subscribed to: a target that is down stalls the source, it never costs a message.
 */
final class DeadLetterSender {

  private static final int MAX_TEXT_CHARS = 512;
  private static final int MAX_IDS_CHARS = 4096;
  private static final Logger log = LoggerFactory.getLogger(DeadLetterSender.class);

  private DeadLetterSender() {}

  static Mono<Void> send(
      Outbound<byte[]> target,
      Message<byte[]> message,
      Origin origin,
      Outcome.Reject reject,
      Clock clock,
      DeadLetterListener listener) {
    return Mono.defer(
        () -> {
          Refusals refusals = new Refusals(origin, listener);
          return Mono.defer(() -> target.send(envelope(message, origin, reject, clock)))
              .switchIfEmpty(
                  Mono.error(
                      () -> SendFailed.unknown(target.name(), "completed without a receipt", null)))
              .retryWhen(
                  Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(100))
                      .maxBackoff(Duration.ofSeconds(10))
                      .doBeforeRetry(
                          signal ->
                              refusals.add(target, signal.totalRetries() + 1, signal.failure())))
              .doFinally(signal -> refusals.end())
              .then();
        });
  }

  /** What the listener hears of one letter: its end comes last, also when a cancel races. */
  private static final class Refusals {

    private enum State {
      NONE,
      TOLD,
      ENDED
    }

    private final Origin origin;
    private final DeadLetterListener listener;
    private final AtomicReference<State> state = new AtomicReference<>(State.NONE);

    Refusals(Origin origin, DeadLetterListener listener) {
      this.origin = origin;
      this.listener = listener;
    }

    void add(Outbound<byte[]> target, long failures, Throwable failure) {
      // A target may be away for hours, and many letters wait for it: each says so ever less often.
      if (Long.bitCount(failures) == 1) {
        log.warn(
            "{} does not take the dead letter of {} {}; trying again ({}): {}",
            target.name(),
            origin.channel(),
            origin.position(),
            failures,
            failure.toString());
        log.debug("the dead letter of {} {}", origin.channel(), origin.position(), failure);
      }
      if (state.get() == State.ENDED) {
        return;
      }
      listener.refused(origin, failures, failure);
      if (failures == 1 && !state.compareAndSet(State.NONE, State.TOLD)) {
        listener.over(origin);
      }
    }

    void end() {
      if (state.getAndSet(State.ENDED) == State.TOLD) {
        listener.over(origin);
      }
    }
  }

  /**
   * The message as it came, with the facts of its rejection; those of an earlier one are replaced.
   * A dead letter does not expire: the dead letters' own consumer would have to reject it again.
   */
  private static Message<byte[]> envelope(
      Message<byte[]> message, Origin origin, Outcome.Reject reject, Clock clock) {
    Headers headers =
        message
            .headers()
            .withReserved(REASON, reject.reason().name())
            .withReserved(CHANNEL, printable(origin.channel()))
            .withReserved(POSITION, printable(origin.position()))
            .withReserved(ATTEMPT, Integer.toString(Math.max(origin.attempt(), reject.attempts())))
            .withReserved(AT, clock.instant().toString());
    Throwable cause = reject.cause();
    headers = cause == null ? headers.without(ERROR) : headers.withReserved(ERROR, describe(cause));
    List<String> failedChildren = reject.failedChildren();
    headers =
        failedChildren.isEmpty()
            ? headers.without(FAILED_CHILDREN)
            : headers.withReserved(FAILED_CHILDREN, list(failedChildren));
    Instant expiry = message.expiresAt();
    return expiry == null
        ? message.withHeaders(headers)
        : message.withHeaders(headers.withReserved(EXPIRY, expiry.toString())).expiringAt(null);
  }

  /** With commas between them; what does not fit in is one of the others. */
  private static String list(List<String> ids) {
    StringBuilder list = new StringBuilder();
    boolean others = false;
    for (String id : ids) {
      boolean fits = list.length() + id.length() < MAX_IDS_CHARS && id.indexOf(',') < 0;
      if (!fits || id.equals(Outcome.Reject.OTHERS) || !id.equals(printable(id))) {
        others = true;
      } else {
        list.append(id).append(',');
      }
    }
    return others ? list + Outcome.Reject.OTHERS : list.substring(0, list.length() - 1);
  }

  private static String describe(Throwable error) {
    @Nullable String message = error.getMessage();
    return printable(error.getClass().getName() + (message == null ? "" : ": " + message));
  }

  /** At most 512 characters, and none that a header does not take. */
  private static String printable(String text) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), MAX_TEXT_CHARS));
    text.codePoints()
        .limit(MAX_TEXT_CHARS)
        .map(c -> Character.isISOControl(c) || isSurrogate(c) ? ' ' : c)
        .forEach(printable::appendCodePoint);
    return printable.toString().strip();
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }
}
