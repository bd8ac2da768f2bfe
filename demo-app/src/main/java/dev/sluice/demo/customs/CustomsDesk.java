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
package dev.sluice.demo.customs;

import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.demo.problem.Problem;
import dev.sluice.demo.xray.Xrays;
import dev.sluice.message.Message;
import dev.sluice.requestreply.RequestFailed;
import dev.sluice.requestreply.Requester;
import dev.sluice.requestreply.RequesterBusy;
import dev.sluice.requestreply.RequesterStopped;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Mono;

/**
 * Asks customs about bags: over a queue, with the answers on a queue of this process. Who asks
 * waits for a while; an answer that comes later is counted, and one that nobody can wait for any
 * more is not worked on.
 */
final class CustomsDesk implements LiveSection, SmartLifecycle {

  private static final byte[] NOTHING = {};
  private static final int MAX_PENDING = 1_000;
  private static final int SHOWN = 8;
  private static final Duration GRACE = Duration.ofSeconds(2);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(10);
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final Outbound<byte[]> questions;
  private final Inbound answers;
  private final Unanswered unanswered;
  private final Xrays xrays;
  private final BooleanSupplier slow;
  private final CustomsProperties properties;
  private final Clock clock;
  private final Deque<Check> last = new ArrayDeque<>(); // guarded by itself
  private volatile @Nullable Requester<Verdict> requester;

  CustomsDesk(
      Outbound<byte[]> questions,
      Inbound answers,
      Unanswered unanswered,
      Xrays xrays,
      BooleanSupplier slow,
      CustomsProperties properties,
      Clock clock) {
    this.questions = questions;
    this.answers = answers;
    this.unanswered = unanswered;
    this.xrays = xrays;
    this.slow = slow;
    this.properties = properties;
    this.clock = clock;
  }

  /**
   * A bag that customs was asked about.
   *
   * @param verdict null if there was none in time
   * @param tookMillis from the question to the answer, or to the end of the patience
   */
  record Check(String tag, Instant at, @Nullable Verdict verdict, long tookMillis) {}

  /**
   * What the page shows.
   *
   * @param slow whether customs is slow
   * @param pending questions that wait for an answer
   * @param answered answers that came in time
   * @param late answers for which nobody waited any more
   * @param expired questions that customs did not answer because nobody could wait any more
   * @param last the last ones that were asked about, the newest first
   */
  record View(
      boolean slow, int pending, long answered, long late, long expired, List<Check> last) {}

  /** Asks about a bag; fails with a {@link Problem} if there is no answer in time. */
  Mono<Verdict> check(String tag) {
    return Mono.defer(
        () -> {
          Requester<Verdict> asking = requester;
          if (asking == null) {
            return Mono.error(Problem.unavailable("customs is closed", RETRY_AFTER, null));
          }
          Instant asked = clock.instant();
          return xrays
              .claim(tag)
              .defaultIfEmpty(Message.builder(NOTHING).type("customs.check").group(tag).build())
              .flatMap(question -> asking.request(questions, question))
              .timeout(properties.patience())
              .doOnNext(verdict -> remember(tag, asked, verdict))
              .doOnError(TimeoutException.class, late -> remember(tag, asked, null))
              .onErrorMap(this::problem);
        });
  }

  private Throwable problem(Throwable failure) {
    if (failure instanceof TimeoutException) {
      return Problem.noAnswer("customs has not answered within " + properties.patience());
    }
    if (failure instanceof RequesterBusy
        || failure instanceof RequesterStopped
        || failure instanceof StoreFailed) {
      return Problem.unavailable("customs cannot be asked now", RETRY_AFTER, failure);
    }
    return failure instanceof RequestFailed
        ? Problem.unavailable("customs could not look at the bag", RETRY_AFTER, failure)
        : failure;
  }

  private void remember(String tag, Instant asked, @Nullable Verdict verdict) {
    Instant now = clock.instant();
    Check check = new Check(tag, now, verdict, Duration.between(asked, now).toMillis());
    synchronized (last) {
      last.addFirst(check);
      if (last.size() > SHOWN) {
        last.removeLast();
      }
    }
  }

  // == the page ==

  @Override
  public String event() {
    return "customs";
  }

  @Override
  public View view() {
    Requester<Verdict> asking = requester;
    List<Check> checks;
    synchronized (last) {
      checks = List.copyOf(last);
    }
    if (asking == null) {
      return new View(slow.getAsBoolean(), 0, 0, 0, unanswered.expired(), checks);
    }
    Requester.Stats stats = asking.stats();
    return new View(
        slow.getAsBoolean(),
        stats.pending(),
        stats.answered(),
        stats.late(),
        unanswered.expired(),
        checks);
  }

  // == lifecycle ==

  @Override
  public void start() {
    requester =
        Requester.over(
            answers,
            JacksonCodec.json(Verdict.class),
            s -> s.timeout(properties.deadline()).maxPending(MAX_PENDING));
  }

  /** Lets those who wait have their answers for a moment. */
  @Override
  public void stop() {
    Requester<Verdict> asking = requester;
    if (asking != null) {
      requester = null;
      asking.stop(GRACE).block(STOP_WITHIN);
    }
  }

  @Override
  public boolean isRunning() {
    return requester != null;
  }

  /** Before pictures are taken and the web server takes requests. */
  @Override
  public int getPhase() {
    return 300;
  }
}
