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
package dev.sluice.retry;

import dev.sluice.channel.Channel;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.LaneSettlement;
import dev.sluice.dispatch.RetryMeters.Where;
import dev.sluice.dispatch.Verdict;
import dev.sluice.message.Message;
import dev.sluice.parking.ParkTheGroup;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/**
 * The settlement of one try of a delivery. A failure that may pass comes back to the lane while
 * attempts in place are left, then the message is delayed where that is possible, and when that was
 * done often enough it is rejected. What is given back comes back too, uncounted, because the
 * source could only give it back behind others of its group.
 */
final class Try extends LaneSettlement {

  private static final Logger log = LoggerFactory.getLogger(Retrying.class);

  private final RetryWork work;
  private final Tried tried;
  private final Disposable.Swap sending = Disposables.swap();

  Try(RetryWork work, Lane<?> lane, Tried tried) {
    super(lane, tried.delivery.settlement());
    this.work = work;
    this.tried = tried;
  }

  /** The sequence is over. */
  void abandon() {
    seal();
    sending.dispose();
    releaseWhatCameBack();
  }

  @Override
  protected Scheduler scheduler() {
    return work.spec().scheduler();
  }

  @Override
  protected void act(Outcome outcome) {
    if (isLost()) {
      pass(outcome instanceof Outcome.Ack ? outcome : LOST);
    } else if (outcome instanceof Outcome.Retry retry) {
      if (tried.attempt() < work.spec().policy().maxAttempts()) {
        comeBack(Verdict.retry(retry.delay()), Where.IN_PLACE, retry.cause());
      } else {
        exhausted(new Outcome.Reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause()));
      }
    } else if (outcome instanceof Outcome.Reject reject) {
      if (reject.reason() == DeadLetterReason.ATTEMPTS_EXHAUSTED
          && !(reject.cause() instanceof ParkTheGroup)) {
        exhausted(reject);
      } else {
        reject(reject);
      }
    } else if (outcome instanceof Outcome.Release release && isOfTheMessage(release)) {
      comeBack(Verdict.rerun(release.delay()));
    } else {
      pass(outcome);
    }
  }

  /** Not of the end of the flow or of the ownership. */
  private static boolean isOfTheMessage(Outcome.Release release) {
    return release.why() == Outcome.Release.Why.BUSY
        || release.why() == Outcome.Release.Why.CANCELLED;
  }

  private void reject(Outcome.Reject reject) {
    int attempts = tried.attempts(reject.attempts());
    pass(attempts > tried.delivery.origin().attempt() ? reject.withAttempts(attempts) : reject);
  }

  private void exhausted(Outcome.Reject reject) {
    RetrySpec spec = work.spec();
    Message<byte[]> message = tried.delivery.message();
    Channel waiting = spec.through();
    if (tried.rounds() >= spec.delayed()) {
      reject(reject);
    } else if (work.channelDelays(message)) {
      pass(Outcome.retry(spec.delay(), reject.cause()));
    } else if (waiting != null && message.group() == null) {
      moveTo(waiting, reject);
    } else {
      delayInPlace(reject);
    }
  }

  private void delayInPlace(Outcome.Reject reject) {
    tried.nextRound(reject.attempts());
    comeBack(Verdict.retry(work.spec().delay()), Where.HELD, reject.cause());
  }

  private void comeBack(Verdict verdict, Where where, @Nullable Throwable cause) {
    if (comeBack(verdict)) {
      work.retries().retrying(where, cause);
    }
  }

  /** Does not give up while the delivery is ours: what cannot be sent holds its place. */
  private void moveTo(Channel waiting, Outcome.Reject reject) {
    Message<byte[]> copy = copy();
    sending.update(
        Mono.defer(() -> waiting.send(copy))
            .switchIfEmpty(
                Mono.error(
                    () -> SendFailed.unknown(waiting.name(), "completed without a receipt", null)))
            .retryWhen(
                Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(100))
                    .maxBackoff(Duration.ofSeconds(10))
                    .filter(error -> !isRefused(error))
                    .doBeforeRetry(signal -> notYet(waiting, signal))
                    .scheduler(scheduler()))
            .map(receipt -> moved(reject))
            .takeUntilOther(lost())
            .defaultIfEmpty(LOST)
            .doOnCancel(() -> pass(RELEASED))
            .subscribe(this::pass, refused -> delayInPlace(reject)));
  }

  private Outcome moved(Outcome.Reject reject) {
    work.retries().retrying(Where.ELSEWHERE, reject.cause());
    return Outcome.deferred();
  }

  /** It may be away for hours, and many wait for it: each says so ever less often. */
  private void notYet(Channel waiting, Retry.RetrySignal signal) {
    long failures = signal.totalRetries() + 1;
    if (Long.bitCount(failures) == 1) {
      log.warn(
          "{} does not take {} yet ({}): {}",
          waiting.name(),
          this,
          failures,
          signal.failure().toString());
    }
  }

  private static boolean isRefused(Throwable error) {
    return error instanceof SendFailed failed
        && failed.certainty() == SendFailed.Certainty.PERMANENT;
  }

  private Message<byte[]> copy() {
    Message<byte[]> message = tried.delivery.message();
    return message.withHeaders(
        message
            .headers()
            .withReserved(Retrying.RETRIES_HEADER, Integer.toString(tried.rounds() + 1))
            .withReserved(
                Retrying.NOT_BEFORE_HEADER,
                work.clock().instant().plus(work.spec().delay()).toString()));
  }

  @Override
  public String toString() {
    return "attempt " + tried.attempts(0) + " at " + delivery();
  }
}
