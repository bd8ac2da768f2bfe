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
package dev.sluice.requestreply;

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.time.Timers;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link Replier}. Immutable: each method returns a changed copy. */
public final class ReplierSpec implements Cloneable {

  // Assigned only before a copy is given away.
  private int concurrency = 64;
  private Function<? super Throwable, Refusal> refusal = ReplierSpec::describe;
  private @Nullable Scheduler timer;

  private ReplierSpec() {}

  static ReplierSpec defaults() {
    return new ReplierSpec();
  }

  private ReplierSpec with(Consumer<ReplierSpec> change) {
    try {
      ReplierSpec copy = (ReplierSpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * How many requests a flow works on at once. Defaults to 64.
   *
   * @param concurrency 1 or more
   */
  public ReplierSpec concurrency(int concurrency) {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
    return with(copy -> copy.concurrency = concurrency);
  }

  /**
   * What the requester is told of a failure. Defaults to what a {@link Refused} says; for others to
   * the simple name of the class, the message, and {@linkplain ErrorClassifier.Kind#POISON poison}
   * only if it says so itself ({@link ErrorClassifier.Classified}): other failures leave open
   * whether the work was done. Say less if requesters are strangers.
   *
   * @param refusal must neither throw nor return null
   */
  public ReplierSpec refusal(Function<? super Throwable, Refusal> refusal) {
    Objects.requireNonNull(refusal, "refusal");
    return with(copy -> copy.refusal = refusal);
  }

  /**
   * Where deadlines are scheduled, and their clock. Defaults to Schedulers.parallel().
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public ReplierSpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  private static Refusal describe(Throwable failure) {
    if (failure instanceof Refused refused) {
      return refused.refusal();
    }
    boolean refused =
        failure instanceof ErrorClassifier.Classified classified
            && classified.kind() == ErrorClassifier.Kind.POISON;
    return Refusal.of(
        failure.getClass().getSimpleName(),
        Objects.requireNonNullElse(failure.getMessage(), ""),
        refused ? ErrorClassifier.Kind.POISON : ErrorClassifier.Kind.TRANSIENT);
  }

  // == values ==

  int concurrency() {
    return concurrency;
  }

  Refusal refusalOf(Throwable failure) {
    try {
      return Objects.requireNonNull(refusal.apply(failure), "the function gave null");
    } catch (RuntimeException e) {
      return describe(e);
    }
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}
