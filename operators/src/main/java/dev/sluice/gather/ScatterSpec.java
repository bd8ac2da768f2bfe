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
package dev.sluice.gather;

import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.scheduler.Scheduler;

/**
 * The options of a scatter. Immutable: each method returns a changed copy.
 *
 * <p>One of {@link #all}, {@link #first}, {@link #quorum(int)} and {@link #until} says what is
 * wanted; the last one said holds.
 *
 * @param <R> the answers
 */
public final class ScatterSpec<R> {

  // Written only while a copy is made.
  private String name = "scatterGather";
  private Goal<R> goal = Goal.all();
  private @Nullable Duration within;
  private Incomplete onIncomplete = Incomplete.PARTIAL;
  private @Nullable Function<? super Gathered<R>, ? extends Publisher<? extends R>> fallback;
  private @Nullable Duration timeout;
  private ErrorPolicy retry = ErrorPolicy.defaults().retries(0);
  private int asksAtOnce; // 0: any number
  private int asksWaiting;
  private @Nullable Duration hedgeAfter;
  private int hedges;
  private int concurrency = 64;
  private int maxRecipients = 256;
  private @Nullable Scheduler timer;
  private SafeListener listener = SafeListener.NOBODY;

  private ScatterSpec() {}

  private ScatterSpec(ScatterSpec<R> other) {
    this.name = other.name;
    this.goal = other.goal;
    this.within = other.within;
    this.onIncomplete = other.onIncomplete;
    this.fallback = other.fallback;
    this.timeout = other.timeout;
    this.retry = other.retry;
    this.asksAtOnce = other.asksAtOnce;
    this.asksWaiting = other.asksWaiting;
    this.hedgeAfter = other.hedgeAfter;
    this.hedges = other.hedges;
    this.concurrency = other.concurrency;
    this.maxRecipients = other.maxRecipients;
    this.timer = other.timer;
    this.listener = other.listener;
  }

  static <R> ScatterSpec<R> defaults() {
    return new ScatterSpec<>();
  }

