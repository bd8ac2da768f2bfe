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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.Remedy;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.Task.State;
import dev.sluice.store.Task.StepState;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Cause;
import dev.sluice.store.TaskStore.Dispatch;
import dev.sluice.store.TaskStore.Query;
import dev.sluice.store.TaskStore.Renewal;
import dev.sluice.store.TaskStore.Run;
import dev.sluice.store.TaskStore.Stats;
import dev.sluice.store.TaskStore.Summary;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.store.TaskStore.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What every {@link TaskStore} must do. A test of a store extends it and says how the store is made
 * and how its time passes.
 */
public abstract class TaskContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RIVALS = 16;
  private static final int ROUNDS = 10;

  private final String kind = "contract-" + UUID.randomUUID();
  private final String channel = "channel-" + UUID.randomUUID();
  private final String other = "other-" + UUID.randomUUID();
  private int started;

  /**
   * The store, with room for a few hundred tasks. What is in it does not matter: every test uses
   * tasks and channels of its own.
   */
  protected abstract TaskStore store();

  /** Lets so much time of the store pass, or a little more. */
  protected abstract void pass(Duration time);

  // == helpers ==

  private static Content text(String text) {
    return Content.of("text/plain", text.getBytes(UTF_8));
  }

  private NewTask.Step step(String name, String... after) {
    return step(name, LONG, List.of(), after);
  }

  private NewTask.Step step(String name, Duration within, List<Remedy> remedies, String... after) {
    return new NewTask.Step(name, channel, text("in " + name), Set.of(after), within, remedies);
  }

  private String start(NewTask.Step... steps) {
    String id = kind + "-" + ++started;
    is(true, store().start(new NewTask(id, kind, List.of(steps))));
    return id;
  }

  /** One step after another: a, b, c. */
  private String chain() {
    return start(step("a"), step("b", "a"), step("c", "b"));
  }

  /** First a, then b and c, then d. */
  private String diamond() {
    return start(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"));
  }

  private static <T> T get(Mono<T> mono) {
    return Objects.requireNonNull(mono.block(PATIENCE));
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    assertThat(get(answer)).isEqualTo(expected);
  }

  private List<Dispatch> dispatched() {
    return get(store().dispatch(List.of(channel), 1_000, LONG).collectList());
  }

  /** The names of the steps that are ready now and were not sent before. */
  private List<String> ready() {
    return dispatched().stream().map(dispatch -> dispatch.key().step()).sorted().toList();
  }

  private Run claim(String task, String step) {
    return claim(task, step, LONG);
  }

  private Run claim(String task, String step, Duration lease) {
    return get(store().claim(new StepKey(task, step), view(task, step).version(), "agent", lease));
  }

  private void does(String task, String... steps) {
    for (String step : steps) {
      is(true, store().done(claim(task, step), text("out " + step)));
    }
  }

  private Task task(String id) {
    return get(store().find(id));
  }

  private Task.Step view(String task, String step) {
    return task(task).step(step);
  }

  private void isNow(String task, String step, StepState state) {
    assertThat(view(task, step).state()).as(step).isEqualTo(state);
  }

  private List<Trouble> troubles(String task) {
    return get(
        store()
            .trouble(1_000, LONG)
            .filter(trouble -> trouble.key().task().equals(task))
            .collectList());
  }

  private Trouble trouble(String task) {
    List<Trouble> troubles = troubles(task);
    assertThat(troubles).hasSize(1);
    return troubles.get(0);
  }

  private Mono<Boolean> treat(Trouble trouble, Treatment treatment) {
    return store().treat(trouble.key(), trouble.version(), treatment, "why not");
  }

  private Treatment again() {
    return new Treatment.Again(channel, Duration.ZERO, 1);
  }

  // == forward ==

  @Test
  void startsATaskOnceWithTheStepsThatComeAfterNothing() {
    NewTask asked = new NewTask(kind, kind, List.of(step("a"), step("b", "a"), step("c")));
    is(true, store().start(asked));
    is(false, store().start(asked));
    assertThat(ready()).containsExactly("a", "c");
    Task task = task(kind);
    assertThat(task.kind()).isEqualTo(kind);
    assertThat(task.state()).isEqualTo(State.RUNNING);
    assertThat(task.steps()).extracting(Task.Step::name).containsExactly("a", "b", "c");
    assertThat(task.steps())
        .extracting(Task.Step::state)
        .containsExactly(StepState.READY, StepState.WAITING, StepState.READY);
    assertThat(task.step("b").after()).containsExactly("a");
    assertThat(store().find("unknown").blockOptional(PATIENCE)).isEmpty();
  }

  @Test
  void startsNothingUntilSomebodySubscribes() {
    Mono<Boolean> later = store().start(new NewTask(kind, kind, List.of(step("a"))));
    assertThat(store().find(kind).blockOptional(PATIENCE)).isEmpty();
    is(true, later);
    assertThat(task(kind).state()).isEqualTo(State.RUNNING);
  }

  @Test
  void aStepFollowsWhenAllBeforeItAreDone() {
    String task = diamond();
    assertThat(ready()).containsExactly("a");
    does(task, "a");
    assertThat(ready()).containsExactly("b", "c");
    does(task, "c");
    assertThat(ready()).isEmpty();
    is(true, store().done(claim(task, "b"), null));
    assertThat(ready()).containsExactly("d");
    Run last = claim(task, "d");
    assertThat(last.key()).isEqualTo(new StepKey(task, "d"));
    assertThat(last.kind()).isEqualTo(kind);
    assertThat(last.undoing()).isFalse();
    assertThat(last.input()).isEqualTo(text("in d"));
    assertThat(last.attempt()).isEqualTo(1);
    assertThat(last.left()).isPositive().isLessThanOrEqualTo(LONG);
    assertThat(last.outputs()).containsOnlyKeys("c");
    assertThat(last.outputs().get("c")).isEqualTo(text("out c"));
    is(true, store().done(last, null));
    assertThat(task(task).state()).isEqualTo(State.DONE);
    assertThat(view(task, "c").output()).isEqualTo(text("out c"));
    assertThat(view(task, "c").agent()).isEqualTo("agent");
    assertThat(ready()).isEmpty();
    assertThat(troubles(task)).isEmpty();
  }

  @Test
  void ofTwoStepsThatEndAtOnceTheLastMakesTheNextReady() {
    for (int round = 0; round < ROUNDS; round++) {
      String task = diamond();
      does(task, "a");
      Run b = claim(task, "b");
      Run c = claim(task, "c");
      List<Boolean> done =
          get(
              Flux.just(b, c)
                  .flatMap(run -> store().done(run, null).subscribeOn(Schedulers.parallel()))
                  .collectList());
      assertThat(done).containsExactly(true, true);
      isNow(task, "d", StepState.READY);
    }
  }

  @Test
  void keepsBodiesOfTheLargestSize() {
    byte[] bytes = new byte[TaskStore.MAX_BODY];
    bytes[bytes.length - 1] = 1;
    Content large = Content.of("", bytes);
    NewTask.Step step = new NewTask.Step("a", channel, large, Set.of(), LONG, List.of());
    String task = start(step, step("b", "a"));
    Run run = claim(task, "a");
    assertThat(run.input()).isEqualTo(large);
    is(true, store().done(run, large));
    assertThat(claim(task, "b").outputs().get("a")).isEqualTo(large);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().done(run, Content.of("", new byte[TaskStore.MAX_BODY + 1])))
        .withMessage("output: 262145 bytes (expected: <= 262144)");
  }

  // == dispatching ==

  @Test
  void givesAStepToBeSentOnceUntilItMayBeLost() {
    String task = start(step("a"));
    Duration again = SHORT;
    List<Dispatch> first = get(store().dispatch(List.of(channel, other), 10, again).collectList());
    assertThat(first)
        .containsExactly(new Dispatch(new StepKey(task, "a"), view(task, "a").version(), channel));
    pass(again);
    assertThat(dispatched()).isEqualTo(first); // and for long
    assertThat(dispatched()).isEmpty();
    claim(task, "a");
    pass(again);
    assertThat(get(store().dispatch(List.of(channel), 10, again).collectList())).isEmpty();
  }

  @Test
  void givesStepsOnlyToWhoCanSendThem() {
    start(step("a"));
    assertThat(get(store().dispatch(List.of(other), 10, LONG).collectList())).isEmpty();
    assertThat(get(store().dispatch(List.of(), 10, LONG).collectList())).isEmpty();
    assertThat(ready()).containsExactly("a");
  }

  @Test
  void givesEachStepToOneOfManyWhoSend() {
    for (int i = 0; i < 40; i++) {
      start(step("a"));
    }
    List<Dispatch> taken =
        get(
            Flux.range(0, RIVALS)
                .flatMap(
                    i ->
                        store()
                            .dispatch(List.of(channel), 5, LONG)
                            .subscribeOn(Schedulers.parallel()),
                    RIVALS)
                .collectList());
    taken.addAll(dispatched());
    assertThat(taken).hasSize(40).doesNotHaveDuplicates();
  }

  @Test
  void hintsThatThereIsSomething() {
    Mono<Long> hint =
        store()
            .hints()
            .mergeWith(
                Flux.interval(Duration.ofMillis(20))
                    .take(500)
                    .onBackpressureDrop()
                    .concatMap(
                        i ->
                            store()
                                .start(new NewTask(kind + "-h" + i, kind, List.of(step("a"))))
                                .then(Mono.empty())))
            .next();
    assertThat(get(hint)).isNotNull();
  }

  // == handing over ==

  /** What is handed over, and kept for who asks for it later. */
  private Flux<Dispatch> handed(Duration again) {
    return store().readied(channel, again).replay().autoConnect(0);
  }

  private static List<String> names(Flux<Dispatch> handed, int many) {
    return get(handed.take(many).map(dispatch -> dispatch.key().step()).sort().collectList());
  }

  @Test
  void handsOverWhatBecomesReady() {
    Flux<Dispatch> handed = handed(LONG);
    String task = diamond();
    assertThat(names(handed, 1)).containsExactly("a");
    assertThat(get(handed.take(1).collectList()))
        .containsExactly(new Dispatch(new StepKey(task, "a"), view(task, "a").version(), channel));
    assertThat(dispatched()).isEmpty();
    does(task, "a");
    assertThat(names(handed, 3)).containsExactly("a", "b", "c");
    assertThat(dispatched()).isEmpty();
    does(task, "b");
    is(true, store().undo(task, "changed our minds"));
    assertThat(names(handed, 4)).containsExactly("a", "b", "b", "c");
    assertThat(dispatched()).isEmpty();
    assertThat(claim(task, "b").undoing()).isTrue();
  }

  @Test
  void whatWasHandedOverMayBeLostToo() {
    Flux<Dispatch> handed = handed(SHORT);
    start(step("a"));
    assertThat(names(handed, 1)).containsExactly("a");
    pass(SHORT);
    assertThat(ready()).containsExactly("a");
  }

  @Test
  void handsEachStepToOneOfMany() {
    Flux<Dispatch> one = handed(LONG);
    Flux<Dispatch> another = handed(LONG);
    Set<String> tasks = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      tasks.add(start(step("a")));
    }
    assertThat(get(Flux.merge(one, another).take(10).map(d -> d.key().task()).collectList()))
        .containsExactlyInAnyOrderElementsOf(tasks);
    assertThat(dispatched()).isEmpty();
  }

  @Test
  void handsNothingToWhoCannotSendIt() {
    BaseSubscriber<Dispatch> full =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription subscription) {
            subscription.request(1);
          }
        };
    store().readied(channel, LONG).subscribe(full);
    store().readied(other, LONG).subscribe();
    start(step("a"));
    assertThat(ready()).isEmpty();
    start(step("b"));
    assertThat(ready()).containsExactly("b");
    full.cancel();
    start(step("c"));
    assertThat(ready()).containsExactly("c");
  }

  @Test
  void whatWasNotHandedOverWhenItEndsIsDispatched() {
    BaseSubscriber<Dispatch> leaving =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription subscription) {
            subscription.request(1);
          }
        };
    store().readied(channel, LONG).subscribe(leaving);
    start(step("a"), step("b"));
    assertThat(ready()).isEmpty();
    leaving.cancel();
    List<Dispatch> left =
        get(
            Flux.defer(() -> store().dispatch(List.of(channel), 10, LONG))
                .repeatWhen(asked -> asked.delayElements(SHORT))
                .take(1)
                .collectList());
    assertThat(left).hasSize(1);
  }

  // == who has a step ==

  @Test
  void oneOfManyClaimsAStep() {
    for (int round = 0; round < ROUNDS; round++) {
      String task = start(step("a"));
      long version = view(task, "a").version();
      List<Run> runs =
          get(
              Flux.range(0, RIVALS)
                  .flatMap(
                      i ->
                          store()
                              .claim(new StepKey(task, "a"), version, "agent " + i, LONG)
                              .subscribeOn(Schedulers.parallel()),
                      RIVALS)
                  .collectList());
      assertThat(runs).hasSize(1);
      assertThat(view(task, "a").attempts()).isEqualTo(1);
    }
  }

  /** Also two of one task, and one twice. */
  @Test
  void manyStepsAreClaimedAndEndedAtOnce() {
    List<String> tasks = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      tasks.add(diamond());
      does(tasks.get(i), "a");
    }
    List<Run> runs =
        get(
            Flux.fromIterable(dispatched())
                .filter(dispatch -> tasks.contains(dispatch.key().task()))
                .flatMapIterable(dispatch -> List.of(dispatch, dispatch))
                .flatMap(
                    dispatch -> store().claim(dispatch.key(), dispatch.version(), "agent", LONG),
                    80)
                .collectList());
    assertThat(runs).hasSize(40);
    assertThat(runs).extracting(Run::key).doesNotHaveDuplicates();
    assertThat(runs).allSatisfy(run -> assertThat(run.outputs()).containsOnlyKeys("a"));
    assertThat(runs)
        .allSatisfy(run -> assertThat(run.input()).isEqualTo(text("in " + run.key().step())));
    List<Boolean> ended =
        get(
            Flux.fromIterable(runs)
                .flatMapIterable(run -> List.of(run, run))
                .flatMap(run -> store().done(run, text(run.key().toString())), 80)
                .collectList());
    assertThat(ended).hasSize(80).containsOnly(true);
    for (String task : tasks) {
      Run last = claim(task, "d");
      assertThat(last.outputs()).isEqualTo(Map.of("b", text(task + "/b"), "c", text(task + "/c")));
      is(true, store().done(last, null));
      assertThat(task(task).state()).isEqualTo(State.DONE);
    }
  }

  private boolean isToBeHad(String task, String step, long version) {
    return store()
        .claim(new StepKey(task, step), version, "agent", LONG)
        .blockOptional(PATIENCE)
        .isPresent();
  }

  @Test
  void whatIsNotReadyAsItWasSentIsNotToBeHad() {
    String task = chain();
    long version = view(task, "a").version();
    assertThat(isToBeHad(task, "a", version + 1)).isFalse();
    assertThat(isToBeHad(task, "a", version - 1)).isFalse();
    assertThat(isToBeHad(task, "b", view(task, "b").version())).isFalse();
    assertThat(isToBeHad(task, "unknown", 1)).isFalse();
    assertThat(isToBeHad("unknown", "a", 1)).isFalse();
    does(task, "a");
    assertThat(isToBeHad(task, "a", version)).isFalse();
    assertThat(isToBeHad(task, "a", view(task, "a").version())).isFalse();
  }

  @Test
  void whoIsSeenToWorkKeepsTheStep() {
    String task = start(step("a"));
    Run run = claim(task, "a", SHORT);
    assertThat(get(store().renew(run, "half", LONG))).isEqualTo(Renewal.HELD);
    pass(SHORT);
    assertThat(troubles(task)).isEmpty();
    assertThat(view(task, "a").note()).isEqualTo("half");
    assertThat(get(store().renew(run, null, SHORT))).isEqualTo(Renewal.HELD);
    assertThat(view(task, "a").note()).isEqualTo("half");
    pass(SHORT);
    assertThat(get(store().renew(run, null, LONG))).isEqualTo(Renewal.HELD); // nobody was there
    is(true, store().done(run, null));
  }

  @Test
  void whoWasAwayForItsLeaseCanDoNothingToTheStep() {
    String task = start(step("a"));
    Run away = claim(task, "a", SHORT);
    pass(SHORT);
    Trouble trouble = trouble(task);
    assertThat(trouble.cause()).isEqualTo(Cause.EXPIRED);
    assertThat(get(store().renew(away, "still here", LONG))).isEqualTo(Renewal.LOST);
    is(false, store().done(away, text("late")));
    is(true, treat(trouble, again()));
    is(false, store().failed(away, "late", false));
    Run now = claim(task, "a");
    assertThat(now.version()).isGreaterThan(away.version());
    assertThat(now.attempt()).isEqualTo(2);
    is(false, store().done(away, text("late")));
    is(false, store().release(away));
    is(true, store().done(now, text("right")));
    is(false, store().done(away, text("late")));
    assertThat(view(task, "a").output()).isEqualTo(text("right"));
  }

  @Test
  void whatIsDoneIsDoneWhoeverSaysItAgain() {
    String task = chain();
    Run run = claim(task, "a");
    is(true, store().done(run, text("first")));
    is(true, store().done(run, text("second")));
    is(true, store().failed(run, "no", true));
    assertThat(view(task, "a").output()).isEqualTo(text("first"));
    isNow(task, "a", StepState.DONE);
    isNow(task, "b", StepState.READY);
    assertThat(view(task, "b").attempts()).isZero();
  }

  @Test
  void whatIsGivenBackIsReadyAgain() {
    String task = start(step("a"));
    ready();
    Run run = claim(task, "a");
    is(true, store().release(run));
    is(false, store().release(run));
    is(false, store().done(run, null));
    assertThat(ready()).containsExactly("a");
    assertThat(troubles(task)).isEmpty();
    does(task, "a");
    assertThat(task(task).state()).isEqualTo(State.DONE);
  }

  // == trouble ==

  @Test
  void aStepThatSomebodyHasIsNotInTrouble() {
    String task = start(step("a"));
    Run run = claim(task, "a");
    pass(SHORT);
    assertThat(troubles(task)).isEmpty();
    is(false, store().treat(run.key(), run.version(), again(), "impatient"));
    is(false, store().treat(run.key(), run.version(), new Treatment.Undo(), "impatient"));
    is(false, store().treat(run.key(), run.version(), new Treatment.Settle(null), "impatient"));
    is(true, store().done(run, null));
  }

  @Test
  void tellsWhatHasFailed() {
    List<Remedy> remedies =
        List.of(Remedy.retry(3, Duration.ofSeconds(1)), Remedy.reassign(other), Remedy.undoTask());
    String task = start(step("a", LONG, remedies));
    is(true, store().failed(claim(task, "a"), "no fuel\u0000", true));
    isNow(task, "a", StepState.FAILED);
    Trouble trouble = trouble(task);
    assertThat(trouble.key()).isEqualTo(new StepKey(task, "a"));
    assertThat(trouble.kind()).isEqualTo(kind);
    assertThat(trouble.channel()).isEqualTo(channel);
    assertThat(trouble.remedies()).isEqualTo(remedies);
    assertThat(trouble.tried()).isZero();
    assertThat(trouble.cause()).isEqualTo(Cause.FAILED);
    assertThat(trouble.forGood()).isTrue();
    assertThat(trouble.undoing()).isFalse();
    assertThat(trouble.taskUndoing()).isFalse();
    assertThat(trouble.note()).isEqualTo("no fuel?");
  }

  @Test
  void aLeaseNeverOutlastsTheTimeToBeComplete() {
    Duration within = Duration.ofSeconds(2); // for a store that is slow to claim
    String task = start(step("a", within, List.of()));
    Run run = claim(task, "a");
    assertThat(run.left()).isLessThanOrEqualTo(within);
    get(store().renew(run, null, LONG));
    pass(within);
    assertThat(get(store().renew(run, null, LONG))).isEqualTo(Renewal.LOST);
    assertThat(trouble(task).cause()).isEqualTo(Cause.OVERDUE);
    is(false, store().done(run, null));
  }

  @Test
  void whatNobodyHasClaimedInTimeIsOverdue() {
    String task = start(step("a", SHORT, List.of()));
    long version = view(task, "a").version();
    pass(SHORT);
    assertThat(isToBeHad(task, "a", version)).isFalse();
    assertThat(ready()).isEmpty();
    Trouble trouble = trouble(task);
    assertThat(trouble.cause()).isEqualTo(Cause.OVERDUE);
    is(true, treat(trouble, new Treatment.Undo()));
    isNow(task, "a", StepState.SKIPPED); // it was never begun
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
  }

  @Test
  void oneSupervisorTreatsAStepAndOneWhoWasAwayDoesNot() {
    String task = start(step("a"));
    is(true, store().failed(claim(task, "a"), "no", false));
    List<Trouble> taken =
        get(
            Flux.range(0, RIVALS)
                .flatMap(
                    i ->
                        store()
                            .trouble(1_000, SHORT)
                            .filter(trouble -> trouble.key().task().equals(task))
                            .take(1)
                            .subscribeOn(Schedulers.parallel()),
                    RIVALS)
                .collectList());
    pass(SHORT);
    Trouble later = trouble(task);
    for (Trouble away : taken) {
      assertThat(later.version()).isGreaterThan(away.version());
      is(false, treat(away, new Treatment.Undo()));
    }
    is(true, treat(later, again()));
    is(false, treat(later, again()));
    isNow(task, "a", StepState.READY);
  }

  @Test
  void isTriedAgainElsewhereAndLater() {
    String task = start(step("a"));
    Run first = claim(task, "a");
    is(true, store().failed(first, "no", true));
    Trouble trouble = trouble(task);
    is(true, treat(trouble, new Treatment.Again(other, SHORT, 7)));
    assertThat(view(task, "a").channel()).isEqualTo(other);
    assertThat(view(task, "a").note()).isEqualTo("why not");
    pass(SHORT);
    assertThat(dispatched()).isEmpty();
    Dispatch dispatch =
        get(store().dispatch(List.of(other), 10, LONG).collectList()).stream()
            .findFirst()
            .orElseThrow();
    assertThat(isToBeHad(task, "a", first.version())).isFalse();
    assertThat(isToBeHad(task, "a", trouble.version())).isFalse();
    Run second = get(store().claim(dispatch.key(), dispatch.version(), "another", SHORT));
    pass(SHORT);
    Trouble next = trouble(task);
    assertThat(next.tried()).isEqualTo(7);
    assertThat(next.forGood()).isFalse();
    assertThat(next.channel()).isEqualTo(other);
    assertThat(next.version()).isGreaterThan(second.version());
  }

  @Test
  void aStepIsNotSentBeforeItsTime() {
    String task = start(step("a"));
    is(true, store().failed(claim(task, "a"), "no", false));
    is(true, treat(trouble(task), new Treatment.Again(channel, LONG, 1)));
    assertThat(ready()).isEmpty();
  }

  // == undoing ==

  @Test
  void undoesInReverseOrderWhatWasBegun() {
    String task =
        start(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"), step("e", "d"));
    does(task, "a", "b", "c");
    is(true, store().failed(claim(task, "d"), "no", true));
    dispatched();
    is(true, treat(trouble(task), new Treatment.Undo()));
    assertThat(task(task).state()).isEqualTo(State.UNDOING);
    assertThat(task(task).why()).isEqualTo("why not");
    isNow(task, "e", StepState.SKIPPED);
    assertThat(ready()).containsExactly("d");
    Run d = claim(task, "d");
    assertThat(d.undoing()).isTrue();
    assertThat(d.output()).isNull();
    assertThat(d.attempt()).isEqualTo(2);
    is(true, store().done(d, null));
    assertThat(ready()).containsExactly("b", "c");
    Run b = claim(task, "b");
    assertThat(b.output()).isEqualTo(text("out b"));
    is(true, store().done(b, null));
    assertThat(ready()).isEmpty();
    does(task, "c");
    assertThat(ready()).containsExactly("a");
    does(task, "a");
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
    assertThat(task(task).steps())
        .extracting(Task.Step::state)
        .containsExactly(
            StepState.UNDONE,
            StepState.UNDONE,
            StepState.UNDONE,
            StepState.UNDONE,
            StepState.SKIPPED);
    assertThat(troubles(task)).isEmpty();
  }

  /** In a diamond, c has failed and the task is undone while somebody has b. */
  private Run undoneWhileSomebodyHasB(String task) {
    does(task, "a");
    Run b = claim(task, "b", SHORT);
    get(store().renew(b, null, LONG));
    is(true, store().failed(claim(task, "c"), "no", true));
    dispatched();
    is(true, treat(trouble(task), new Treatment.Undo()));
    isNow(task, "b", StepState.RUNNING);
    assertThat(ready()).containsExactly("c");
    does(task, "c");
    assertThat(ready()).isEmpty();
    return b;
  }

  private void isUndone(String task, @Nullable Content output) {
    assertThat(ready()).containsExactly("b");
    Run b = claim(task, "b");
    assertThat(b.undoing()).isTrue();
    assertThat(b.output()).isEqualTo(output);
    is(true, store().done(b, null));
    assertThat(ready()).containsExactly("a");
    does(task, "a");
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
  }

  @Test
  void waitsForWhoHasAStepAndIsToldThatItIsUnwanted() {
    String task = diamond();
    Run b = undoneWhileSomebodyHasB(task);
    assertThat(get(store().renew(b, null, LONG))).isEqualTo(Renewal.UNWANTED);
    is(true, store().release(b));
    isUndone(task, null);
  }

  @Test
  void undoesWhatWasDoneMeanwhile() {
    String task = diamond();
    is(true, store().done(undoneWhileSomebodyHasB(task), text("b")));
    isUndone(task, text("b"));
  }

  @Test
  void undoesWhatHasFailedMeanwhile() {
    String task = diamond();
    is(true, store().failed(undoneWhileSomebodyHasB(task), "stopped", false));
    assertThat(troubles(task)).isEmpty();
    isUndone(task, null);
  }

  @Test
  void undoesWhatNobodyHasHeardOfAgain() {
    String task = diamond();
    Run b = undoneWhileSomebodyHasB(task);
    get(store().renew(b, null, SHORT));
    pass(SHORT);
    Trouble trouble = trouble(task);
    assertThat(trouble.taskUndoing()).isTrue();
    assertThat(trouble.undoing()).isFalse();
    is(false, treat(trouble, again()));
    is(true, treat(trouble, new Treatment.Undo()));
    is(false, store().done(b, null));
    isUndone(task, null);
  }

  @Test
  void anUndoingThatFailsIsTroubleToo() {
    String task = chain();
    does(task, "a", "b");
    is(true, store().undo(task, "changed our minds"));
    is(true, store().undo(task, "again"));
    assertThat(task(task).why()).isEqualTo("changed our minds");
    is(true, store().failed(claim(task, "b"), "stuck", false));
    Trouble trouble = trouble(task);
    assertThat(trouble.undoing()).isTrue();
    is(false, treat(trouble, new Treatment.Undo()));
    is(true, treat(trouble, again()));
    is(true, store().failed(claim(task, "b"), "stuck", false));
    is(true, treat(trouble(task), new Treatment.Escalate()));
    isNow(task, "b", StepState.ESCALATED);
    isNow(task, "a", StepState.WAITING);
    Task.Step stuck = view(task, "b");
    is(
        true,
        store()
            .treat(
                new StepKey(task, "b"),
                stuck.version(),
                new Treatment.Settle(null),
                "undone by hand"));
    isNow(task, "b", StepState.UNDONE);
    does(task, "a");
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
    is(false, store().undo(task, "again"));
    is(false, store().undo("unknown", "who"));
  }

  @Test
  void aTaskThatWasNeverBegunIsUndoneAtOnce() {
    String task = diamond();
    List<Dispatch> sent = dispatched();
    is(true, store().undo(task, "changed our minds"));
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
    assertThat(task(task).steps()).extracting(Task.Step::state).containsOnly(StepState.SKIPPED);
    assertThat(isToBeHad(task, "a", sent.get(0).version())).isFalse();
  }

  @Test
  void whatIsUndoneWhileItEndsEndsInOneWay() {
    for (int round = 0; round < ROUNDS; round++) {
      String task = diamond();
      does(task, "a", "b");
      Run c = claim(task, "c");
      get(
          Flux.merge(
                  store().done(c, null).subscribeOn(Schedulers.parallel()),
                  store().undo(task, "changed our minds").subscribeOn(Schedulers.parallel()))
              .collectList());
      List<String> undone = new ArrayList<>();
      for (List<String> ready = ready(); !ready.isEmpty(); ready = ready()) {
        undone.addAll(ready);
        does(task, ready.toArray(new String[0]));
      }
      assertThat(undone).containsExactly("b", "c", "a");
      assertThat(task(task).state()).isEqualTo(State.UNDONE);
    }
  }

  // == people ==

  @Test
  void whatIsEscalatedWaitsForSomebody() {
    String task = chain();
    is(true, store().failed(claim(task, "a"), "no", false));
    is(true, treat(trouble(task), new Treatment.Escalate()));
    pass(SHORT);
    assertThat(troubles(task)).isEmpty();
    assertThat(dispatched()).isEmpty();
    List<Summary> escalated = get(store().query(Query.all().kind(kind).escalated()).collectList());
    assertThat(escalated).extracting(Summary::id).containsExactly(task);
    assertThat(escalated.get(0).escalated()).isEqualTo(1);
    assertThat(get(store().stats()).escalated()).isPositive();
    long version = view(task, "a").version();
    is(false, store().treat(new StepKey(task, "a"), version - 1, again(), "late"));
    is(
        true,
        store()
            .treat(
                new StepKey(task, "a"),
                version,
                new Treatment.Settle(text("by hand")),
                "done by hand"));
    assertThat(claim(task, "b").outputs().get("a")).isEqualTo(text("by hand"));
    assertThat(get(store().query(Query.all().kind(kind).escalated()).collectList())).isEmpty();
  }

  @Test
  void whatIsEscalatedIsUndoneWithItsTask() {
    String task = chain();
    is(true, store().failed(claim(task, "a"), "no", false));
    is(true, treat(trouble(task), new Treatment.Escalate()));
    is(true, store().undo(task, "given up"));
    does(task, "a");
    assertThat(task(task).state()).isEqualTo(State.UNDONE);
  }

  @Test
  void whatIsAbandonedStaysWhereItIs() {
    String task = diamond();
    does(task, "a");
    Run b = claim(task, "b");
    is(true, store().abandon(task, "given up"));
    is(false, store().abandon(task, "again"));
    is(false, store().undo(task, "again"));
    is(false, store().abandon("unknown", "who"));
    assertThat(get(store().renew(b, null, LONG))).isEqualTo(Renewal.LOST);
    is(false, store().done(b, null));
    assertThat(dispatched()).isEmpty();
    assertThat(troubles(task)).isEmpty();
    assertThat(task(task).state()).isEqualTo(State.ABANDONED);
    assertThat(task(task).why()).isEqualTo("given up");
    isNow(task, "a", StepState.DONE);
  }

  // == many ==

  @Test
  void listsTasksInTheOrderOfTheirIds() {
    String first = start(step("a"));
    String second = start(step("a"));
    String third = start(step("a"));
    does(second, "a");
    assertThat(ids(Query.all().kind(kind))).containsExactly(first, second, third);
    assertThat(ids(Query.all().kind(kind).after(first).limit(1))).containsExactly(second);
    assertThat(ids(Query.all().kind(kind).state(State.RUNNING))).containsExactly(first, third);
    assertThat(ids(Query.all().kind("none"))).isEmpty();
  }

  private List<String> ids(Query query) {
    return get(store().query(query).map(Summary::id).collectList());
  }

  @Test
  void countsHowTheTasksAreDoing() {
    Stats before = get(store().stats());
    start(step("a"));
    String undoing = chain();
    does(undoing, "a");
    is(true, store().undo(undoing, "no"));
    String failed = start(step("a"));
    is(true, store().failed(claim(failed, "a"), "no", false));
    pass(SHORT);
    Stats now = get(store().stats());
    assertThat(now.running() - before.running()).isEqualTo(2);
    assertThat(now.undoing() - before.undoing()).isEqualTo(1);
    assertThat(now.troubled()).isPositive();
    assertThat(now.overdue()).isPositive();
  }

  @Test
  void forgetsWhatIsOverForLong() {
    String over = start(step("a"));
    does(over, "a");
    String open = start(step("a"));
    get(store().purge(LONG, 1_000));
    assertThat(store().find(over).blockOptional(PATIENCE)).isPresent();
    pass(SHORT);
    int purged = get(store().purge(SHORT, 1_000));
    assertThat(purged).isPositive();
    assertThat(store().find(over).blockOptional(PATIENCE)).isEmpty();
    assertThat(store().find(open).blockOptional(PATIENCE)).isPresent();
    is(true, store().start(new NewTask(over, kind, List.of(step("a")))));
  }

  @Test
  void refusesWhatIsOutOfRange() {
    String task = start(step("a"));
    Run run = claim(task, "a");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().trouble(0, LONG))
        .withMessage("limit: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().trouble(1, Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().dispatch(List.of(), 1, Duration.ZERO))
        .withMessage("again: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().readied(channel, Duration.ZERO))
        .withMessage("again: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().renew(run, null, Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().claim(run.key(), 1, "", LONG))
        .withMessage("agent: 0 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().purge(Duration.ofMillis(-1), 1))
        .withMessage("minAge: PT-0.001S (expected: >= PT0S)");
    assertThat(run.outputs()).isEqualTo(Map.of());
  }
}
