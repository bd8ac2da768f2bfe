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

import dev.sluice.contract.Disturbance.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;

/**
 * One subscription to an operator whose whole surroundings are scripted: sources, user's functions,
 * their publishers, the subscriber, the time. Which of them acts next is drawn from a seed, so that
 * a trial can be repeated step by step, and something can be made to go wrong at any point of it.
 *
 * @param <T> the elements
 * @param <R> what the operator emits
 */
final class Trial<T, R> {

  /** Who brings the signals. */
  enum Pace {
    /** One step after the other, in an order drawn from the seed. */
    STEPWISE,
    /** Sources and publishers emit as soon as they are asked; the subscriber asks one by one. */
    GREEDY
  }

  /** What takes part in a race, besides elements, values and demand. */
  enum Rival {
    CANCEL,
    FAILURE,
    DEMAND
  }

  private static final String INSIDE_FUNCTION = "inside a call of ";
  private static final int MAX_STEPS = 10_000;
  private static final int RACE_SECONDS = 60;
  private static final Duration LONG = Duration.ofDays(400);

  private final OperatorContract<T, R> contract;
  private final long seed;
  private final Disturbance disturbance;
  private final Pace pace;
  private final Random random;
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private final History history = new History();
  private final Queue<String> problems = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> injected = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> told = new ConcurrentLinkedQueue<>();
  private final Queue<T> entered = new ConcurrentLinkedQueue<>();
  private final List<ScriptedFlux<T>> sources = new ArrayList<>();
  private final Queue<ScriptedFlux<?>> publishers = new ConcurrentLinkedQueue<>();
  private final List<List<Fault>> calls = new ArrayList<>(); // how each could fail
  private final Downstream<R> downstream = new Downstream<>(this);

  private final AtomicInteger moments = new AtomicInteger();
  private int steps;
  private volatile boolean racing;
  private volatile boolean quiet; // it is over and only time may pass
  private volatile boolean nullReturned; // where something was expected
  private volatile boolean mayFail;
  private volatile boolean badDemand;

  Trial(
      OperatorContract<T, R> contract,
      Pace pace,
      int elements,
      long seed,
      Disturbance disturbance) {
    this.contract = contract;
    this.pace = pace;
    this.seed = seed;
    this.disturbance = disturbance;
    this.random = new Random(seed);
    int count = contract.sources();
    for (int i = 0; i < count; i++) {
      int source = i;
      sources.add(
          new ScriptedFlux<>(
              this,
              "source " + i,
              elements,
              n -> element(source + n * count),
              null,
              pace == Pace.GREEDY,
              () -> {}));
    }
  }

  private T element(int n) {
    T element = contract.element(n);
    entered.add(element);
    return element;
  }

  Flux<R> assemble() {
    return contract.assemble(List.<Flux<T>>copyOf(sources), new UserCode(this));
  }

  // == the run ==

  /** Subscribes and goes on until nobody has anything left to do, in virtual time. */
  Trial<T, R> run() {
    VirtualTimeScheduler.set(time);
    try {
      subscribe();
      if (pace == Pace.GREEDY) {
        downstream.request(1);
      } else if (random(2) == 0) {
        downstream.request(Long.MAX_VALUE);
      }
      finish();
      quiet = true;
      time.advanceTimeBy(LONG); // a timer that is left would show itself
    } finally {
      VirtualTimeScheduler.reset();
    }
    return this;
  }

  /** Only subscribes; the rest is up to the test. */
  Trial<T, R> subscribe() {
    assemble().subscribe(downstream);
    return this;
  }

  /** Lets elements, values, demand and the rival come from a thread each, all at once. */
  Trial<T, R> race(Rival rival) {
    racing = true;
    subscribe();
    downstream.request(1 + random(3));
    for (int i = random(12); i > 0; i--) {
      step();
    }
    List<Runnable> racers = new ArrayList<>();
    for (ScriptedFlux<T> source : sources) {
      int failsAfter = rival == Rival.FAILURE ? random(8) : Integer.MAX_VALUE;
      racers.add(() -> hurry(source, failsAfter));
    }
    racers.add(this::hurryPublishers);
    racers.add(() -> downstream.request(3));
    if (rival == Rival.CANCEL) {
      racers.add(() -> downstream.cancel(false));
    } else {
      racers.add(() -> downstream.request(5));
    }
    RaceTestUtils.race(RACE_SECONDS, Schedulers.boundedElastic(), racers.toArray(Runnable[]::new));
    finish();
    return this;
  }

