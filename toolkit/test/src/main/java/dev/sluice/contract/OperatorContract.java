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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.contract.Trial.Pace;
import dev.sluice.contract.Trial.Rival;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * What every operator of Sluice keeps, beyond the rules of Reactive Streams:
 *
 * <ul>
 *   <li><em>One fate</em>: each element that it takes from a source, and each value that a
 *       publisher of the user gives it, is emitted, handed to a function of the user, discarded or
 *       dropped: exactly one of these, wherever it is cancelled, a source fails, or a function
 *       throws or returns null, and whoever races whom.
 *   <li>It ends: it never stalls, cancels everything that it subscribed to, tells somebody of each
 *       error, and afterwards does nothing.
 *   <li>It is polite: signals do not overlap, nothing is emitted that was not asked for, demand
 *       does not overflow, a long synchronous sequence does not overflow the stack.
 *   <li>The Context of the subscriber is seen by sources and inner publishers; {@link Scannable}
 *       leads from the sources to the subscriber and back, and tells the state.
 * </ul>
 *
 * <p>A subclass says how the operator is assembled, with the functions of the user taken from
 * {@link UserCode}, and runs as a JUnit test:
 *
 * <pre>{@code
 * class GroupedConvoyContractTest extends OperatorContract<String, String> {
 *
 *   @Override
 *   protected String element(int n) {
 *     return "abc".charAt(n % 3) + "-" + n;
 *   }
 *
 *   @Override
 *   protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
 *     return sources
 *         .get(0)
 *         .transform(
 *             groupedConvoy(
 *                 e -> user.call("group", e, () -> e.charAt(0)),
 *                 e -> user.publish("worker", e, e + " is done"),
 *                 c -> c.concurrency(2).lookAhead(3)));
 *   }
 * }
 * }</pre>
 *
 * <p>Small bounds find more: with five elements a look-ahead of 1024 is never full. Configure no
 * retries: a function that failed once should have failed for good.
 *
 * <p>Everything but the races is deterministic and on virtual time: a failure tells the seed, what
 * was made to go wrong, and the history of the trial. The operator's timers may use the default
 * schedulers or {@link UserCode#timer()}; for the races only the latter is virtual. Do not run it
 * in parallel with other tests of the same JVM.
 *
 * @param <T> the elements of the sources
 * @param <R> what the operator emits
 */
@Experimental
@Timeout(300)
public abstract class OperatorContract<T, R> {

  private static final int ELEMENTS = 5;
  private static final int SEEDS = 64;
  private static final int RACES = 1_000;
  private static final int MANY = 20_000;

  // == what a subclass says ==

  /** An element of a source. Those of different numbers are not {@linkplain #identity equal}. */
  protected abstract T element(int n);

  /**
   * Assembles the operator. Called anew for each subscription.
   *
   * @param sources as many as {@link #sources()} says
   * @param user where the functions come from that a user would give it
   */
  protected abstract Flux<R> assemble(List<Flux<T>> sources, UserCode user);

  /** How many sources the operator has. Defaults to 1. */
  protected int sources() {
    return 1;
  }

  /**
   * What an item is recognised by: an element, a value of an inner publisher, or what the operator
   * emits. Null for what the operator has made itself and need not account for. Defaults to the
   * item.
   */
  protected @Nullable Object identity(Object item) {
    return item;
  }

  /** What the subscriber does with what it receives. Defaults to nothing. */
  protected void received(R output) {}

  /**
   * What an application does with what comes too late, in its {@code Hooks.onNextDropped}. Defaults
   * to nothing.
   */
  protected void dropped(Object item) {}

  /**
   * More to check when a subscription has ended, by completion, error or cancel.
   *
   * @param entered the elements that the sources have emitted
   */
  protected void ended(List<T> entered) {}

  // == one fate, one end ==

  /** Whatever comes in which order, it completes. */
  @Test
  void completesAndAccountsForEveryItem() {
    for (int seed = 0; seed < SEEDS; seed++) {
      undisturbed(seed).verify();
    }
  }

  @Test
  void completesWithItsSourcesWhenTheyAreEmpty() {
    new Trial<>(this, Pace.STEPWISE, 0, 1, Disturbance.NONE).run().verify();
  }

  /** Between any two signals, and inside every call of a function, every onNext and request. */
  @Test
  void mayBeCancelledAtAnyMoment() {
    for (int seed = 0; seed < SEEDS; seed++) {
      int moments = undisturbed(seed).moments();
      for (int moment = 0; moment < moments; moment++) {
        disturbed(seed, Disturbance.cancelAt(moment)).verify();
      }
    }
  }

  @Test
  void endsWhenASourceFailsAtAnyStep() {
    for (int seed = 0; seed < SEEDS; seed++) {
      int steps = undisturbed(seed).steps();
      for (int source = 0; source < sources(); source++) {
        for (int step = 0; step < steps; step++) {
          disturbed(seed, Disturbance.failSource(source, step)).verify();
        }
      }
    }
  }

  /** Each call of each function in turn throws, returns null, or a publisher that fails. */
  @Test
  void survivesEveryFailureOfAUsersFunction() {
    for (int seed = 0; seed < SEEDS; seed++) {
      List<List<Fault>> calls = undisturbed(seed).calls();
      for (int call = 0; call < calls.size(); call++) {
        for (Fault fault : calls.get(call)) {
          disturbed(seed, Disturbance.failCall(call, fault)).verify();
        }
      }
    }
  }

  @Test
  void keepsAccountWhenACancelRacesEverything() {
    race(Rival.CANCEL);
  }

  @Test
  void keepsAccountWhenAFailureOfASourceRacesEverything() {
    race(Rival.FAILURE);
  }

  @Test
  void losesNoDemandWhenRequestsRace() {
    race(Rival.DEMAND);
  }

  @Test
  void dropsWhatComesAfterTheEnd() {
    Trial<T, R> trial = undisturbed(1);
    for (ScriptedFlux<T> source : trial.sources()) {
      var subscriber = Objects.requireNonNull(source.subscriber(), "a source without subscriber");
      T late = element(1_000_000);
      trial.entered(late, "too late: ");
      subscriber.onNext(late);
      Throwable error = new IllegalStateException("too late");
      trial.signalled(error, "an error, too late");
      subscriber.onError(error);
      subscriber.onComplete();
      Subscription second = Operators.cancelledSubscription();
      subscriber.onSubscribe(second);
      break; // one is enough, and the element exists once
    }
    trial.verify();
  }

  // == demand ==

  @Test
  void asksNoSourceForMoreThanItsPrefetch() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Trial<T, R> trial = undisturbed(seed);
      for (ScriptedFlux<T> source : trial.sources()) {
        int prefetch = prefetch(source, trial.downstream());
        if (prefetch > 0) {
          assertThat(source.outstanding())
              .as("what %s was asked for and had not emitted", source)
              .isLessThanOrEqualTo(prefetch);
        }
      }
    }
  }

  @Test
  void takesDemandThatOverflows() {
    for (long n : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 1, 2}) {
      Trial<T, R> trial = fresh();
      trial.subscribe();
      trial.downstream().request(n);
      trial.downstream().request(Long.MAX_VALUE - 1);
      trial.downstream().request(Long.MAX_VALUE);
      trial.finish();
      trial.verify();
    }
  }

  /** It may refuse with an error, or ignore it. */
  @Test
  void emitsNothingForARequestOfZeroOrLess() {
    for (long n : new long[] {0, -1, Long.MIN_VALUE}) {
      Trial<T, R> trial = fresh();
      trial.subscribe();
      trial.requestBadly(n);
      trial.finish();
      trial.verify();
    }
  }

  @Test
  void doesNotRecurse() {
    new Trial<>(this, Pace.GREEDY, MANY / sources(), 1, Disturbance.NONE).run().verify();
  }

  // == Context ==

  @Test
  void showsTheContextToSourcesAndInnerPublishers() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Trial<T, R> trial = undisturbed(seed);
      trial
          .everybody()
          .filter(ScriptedFlux::isSubscribed)
          .forEach(
              publisher ->
                  assertThat(publisher.contextOfSubscriber().hasKey(Downstream.KEY))
                      .as("%s sees the Context of the subscriber", publisher)
                      .isTrue());
    }
  }

  // == Scannable ==

  @Test
  void canBeScannedFromEachSourceToTheSubscriber() {
    Trial<T, R> trial = undisturbed(1);
    trial
        .everybody()
        .filter(ScriptedFlux::isSubscribed)
        .forEach(
            publisher -> {
              List<Scannable> path = path(publisher, trial.downstream());
              assertThat(path.isEmpty())
                  .as("ACTUAL does not lead from %s to the subscriber", publisher)
                  .isFalse();
              for (Scannable step : path) {
                if (!step.getClass().getName().startsWith("reactor.")) {
                  assertThat(step.scanUnsafe(Attr.RUN_STYLE))
                      .as("RUN_STYLE of a %s", step.getClass().getName())
                      .isNotNull();
                }
              }
            });
  }

  @Test
  void canBeScannedFromTheSubscriberToASource() {
    Trial<T, R> trial = fresh();
    trial.subscribe();
    assertThat(upstream(trial.downstream().subscription()))
        .as("PARENT and inners lead from the subscriber to the sources")
        .containsAll(trial.sources());
    assertThat(Scannable.from(trial.assemble()).isScanAvailable())
        .as("the assembly can be scanned")
        .isTrue();
    trial.downstream().cancel(true);
    trial.verify();
  }

  @Test
  void tellsThatItHasEnded() {
    Trial<T, R> trial = undisturbed(1);
    assertThat(states(trial, Attr.TERMINATED)).as("TERMINATED").contains(true);
    assertThat(states(trial, Attr.CANCELLED)).as("CANCELLED").doesNotContain(true);
  }

  @Test
  void tellsThatItWasCancelled() {
    Trial<T, R> trial = fresh();
    trial.subscribe();
    assertThat(states(trial, Attr.TERMINATED)).as("TERMINATED at first").contains(false);
    assertThat(states(trial, Attr.CANCELLED)).as("CANCELLED at first").contains(false);
    trial.downstream().cancel(true);
    assertThat(states(trial, Attr.CANCELLED)).as("CANCELLED then").contains(true);
    assertThat(states(trial, Attr.TERMINATED)).as("TERMINATED then").doesNotContain(true);
  }

  /** What the steps from a source to the subscriber tell of themselves. */
  private static List<Boolean> states(Trial<?, ?> trial, Attr<Boolean> state) {
    return path(trial.sources().get(0), trial.downstream()).stream()
        .map(step -> step.scanUnsafe(state))
        .filter(Boolean.class::isInstance)
        .map(Boolean.class::cast)
        .toList();
  }

  // == how ==

  private Trial<T, R> fresh() {
    return new Trial<>(this, Pace.STEPWISE, ELEMENTS, 1, Disturbance.NONE);
  }

  private Trial<T, R> undisturbed(int seed) {
    return disturbed(seed, Disturbance.NONE);
  }

  private Trial<T, R> disturbed(int seed, Disturbance disturbance) {
    return new Trial<>(this, Pace.STEPWISE, ELEMENTS, seed, disturbance).run();
  }

  private void race(Rival rival) {
    for (int round = 0; round < RACES; round++) {
      new Trial<>(this, Pace.STEPWISE, ELEMENTS, round, Disturbance.NONE).race(rival).verify();
    }
  }

  /** What stands between a source and the subscriber; empty if the way does not lead there. */
  private static List<Scannable> path(ScriptedFlux<?> source, Downstream<?> downstream) {
    List<Scannable> path = new ArrayList<>();
    Object next = source.subscriber();
    while (next != downstream) {
      Scannable step = Scannable.from(next);
      if (next == null || !step.isScanAvailable() || path.size() > 100) {
        return List.of();
      }
      path.add(step);
      next = step.scanUnsafe(Attr.ACTUAL);
    }
    return path;
  }

  private static int prefetch(ScriptedFlux<?> source, Downstream<?> downstream) {
    return path(source, downstream).stream()
        .map(step -> step.scanUnsafe(Attr.PREFETCH))
        .filter(Integer.class::isInstance)
        .map(Integer.class::cast)
        .findFirst()
        .orElse(0);
  }

  /** Everything that can be reached by going up. */
  private static Set<Object> upstream(@Nullable Subscription subscription) {
    Set<Object> seen = new HashSet<>();
    Deque<Scannable> todo = new ArrayDeque<>();
    todo.add(Scannable.from(subscription));
    while (!todo.isEmpty()) {
      Scannable step = todo.removeFirst();
      if (step.isScanAvailable() && seen.add(step)) {
        todo.add(Scannable.from(step.scanUnsafe(Attr.PARENT)));
        step.inners().forEach(todo::add);
      }
    }
    return seen;
  }
}