  /** What the scatter is called in assembly traces, scans and errors. Defaults to scatterGather. */
  public ScatterSpec<R> name(String name) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.name = Objects.requireNonNull(name, "name");
    return copy;
  }

  // == what is wanted ==

  /**
   * An end of every leg, whatever it is: nobody's failure ends the others. Complete when every
   * recipient has answered or has ended empty. The default.
   */
  public ScatterSpec<R> all() {
    return goal(Goal.all());
  }

  /**
   * So many answers; the other recipients are cancelled. With as many as there are recipients, the
   * first failure ends the gather.
   *
   * @param n 1 or more, and not more than the recipients when these are fixed
   */
  public ScatterSpec<R> first(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("first: " + n + " (expected: >= 1)");
    }
    return goal(Goal.first(n));
  }

  /** So many equal answers, by {@code equals}. */
  public ScatterSpec<R> quorum(int n) {
    return quorum(n, Objects::equals);
  }

  /**
   * So many equal answers; the other recipients are cancelled. A recipient has one vote, whatever
   * it and its hedge say.
   *
   * @param n 1 or more, and not more than the recipients when these are fixed; a majority if only
   *     one answer is to win
   * @param equality whether two answers are equal; an equivalence, called once for each different
   *     answer before. What it throws ends the gather
   */
  public ScatterSpec<R> quorum(int n, BiPredicate<? super R, ? super R> equality) {
    if (n < 1) {
      throw new IllegalArgumentException("quorum: " + n + " (expected: >= 1)");
    }
    return goal(Goal.quorum(n, Objects.requireNonNull(equality, "equality")));
  }

  /**
   * Answers that are enough; the other recipients are cancelled.
   *
   * @param enough called with the answers so far, in the order in which they came, after each of
   *     them; the list is valid during the call only. What it throws ends the gather
   */
  public ScatterSpec<R> until(Predicate<? super List<R>> enough) {
    return goal(Goal.until(Objects.requireNonNull(enough, "enough")));
  }

  private ScatterSpec<R> goal(Goal<R> goal) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.goal = goal;
    return copy;
  }

  // == by when, and what then ==

  /**
   * The time for the whole gather, from the subscription, with the selection of the recipients,
   * retries, hedges and waiting included. Then recipients that have not answered are cancelled and
   * have TIMED_OUT. Recipients find the deadline in their Context as {@link
   * dev.sluice.channel.Recipient#DEADLINE}. Defaults to no limit.
   *
   * @param within more than zero, at most 365 days
   */
  public ScatterSpec<R> within(Duration within) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.within = Times.positive("within", within);
    return copy;
  }

  /**
   * What becomes of a collected gather that is not complete, because the time is up or because what
   * was wanted cannot come any more. Defaults to {@link Incomplete#PARTIAL}. A streamed gather that
   * is not complete always ends with {@link IncompleteGather}, because a stream that just ends
   * looks complete.
   */
  public ScatterSpec<R> onIncomplete(Incomplete onIncomplete) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.onIncomplete = Objects.requireNonNull(onIncomplete, "onIncomplete");
    return copy;
  }

  /**
   * What stands in for the answers that an incomplete gather lacks: its first value becomes one
   * more leg, in the state {@link Leg.State#FALLBACK}; the result still says that it is not
   * complete. Comes before {@link #onIncomplete}, which holds when the fallback is empty. When it
   * fails, so does the gather, with {@link IncompleteGather}. It runs after the deadline and has no
   * time limit of its own. Defaults to none.
   */
  public ScatterSpec<R> fallback(
      Function<? super Gathered<R>, ? extends Publisher<? extends R>> fallback) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.fallback = Objects.requireNonNull(fallback, "fallback");
    return copy;
  }

  // == for each recipient ==

  /**
   * How long one ask of one recipient may take; then it is cancelled and has failed with a {@link
   * java.util.concurrent.TimeoutException}, which may be retried. What waits for a place in the
   * bulkhead has not been asked yet. A recipient that returns a {@code Callable}, such as {@code
   * Mono.fromCallable}, runs where it is called and cannot be timed out. Defaults to no limit.
   *
   * @param timeout more than zero, at most 365 days
   */
  public ScatterSpec<R> timeout(Duration timeout) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.timeout = Times.positive("timeout", timeout);
    return copy;
  }

  /**
   * How often, and after what wait, a recipient that failed is asked again. A retry that could only
   * start after the deadline does not take place. What the policy's classifier calls fatal ends the
   * gather. Defaults to no retries.
   *
   * @param change is given {@link ErrorPolicy#defaults()}, which has 3 retries
   */
  public ScatterSpec<R> retry(UnaryOperator<ErrorPolicy> change) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.retry = Objects.requireNonNull(change.apply(ErrorPolicy.defaults()), "retry");
    return copy;
  }

  /**
   * How many asks of one recipient run at once, over all gathers of this scatter; so that one slow
   * recipient does not take all connections. Others wait for a place, in the order in which they
   * came, and those that find no place to wait fail with {@link RecipientBusy}. A wait before a
   * retry holds no place. A hedge takes one or does not take place. Defaults to no bound.
   *
   * @param running asks of one recipient at once, 1 or more
   * @param waiting asks that wait for one recipient, 0 or more
   */
  public ScatterSpec<R> bulkhead(int running, int waiting) {
    if (running < 1) {
      throw new IllegalArgumentException("running: " + running + " (expected: >= 1)");
    }
    if (waiting < 0) {
      throw new IllegalArgumentException("waiting: " + waiting + " (expected: >= 0)");
    }
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.asksAtOnce = running;
    copy.asksWaiting = waiting;
    return copy;
  }

  /**
   * Asks a recipient a second time, with {@link dev.sluice.channel.Recipient#hedge}, when it has
   * not answered after a while, or at once when its first ask fails. Whichever of the two answers
   * first counts, and the other is cancelled; the leg has failed only when both have. A hedge is
   * not retried. Defaults to none.
   *
   * <p><img class="marble" src="doc-files/scatterGatherHedge.svg" alt="Who does not answer for a
   * while is asked a second time; the first answer of the two counts">
   *
   * @param after the time from the first ask, more than zero, at most 365 days; a high percentile
   *     of how long answers usually take
   * @param max legs of one gather that are hedged, 1 or more: the bound on additional load
   */
  public ScatterSpec<R> hedge(Duration after, int max) {
    if (max < 1) {
      throw new IllegalArgumentException("max: " + max + " (expected: >= 1)");
    }
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.hedgeAfter = Times.positive("after", after);
    copy.hedges = max;
    return copy;
  }

  // == the rest ==

  /**
   * How many requests of a Flux are gathered at once. Defaults to 64; without effect on single
   * requests.
   *
   * @param requests 1 or more
   */
  public ScatterSpec<R> concurrency(int requests) {
    if (requests < 1) {
      throw new IllegalArgumentException("concurrency: " + requests + " (expected: >= 1)");
    }
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.concurrency = requests;
    return copy;
  }

  /**
   * How many recipients may be selected for one request; one more ends the gather with an error.
   * Defaults to 256. Without effect on fixed recipients, whose number is known.
   *
   * @param maxRecipients 1 or more
   */
  public ScatterSpec<R> maxRecipients(int maxRecipients) {
    if (maxRecipients < 1) {
      throw new IllegalArgumentException("maxRecipients: " + maxRecipients + " (expected: >= 1)");
    }
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.maxRecipients = maxRecipients;
    return copy;
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public ScatterSpec<R> timer(Scheduler timer) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.timer = Timers.require("timer", timer);
    return copy;
  }

  /** Who hears what becomes of asks. Defaults to nobody. */
  public ScatterSpec<R> listener(ScatterListener listener) {
    ScatterSpec<R> copy = new ScatterSpec<>(this);
    copy.listener = new SafeListener(Objects.requireNonNull(listener, "listener"));
    return copy;
  }

  // == for the operator ==

  String name() {
    return name;
  }

  Goal<R> goal() {
    return goal;
  }

  /** In nanoseconds; {@code Long.MAX_VALUE} for no limit, as in the two that follow. */
  long withinNanos() {
    return nanos(within);
  }

  long timeoutNanos() {
    return nanos(timeout);
  }

  long hedgeAfterNanos() {
    return nanos(hedgeAfter);
  }

  /** Whether a leg can have something due before the deadline. */
  boolean timed() {
    return timeout != null || hedges > 0 || retry.maxAttempts() > 1;
  }

  private static long nanos(@Nullable Duration duration) {
    return duration == null ? Long.MAX_VALUE : duration.toNanos();
  }

  Incomplete onIncomplete() {
    return onIncomplete;
  }

  @Nullable Function<? super Gathered<R>, ? extends Publisher<? extends R>> fallback() {
    return fallback;
  }

  ErrorPolicy retry() {
    return retry;
  }

  @Nullable Bulkheads bulkheads() {
    return asksAtOnce == 0 ? null : new Bulkheads(asksAtOnce, asksWaiting);
  }

  int hedges() {
    return hedges;
  }

  int concurrency() {
    return concurrency;
  }

  int maxRecipients() {
    return maxRecipients;
  }

  @Nullable Scheduler timer() {
    return timer;
  }

  SafeListener listener() {
    return listener;
  }
}