  /** Like a source that does not see at once that it was cancelled. */
  private void hurry(ScriptedFlux<T> source, int failsAfter) {
    for (int i = 0; i < 16; i++) {
      if (i == failsAfter) {
        source.fail(new IllegalStateException(source + " failed on purpose"));
      } else if (source.canStep()) {
        source.step();
      }
    }
  }

  private void hurryPublishers() {
    for (int i = 0; i < 16; i++) {
      for (ScriptedFlux<?> publisher : publishers) {
        if (!publisher.isEager() && publisher.canStep()) {
          publisher.step();
        }
      }
    }
  }

  /** Goes on step by step until nobody has anything left to do. */
  void finish() {
    while (step()) {
      if (++steps > MAX_STEPS) {
        problem("it does not come to an end");
        return;
      }
    }
  }

  /** Lets somebody act who can; false if nobody can. */
  private boolean step() {
    moment("before a step");
    if (disturbance.kind() == Kind.SOURCE_FAILS && disturbance.at() == steps) {
      ScriptedFlux<T> source = sources.get(disturbance.source());
      if (source.isSubscribed() && !source.isOver()) {
        source.fail(new IllegalStateException(source + " failed on purpose"));
        return true;
      }
    }
    List<ScriptedFlux<?>> ready = everybody().filter(ScriptedFlux::isReady).toList();
    boolean hungry = !downstream.isOver() && downstream.wantsNothing();
    int choices = ready.size() + (hungry ? 1 : 0);
    if (choices == 0) {
      return timersGoOn();
    }
    int choice = random(choices);
    if (choice == ready.size()) {
      downstream.request(1 + random(3));
    } else {
      ready.get(choice).step();
    }
    return true;
  }

  private boolean timersGoOn() {
    if (downstream.isOver()) {
      return false;
    }
    int before = moments.get();
    history.note("time passes");
    time.advanceTimeBy(LONG);
    return downstream.isOver()
        || moments.get() != before
        || everybody().anyMatch(ScriptedFlux::isReady);
  }

  Stream<ScriptedFlux<?>> everybody() {
    return Stream.concat(sources.stream(), publishers.stream());
  }

  /** Something is happening, and the subscriber may cancel right there. */
  void moment(String where) {
    int moment = moments.getAndIncrement();
    if (disturbance.kind() == Kind.CANCEL && disturbance.at() == moment && !downstream.isOver()) {
      history.note(where + ':');
      // what a function was about to give may still come
      downstream.cancel(!racing && !where.startsWith(INSIDE_FUNCTION));
    }
  }

  /** Functions may be called from several threads. */
  private int random(int bound) {
    synchronized (random) {
      return random.nextInt(bound);
    }
  }

  // == what the user's functions do ==

  <V> V call(String function, Object item, Supplier<? extends V> body) {
    Fault fault = begin(function, item, Fault.OF_A_VALUE);
    if (fault == null) {
      return body.get();
    }
    account(History.Kind.SHOWN, item);
    mayFail = true; // a null may be an answer, too
    return fail(fault, function);
  }

  <V> V make(String function, Object item, V made) {
    Fault fault = begin(function, item, Fault.OF_A_VALUE);
    account(fault == null ? History.Kind.TAKEN : History.Kind.SHOWN, item);
    if (fault != null) {
      nullReturned |= fault == Fault.NULL;
      return fail(fault, function);
    }
    entered(made, function + " makes ");
    return made;
  }

  <V> Publisher<V> publish(String function, Object item, List<V> values) {
    Fault fault = begin(function, item, Fault.OF_A_PUBLISHER);
    account(History.Kind.SHOWN, item);
    if (fault == Fault.THROWS || fault == Fault.NULL) {
      nullReturned |= fault == Fault.NULL;
      return fail(fault, function);
    }
    String name = function + " of " + identity(item);
    int way = random(pace == Pace.GREEDY ? 2 : 3);
    if (way == 0 && values.size() <= 1 && fault == null) {
      return callable(name, item, values);
    }
    ScriptedFlux<V> publisher =
        new ScriptedFlux<>(
            this,
            name,
            fault == Fault.ERROR ? 0 : values.size(),
            values::get,
            fault == null ? null : new IllegalStateException(name + " failed on purpose"),
            way == 1 || pace == Pace.GREEDY,
            () -> account(History.Kind.TAKEN, item));
    publishers.add(publisher);
    return publisher;
  }

  private <V> Publisher<V> callable(String name, Object item, List<V> values) {
    return Mono.fromCallable(
        () -> {
          account(History.Kind.TAKEN, item);
          if (values.isEmpty()) {
            return null;
          }
          entered(values.get(0), name + " returns ");
          return values.get(0);
        });
  }

