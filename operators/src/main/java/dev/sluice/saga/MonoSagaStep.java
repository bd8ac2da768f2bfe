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
package dev.sluice.saga;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoOperator;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Asks the saga that is found in the Context for a step, when the input has come.
 *
 * <p>Hand-written rather than {@code deferContextual} and {@code flatMap}: who subscribes is at
 * once who waits for the step, so that a subscription makes two objects, and a third if the action
 * is not there already.
 */
final class MonoSagaStep<I, O> extends MonoOperator<I, O> {

  private final StepPlan<I, O> plan;

  private MonoSagaStep(Mono<I> source, StepPlan<I, O> plan) {
    super(source);
    this.plan = plan;
  }

  static <I, O> Mono<O> create(Mono<I> source, StepPlan<I, O> plan) {
    return onAssembly(new MonoSagaStep<>(source, plan));
  }

  @Override
  @SuppressWarnings("unchecked") // the source was given as a Mono<I>
  public void subscribe(CoreSubscriber<? super O> actual) {
    Context context = actual.currentContext();
    Object scope = context.getOrDefault(Sagas.SCOPE, "none");
    if (scope instanceof SagaRun<?> run) {
      source.subscribe(new StepMain<>(actual, context, run, plan));
    } else if (plan.spec().isStandalone()) {
      Sagas.alone(plan, (Mono<I>) source).subscribe(actual);
    } else {
      Operators.error(
          actual,
          new IllegalStateException(
              "step "
                  + plan.name()
                  + " is in: "
                  + scope
                  + " (expected: a saga, or StepSpec.standalone())"));
    }
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return plan.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return super.scanUnsafe(key);
  }

  /** Who has asked for a step, and waits for what it gives. */
  static final class StepMain<I, O> implements CoreSubscriber<I>, Subscription, Scannable {

    /*
     * Threads: the source signals on its own. With its first value this is one of those who wait
     * for a step, which answers once, on the thread of its action. cancel comes from anywhere; the
     * step looks at it when it ends, and is not stopped by it.
     * done      the source's thread only
     * I1 downstream hears of the end from the source while done is false, from the step afterwards.
     */

    private final CoreSubscriber<? super O> actual;
    private final Context context;
    private final SagaRun<?> run;
    private final StepPlan<I, O> plan;

    @SuppressWarnings("NullAway.Init") // set in onSubscribe, before anything else
    private Subscription s;

    private volatile boolean cancelled;
    private boolean done;

    StepMain(
        CoreSubscriber<? super O> actual, Context context, SagaRun<?> run, StepPlan<I, O> plan) {
      this.actual = actual;
      this.context = context;
      this.run = run;
      this.plan = plan;
    }

    @Override
    public Context currentContext() {
      return context;
    }

    // == source side ==

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.validate(s, subscription)) {
        s = subscription;
        actual.onSubscribe(this);
      }
    }

    @Override
    public void onNext(I input) {
      if (done) {
        Operators.onNextDropped(input, context);
        return;
      }
      done = true;
      if (cancelled) {
        Operators.onDiscard(input, context);
        return;
      }
      Step<I, O> mine;
      Step<I, O> found;
      try {
        mine = new Step<>(run, plan, plan.spec().keyOf(input), input, this);
        found = run.intend(mine);
      } catch (Throwable t) {
        actual.onError(Operators.onOperatorError(s, t, input, context));
        return;
      }
      if (found == mine) {
        run.begin(mine);
      } else {
        found.answer(this);
      }
    }

    @Override
    public void onError(Throwable error) {
      if (done) {
        Operators.onErrorDropped(error, context);
        return;
      }
      done = true;
      actual.onError(error);
    }

    @Override
    public void onComplete() {
      if (!done) {
        done = true;
        actual.onComplete();
      }
    }

    // == step side ==

    void give(@Nullable O output) {
      if (!cancelled) {
        if (output != null) {
          actual.onNext(output);
        }
        actual.onComplete();
      }
    }

    void fail(Throwable error) {
      if (!cancelled) {
        actual.onError(error);
      }
    }

    // == subscriber side ==

    @Override
    public void request(long n) {
      s.request(n);
    }

    @Override
    public void cancel() {
      cancelled = true;
      s.cancel();
    }

    boolean isCancelled() {
      return cancelled;
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.PARENT) {
        return s;
      }
      if (key == Attr.ACTUAL) {
        return actual;
      }
      if (key == Attr.CANCELLED) {
        return cancelled;
      }
      return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }
}