  private @Nullable Fault begin(String function, Object item, List<Fault> faults) {
    history.note(function + " is called with " + identity(item));
    int call;
    synchronized (calls) {
      call = calls.size();
      calls.add(faults);
    }
    if (!racing && downstream.isOver()) {
      problem(function + " was called after the end");
    }
    moment(INSIDE_FUNCTION + function);
    return disturbance.kind() == Kind.CALL_FAILS && disturbance.at() == call
        ? disturbance.fault()
        : null;
  }

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // a faulty function returns null
  private <V> V fail(Fault fault, String function) {
    if (fault == Fault.NULL) {
      mayFail = true;
      history.note(function + " returns null");
      return null;
    }
    RuntimeException error = new IllegalStateException(function + " threw on purpose");
    signalled(error, function + " throws");
    throw error;
  }

  // == what the surroundings report ==

  void entered(Object item, String how) {
    Object identity = identity(item);
    if (identity != null) {
      history.item(History.Kind.ENTERED, identity, how + identity);
    }
  }

  void account(History.Kind kind, Object item) {
    Object identity = identity(item);
    if (identity != null) {
      history.item(kind, identity, identity + ": " + kind);
    }
  }

  private @Nullable Object identity(Object item) {
    return contract.identity(item);
  }

  @SuppressWarnings("ThreadPriorityCheck") // not for correctness: it makes races likely
  void received(R value) {
    contract.received(value);
    if (racing) {
      Thread.yield(); // the others may come meanwhile
    }
    if (pace == Pace.GREEDY) {
      downstream.request(1);
    }
  }

  void dropped(Object item) {
    account(History.Kind.DROPPED, item);
    contract.dropped(item);
  }

  void asked(ScriptedFlux<?> publisher, long n) {
    history.note(publisher + " is asked for " + n);
    if (quiet) {
      problem(publisher + " was asked for more after the end");
    }
    moment("inside request of " + publisher);
  }

  /** As an operator may that has no demand of its own, if its subscriber did. */
  void askedInVain(ScriptedFlux<?> publisher, long n) {
    if (!badDemand) {
      problem(publisher + " was asked for " + n);
    }
  }

  void signalled(Throwable error, String text) {
    mayFail = true;
    injected.add(error);
    history.note(text);
  }

  void told(Throwable error, String how) {
    history.note(how + error);
    told.add(error);
  }

  /** Asks for what nobody may ask for, so that an error would be all right. */
  void requestBadly(long n) {
    badDemand = true;
    mayFail = true;
    downstream.requestUnchecked(n);
  }

  void problem(String text) {
    history.note("PROBLEM: " + text);
    problems.add(text);
  }

  // == what a test looks at ==

  int moments() {
    return moments.get();
  }

  int steps() {
    return steps;
  }

  /** For each call of a user's function, in order, how it can fail. */
  List<List<Fault>> calls() {
    return calls;
  }

  Scheduler timer() {
    return time;
  }

  Downstream<R> downstream() {
    return downstream;
  }

  List<ScriptedFlux<T>> sources() {
    return sources;
  }

  History history() {
    return history;
  }

  // == the judgement ==

  /** Fails with everything that is wrong with this trial, and its history. */
  void verify() {
    if (!downstream.isSubscribed()) {
      problem("onSubscribe was never called");
    } else if (!downstream.isOver()) {
      problem("it stalls: nobody has anything left to do, and it has not ended");
    }
    everybody()
        .filter(publisher -> publisher.isSubscribed() && !publisher.isOver())
        .forEach(publisher -> problem(publisher + " was neither cancelled nor at its end"));
    history.unaccounted().forEach(this::problem);
    judgeErrors();
    try {
      contract.ended(List.copyOf(entered));
    } catch (AssertionError e) {
      problem(String.valueOf(e.getMessage()));
    }
    report();
  }

  /** Fails with the problems that were noted, and the history. */
  void report() {
    if (!problems.isEmpty()) {
      throw new AssertionError(
          "seed "
              + seed
              + ", "
              + disturbance
              + ":\n  "
              + String.join("\n  ", problems)
              + "\n  what happened:"
              + history);
    }
  }

  private void judgeErrors() {
    if (!mayFail) {
      told.forEach(error -> problem("there was an error: " + error + " (expected: none)"));
    }
    for (Throwable error : injected) {
      if (told.stream().noneMatch(t -> leadsTo(t, error))) {
        problem("nobody was told of: " + error.getMessage());
      }
    }
    if (nullReturned && told.isEmpty()) {
      problem("nobody was told of the null");
    }
  }

  private static boolean leadsTo(Throwable error, Throwable cause) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t == cause || Stream.of(t.getSuppressed()).anyMatch(s -> leadsTo(s, cause))) {
        return true;
      }
    }
    return false;
  }
}
