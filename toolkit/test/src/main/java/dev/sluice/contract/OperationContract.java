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
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.Acceptance;
import dev.sluice.store.OperationStore.Acceptance.Accepted;
import dev.sluice.store.OperationStore.Acceptance.KeyReused;
import dev.sluice.store.OperationStore.Acceptance.Known;
import dev.sluice.store.OperationStore.DueCallback;
import dev.sluice.store.OperationStore.NewOperation;
import dev.sluice.store.OperationStore.Renewal;
import dev.sluice.store.OperationStore.RequestKey;
import dev.sluice.store.OperationStore.Run;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link OperationStore} must do. A test of a store extends it and says how the store is
 * made and how its time passes.
 */
public abstract class OperationContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RIVALS = 16;
  private static final int ROUNDS = 10;
  private static final String URL = "https://callback.example/ended";

  private final String kind = "contract-" + UUID.randomUUID();

  /**
   * The store, with room for a few hundred operations. What is in it does not matter: every test
   * uses a kind of its own.
   */
  protected abstract OperationStore store();

  /** Lets so much time of the store pass, or a little more. */
  protected abstract void pass(Duration time);

  // == accepting ==

  @Test
  void hasWhatItHasAccepted() {
    NewOperation asked = asked(null, "the request");
    Operation accepted = accepted(asked);
    assertThat(accepted.id()).isEqualTo(asked.id());
    assertThat(accepted.kind()).isEqualTo(kind);
    assertThat(accepted.caller()).isEqualTo("alice");
    assertThat(accepted.phase()).isEqualTo(Phase.PENDING);
    assertThat(accepted.attempts()).isZero();
    assertThat(accepted.progress()).isNull();
    assertThat(accepted.cancelRequested()).isFalse();
    assertThat(accepted.isOver()).isFalse();
    Operation found = found(accepted.id());
    assertThat(found.phase()).isEqualTo(Phase.PENDING);
    assertThat(found.revision()).isEqualTo(accepted.revision());
    assertThat(claimed().request())
        .isEqualTo(Content.of("text/plain", "the request".getBytes(UTF_8)));
  }

  @Test
  void findsSeveralAndNoneThatIsUnknown() {
    Operation a = accepted(asked(null, "a"));
    Operation b = accepted(asked(null, "b"));
    List<Operation> found =
        store().find(List.of(a.id(), "unknown", b.id())).collectList().block(PATIENCE);
    assertThat(found).extracting(Operation::id).containsExactlyInAnyOrder(a.id(), b.id());
    assertThat(store().find("unknown").blockOptional(PATIENCE)).isEmpty();
  }

  @Test
  void acceptsNothingUntilSomebodySubscribes() {
    NewOperation asked = asked(null, "later");
    Mono<Acceptance> later = store().accept(asked);
    assertThat(store().find(asked.id()).blockOptional(PATIENCE)).isEmpty();
    assertThat(later.block(PATIENCE)).isInstanceOf(Accepted.class);
  }

  @Test
  void keepsARequestAndAResultOfTheLargestSize() {
    byte[] large = new byte[OperationStore.MAX_BODY];
    large[large.length - 1] = 1;
    Content content = Content.of("", large);
    NewOperation asked = new NewOperation(id(), kind, "alice", null, content, null, LONG, LONG);
    accepted(asked);
    Run run = claimed();
    assertThat(run.request()).isEqualTo(content);
    is(true, store().finish(run, new Ending.Result(content)));
    assertThat(found(asked.id()).ending()).isEqualTo(new Ending.Result(content));
  }

  @Test
  void acceptsTheSameKeyOnce() {
    Operation first = accepted(asked(new RequestKey("k", "f"), "a"));
    Acceptance second = accept(asked(new RequestKey("k", "f"), "a"));
    assertThat(second).isInstanceOf(Known.class);
    assertThat(second.operation().id()).isEqualTo(first.id());
    is(true, store().finish(claimed(), new Ending.ResultAt("/a")));
    Acceptance third = accept(asked(new RequestKey("k", "f"), "a"));
    assertThat(third).isInstanceOf(Known.class);
    assertThat(third.operation().ending()).isEqualTo(new Ending.ResultAt("/a"));
    assertThat(store().claim(kind, 10, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void refusesAKeyThatBelongsToAnotherRequest() {
    Operation first = accepted(asked(new RequestKey("k", "f"), "a"));
    Acceptance second = accept(asked(new RequestKey("k", "g"), "b"));
    assertThat(second).isInstanceOf(KeyReused.class);
    assertThat(second.operation().id()).isEqualTo(first.id());
  }

  @Test
  void saysWhetherAKeyIsKnownAndAcceptsNothing() {
    NewOperation asked = asked(new RequestKey("k", "f"), "a");
    assertThat(store().known(asked).blockOptional(PATIENCE)).isEmpty();
    assertThat(store().find(asked.id()).blockOptional(PATIENCE)).isEmpty();
    accepted(asked);
    assertThat(store().known(asked(new RequestKey("k", "f"), "a")).block(PATIENCE))
        .isInstanceOfSatisfying(
            Known.class, known -> assertThat(known.operation().id()).isEqualTo(asked.id()));
    assertThat(store().known(asked(new RequestKey("k", "g"), "b")).block(PATIENCE))
        .isInstanceOf(KeyReused.class);
    assertThat(store().known(asked(null, "a")).blockOptional(PATIENCE)).isEmpty();
  }

  @Test
  void keepsCallersKindsAndKeysApart() {
    accepted(asked(new RequestKey("k", "f"), "a"));
    accepted(asked(new RequestKey("K", "f"), "a"));
    accepted(asked(null, "a"));
    accepted(asked(null, "a"));
    Content request = Content.of("", new byte[0]);
    RequestKey key = new RequestKey("k", "f");
    accepted(new NewOperation(id(), kind, "bob", key, request, null, LONG, LONG));
    accepted(new NewOperation(id(), kind + "-other", "alice", key, request, null, LONG, LONG));
  }

  @Test
  void acceptsTheSameIdOnce() {
    NewOperation asked = asked(null, "a"); // the first answer may have been lost
    accepted(asked);
    assertThat(accept(asked)).isInstanceOf(Known.class);
    claimed();
    assertThat(store().claim(kind, 10, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, RIVALS, 100})
  void acceptsOneOfManyWithTheSameKeyAtOnce(int many) {
    List<Acceptance> all = race(many, i -> store().accept(asked(new RequestKey("race", "f"), "a")));
    assertThat(all).filteredOn(Accepted.class::isInstance).hasSize(1);
    assertThat(all).extracting(a -> a.operation().id()).containsOnly(all.get(0).operation().id());
  }

  @Test
  void takesAnyText() {
    for (String text : List.of("' or 1=1 --", "\n\t\"\\", "\u00e5\ud83d\ude80", "{schema}", "$1")) {
      Content request = Content.of(text, text.getBytes(UTF_8));
      NewOperation asked =
          new NewOperation(id(), kind, text, new RequestKey(text, text), request, text, LONG, LONG);
      assertThat(accepted(asked).caller()).isEqualTo(text);
      Run run = claimed();
      assertThat(run.caller()).isEqualTo(text);
      assertThat(run.request()).isEqualTo(request);
      assertThat(store().renew(run, new Progress(1, text), LONG).block(PATIENCE))
          .isEqualTo(Renewal.HELD);
      assertThat(found(asked.id()).progress()).isEqualTo(new Progress(1, text));
      is(true, store().finish(run, new Ending.ResultAt(text)));
      assertThat(found(asked.id()).ending()).isEqualTo(new Ending.ResultAt(text));
      assertThat(callback().url()).isEqualTo(text);
    }
  }

  // == working ==

  @Test
  void givesTheOldestFirst() {
    for (int i = 0; i < 3; i++) {
      accepted(asked(null, "r" + i));
      pass(Duration.ofMillis(2));
    }
    for (int i = 0; i < 3; i++) {
      assertThat(claimed().request().bytes()).asString().isEqualTo("r" + i);
    }
  }

  @Test
  void givesNoMoreThanItWasAskedFor() {
    for (int i = 0; i < 3; i++) {
      accepted(asked(null, "r" + i));
    }
    assertThat(store().claim(kind, 2, LONG).collectList().block(PATIENCE)).hasSize(2);
    assertThat(store().claim(kind, 2, LONG).collectList().block(PATIENCE)).hasSize(1);
    assertThat(store().claim(kind, 2, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void isSomebodysUntilTheLeaseEnds() {
    accepted(asked(null, "a"));
    Run first = claimed(SHORT);
    assertThat(first.attempt()).isOne();
    assertThat(found(first.id()).phase()).isEqualTo(Phase.RUNNING);
    pass(SHORT);
    Run second = claimed();
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(second.attempt()).isEqualTo(2);
    assertThat(second.fence()).isGreaterThan(first.fence());
    gone(first);
    is(true, store().finish(second, new Ending.ResultAt("/second")));
    gone(first);
    assertThat(found(first.id()).ending()).isEqualTo(new Ending.ResultAt("/second"));
  }

  @Test
  void isNotTakenOverWhileTheLeaseIsRenewed() {
    accepted(asked(null, "a"));
    Run run = claimed(SHORT);
    assertThat(store().renew(run, null, LONG).block(PATIENCE)).isEqualTo(Renewal.HELD);
    pass(SHORT);
    assertThat(store().claim(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void canBeRenewedAndFinishedLateIfNobodyTookOver() {
    accepted(asked(null, "a"));
    Run run = claimed(SHORT);
    pass(SHORT);
    assertThat(store().renew(run, null, SHORT).block(PATIENCE)).isEqualTo(Renewal.HELD);
    pass(SHORT);
    is(true, store().finish(run, new Ending.ResultAt("/late")));
  }

  @Test
  void saysHowFarItIs() {
    Operation accepted = accepted(asked(null, "a"));
    Run run = claimed();
    long begun = found(run.id()).revision();
    assertThat(begun).isGreaterThan(accepted.revision());
    store().renew(run, new Progress(40, "two of five"), LONG).block(PATIENCE);
    Operation further = found(run.id());
    assertThat(further.progress()).isEqualTo(new Progress(40, "two of five"));
    assertThat(further.revision()).isGreaterThan(begun);
    store().renew(run, new Progress(40, "two of five"), LONG).block(PATIENCE);
    store().renew(run, null, LONG).block(PATIENCE);
    assertThat(found(run.id()).revision()).isEqualTo(further.revision());
    assertThat(found(run.id()).progress()).isEqualTo(new Progress(40, "two of five"));
  }

  @Test
  void keepsEachEnding() {
    Content content = Content.of("application/problem+json", "{}".getBytes(UTF_8));
    List<Ending> endings =
        List.of(
            new Ending.Result(content),
            new Ending.Result(Content.of("", new byte[0])),
            new Ending.ResultAt("/bags/1?x=y"),
            new Ending.Failure(422, content),
            new Ending.Cancelled());
    for (Ending ending : endings) {
      accepted(asked(null, "a"));
      Run run = claimed();
      long before = found(run.id()).revision();
      is(true, store().finish(run, ending));
      Operation ended = found(run.id());
      assertThat(ended.phase()).isEqualTo(Phase.ENDED);
      assertThat(ended.ending()).isEqualTo(ending);
      assertThat(ended.revision()).isGreaterThan(before);
    }
  }

  @Test
  void endsOnceAndForAll() {
    accepted(asked(null, "a"));
    Run run = claimed();
    is(true, store().finish(run, new Ending.ResultAt("/1")));
    is(true, store().finish(run, new Ending.ResultAt("/2"))); // the first answer may have been lost
    is(false, store().release(run));
    assertThat(store().renew(run, new Progress(1, ""), LONG).block(PATIENCE))
        .isEqualTo(Renewal.LOST);
    assertThat(found(run.id()).ending()).isEqualTo(new Ending.ResultAt("/1"));
    assertThat(found(run.id()).progress()).isNull();
    assertThat(store().claim(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void doesNotCountWhatWasGivenBack() {
    accepted(asked(null, "a"));
    Run first = claimed();
    is(true, store().release(first));
    gone(first);
    assertThat(found(first.id()).phase()).isEqualTo(Phase.PENDING);
    Run second = claimed();
    assertThat(second.attempt()).isOne();
    assertThat(second.fence()).isGreaterThan(first.fence());
    gone(first);
  }

  @Test
  void givesEachToOneOfManyWhoClaimAtOnce() {
    int many = 60;
    for (int i = 0; i < many; i++) {
      accepted(asked(null, "r" + i));
    }
    List<List<Run>> all = race(RIVALS, i -> store().claim(kind, 7, LONG).collectList());
    List<String> ids = all.stream().flatMap(List::stream).map(Run::id).toList();
    assertThat(ids).doesNotHaveDuplicates();
    int rest =
        Objects.requireNonNull(store().claim(kind, many, LONG).collectList().block(PATIENCE))
            .size();
    assertThat(ids.size() + rest).isEqualTo(many);
  }

  /** Whoever comes late has it, or whoever takes over: never both. */
  @Test
  void isFinishedLateOrTakenOver() {
    for (int round = 0; round < ROUNDS; round++) {
      accepted(asked(null, "r" + round));
      Run late = claimed(SHORT);
      pass(SHORT);
      List<Boolean> won =
          race(
              RIVALS,
              i ->
                  i == 7
                      ? store().finish(late, new Ending.ResultAt("/late"))
                      : store()
                          .claim(kind, 1, LONG)
                          .next()
                          .flatMap(run -> store().finish(run, new Ending.ResultAt("/other")))
                          .defaultIfEmpty(false));
      assertThat(won).as("round %s", round).containsOnlyOnce(true);
    }
  }

  // == cancelling ==

  @Test
  void cancelsAtOnceWhatNobodyHasBegun() {
    Operation accepted = accepted(asked(null, "a"));
    Operation cancelled = cancelled(accepted.id());
    assertThat(cancelled.ending()).isEqualTo(new Ending.Cancelled());
    assertThat(cancelled.revision()).isGreaterThan(accepted.revision());
    assertThat(store().claim(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
    assertThat(cancelled(accepted.id()).ending()).isEqualTo(new Ending.Cancelled());
  }

  @Test
  void asksWhoeverIsAtItToCancel() {
    accepted(asked(null, "a"));
    Run run = claimed();
    Operation asked = cancelled(run.id());
    assertThat(asked.phase()).isEqualTo(Phase.RUNNING);
    assertThat(asked.cancelRequested()).isTrue();
    assertThat(store().renew(run, null, LONG).block(PATIENCE)).isEqualTo(Renewal.CANCEL_REQUESTED);
    assertThat(cancelled(run.id()).revision()).isEqualTo(asked.revision());
    is(true, store().finish(run, new Ending.ResultAt("/done-all-the-same")));
    assertThat(found(run.id()).ending()).isEqualTo(new Ending.ResultAt("/done-all-the-same"));
  }

  @Test
  void tellsWhoeverTakesOverThatItIsToBeCancelled() {
    accepted(asked(null, "a"));
    Run run = claimed();
    cancelled(run.id());
    is(true, store().release(run));
    assertThat(claimed().cancelRequested()).isTrue();
  }

  @Test
  void cancelsAtOnceWhatNobodyHasAnyMore() {
    accepted(asked(null, "a"));
    Run run = claimed(SHORT);
    pass(SHORT);
    assertThat(cancelled(run.id()).ending()).isEqualTo(new Ending.Cancelled());
    gone(run);
  }

  @Test
  void leavesAloneWhatIsOver() {
    accepted(asked(null, "a"));
    Run run = claimed();
    is(true, store().finish(run, new Ending.ResultAt("/a")));
    Operation ended = found(run.id());
    Operation cancelled = cancelled(run.id());
    assertThat(cancelled.ending()).isEqualTo(new Ending.ResultAt("/a"));
    assertThat(cancelled.revision()).isEqualTo(ended.revision());
    assertThat(cancelled.cancelRequested()).isFalse();
    assertThat(store().cancel("unknown").blockOptional(PATIENCE)).isEmpty();
  }

  @Test
  void isEitherCancelledOrClaimed() {
    for (int round = 0; round < ROUNDS; round++) {
      String id = accepted(asked(null, "r" + round)).id();
      List<String> outcomes =
          race(
              2,
              i ->
                  i == 0
                      ? store()
                          .cancel(id)
                          .map(operation -> operation.isOver() ? "cancelled" : "asked")
                      : store().claim(kind, 1, LONG).next().map(Run::id).defaultIfEmpty("nothing"));
      assertThat(String.join(" ", outcomes))
          .isIn("cancelled nothing", "nothing cancelled", "asked " + id, id + " asked");
    }
  }

  // == callbacks ==

  @Test
  void callsBackWhenItHasEnded() {
    accepted(calling(LONG));
    Run run = claimed();
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
    is(true, store().finish(run, new Ending.ResultAt("/a")));
    DueCallback callback = callback();
    assertThat(callback.url()).isEqualTo(URL);
    assertThat(callback.attempt()).isOne();
    assertThat(callback.operation().id()).isEqualTo(run.id());
    assertThat(callback.operation().ending()).isEqualTo(new Ending.ResultAt("/a"));
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
    is(true, store().settle(callback));
    is(false, store().settle(callback));
    is(false, store().postpone(callback, Duration.ZERO));
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void callsNobodyBackUnlessToldTo() {
    accepted(asked(null, "a"));
    is(true, store().finish(claimed(), new Ending.ResultAt("/a")));
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void callsBackAboutWhatWasCancelled() {
    Operation accepted = accepted(calling(LONG));
    cancelled(accepted.id());
    assertThat(callback().operation().ending()).isEqualTo(new Ending.Cancelled());
  }

  @Test
  void callsBackAgain() {
    accepted(calling(LONG));
    is(true, store().finish(claimed(), new Ending.Cancelled()));
    DueCallback first = callback();
    is(true, store().postpone(first, LONG));
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
    is(false, store().postpone(first, Duration.ZERO));
  }

  @Test
  void isCalledBackBySomebodyElseWhenTheLeaseHasEnded() {
    accepted(calling(LONG));
    is(true, store().finish(claimed(), new Ending.Cancelled()));
    DueCallback first =
        Objects.requireNonNull(store().claimCallbacks(kind, 1, SHORT).blockFirst(PATIENCE));
    pass(SHORT);
    DueCallback second = callback();
    assertThat(second.attempt()).isEqualTo(2);
    is(false, store().settle(first));
    is(true, store().postpone(second, SHORT));
    pass(SHORT);
    assertThat(callback().attempt()).isEqualTo(3);
  }

  @Test
  void callsNobodyBackWhenTheResultIsNotRetainedAnyMore() {
    accepted(calling(SHORT));
    is(true, store().finish(claimed(), new Ending.Cancelled()));
    pass(SHORT);
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
    store().purge(100_000).block(PATIENCE);
    assertThat(store().claimCallbacks(kind, 1, LONG).collectList().block(PATIENCE)).isEmpty();
  }

  // == the end ==

  @Test
  void expiresThenIsForgotten() {
    NewOperation asked = asked(new RequestKey("k", "f"), "a", SHORT, SHORT.multipliedBy(50));
    accepted(asked);
    is(true, store().finish(claimed(), new Ending.ResultAt("/a")));
    pass(SHORT);
    for (int i = 0; i < 2; i++) { // whether it was purged or not
      Operation expired = found(asked.id());
      assertThat(expired.phase()).isEqualTo(Phase.EXPIRED);
      assertThat(expired.ending()).isNull();
      assertThat(accept(asked(new RequestKey("k", "f"), "a"))).isInstanceOf(Known.class);
      assertThat(accept(asked(new RequestKey("k", "g"), "b"))).isInstanceOf(KeyReused.class);
      assertThat(cancelled(asked.id()).phase()).isEqualTo(Phase.EXPIRED);
      store().purge(100_000).block(PATIENCE);
    }
    pass(SHORT.multipliedBy(50));
    assertThat(store().find(asked.id()).blockOptional(PATIENCE)).isEmpty();
    accepted(asked(new RequestKey("k", "g"), "b"));
    store().purge(100_000).block(PATIENCE);
    assertThat(store().find(asked.id()).blockOptional(PATIENCE)).isEmpty();
  }

  @Test
  void forgetsNothingThatIsNotOver() {
    Operation waiting = accepted(asked(null, "a", SHORT, Duration.ZERO));
    Run running = claimed();
    Operation next = accepted(asked(null, "b", SHORT, Duration.ZERO));
    Operation kept = accepted(asked(null, "c"));
    pass(SHORT);
    store().purge(100_000).block(PATIENCE);
    assertThat(found(waiting.id()).phase()).isEqualTo(Phase.RUNNING);
    assertThat(found(next.id()).phase()).isEqualTo(Phase.PENDING);
    is(true, store().finish(running, new Ending.ResultAt("/a")));
    cancelled(kept.id());
    pass(SHORT);
    assertThat(store().purge(100_000).block(PATIENCE)).isGreaterThanOrEqualTo(1);
    assertThat(store().find(running.id()).blockOptional(PATIENCE)).isEmpty();
    assertThat(found(kept.id()).phase()).isEqualTo(Phase.ENDED);
  }

  @Test
  void purgesNoMoreThanItWasAskedTo() {
    store().purge(100_000).block(PATIENCE);
    for (int i = 0; i < 3; i++) {
      accepted(asked(null, "r" + i, SHORT, Duration.ZERO));
      is(true, store().finish(claimed(), new Ending.Cancelled()));
    }
    pass(SHORT);
    int purged = 0;
    for (int i = 0; i < 6 && purged < 3; i++) {
      int now = Objects.requireNonNull(store().purge(2).block(PATIENCE));
      assertThat(now).isBetween(1, 2);
      purged += now;
    }
    assertThat(purged).isGreaterThanOrEqualTo(3);
  }

  // == arguments ==

  @Test
  void refusesWhatIsOutOfRange() {
    OperationStore store = store();
    accepted(asked(null, "a"));
    Run run = claimed();
    refused(() -> store.claim(kind, 0, LONG), "limit: 0 (expected: 1..1000)");
    refused(() -> store.claim(kind, 1, Duration.ZERO), "lease: PT0S (expected: > PT0S)");
    refused(() -> store.renew(run, null, Duration.ZERO), "lease: PT0S (expected: > PT0S)");
    refused(() -> store.claimCallbacks(kind, 1001, LONG), "limit: 1001 (expected: 1..1000)");
    refused(() -> store.purge(0), "limit: 0 (expected: 1..100000)");
    refused(
        () -> store.find(java.util.Collections.nCopies(1001, "a")),
        "ids: 1001 (expected: <= 1000)");
    refused(() -> asked(null, "a", Duration.ZERO, LONG), "retention: PT0S (expected: > PT0S)");
    refused(() -> new RequestKey("", "f"), "key: 0 characters (expected: 1..300)");
    refused(() -> new Progress(101, ""), "percent: 101 (expected: 0..100)");
    refused(
        () -> new Ending.Failure(302, Content.of("", new byte[0])),
        "status: 302 (expected: 400..599)");
    refused(
        () -> new Ending.Result(Content.of("", new byte[OperationStore.MAX_BODY + 1])),
        "content: 1048577 bytes (expected: <= 1048576)");
  }

  private static void refused(Runnable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessage(message);
  }

  @Test
  void takesTimesOfAnyLength() {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    NewOperation asked = asked(null, "a", forever, forever);
    accepted(asked);
    Run run = claimed(forever);
    assertThat(store().renew(run, null, forever).block(PATIENCE)).isEqualTo(Renewal.HELD);
    is(true, store().finish(run, new Ending.Cancelled()));
    assertThat(found(asked.id()).phase()).isEqualTo(Phase.ENDED);
  }

  // == how ==

  private static String id() {
    return UUID.randomUUID().toString();
  }

  private NewOperation asked(@Nullable RequestKey key, String request) {
    return asked(key, request, LONG, LONG);
  }

  private NewOperation asked(
      @Nullable RequestKey key, String request, Duration retention, Duration remembered) {
    Content content = Content.of("text/plain", request.getBytes(UTF_8));
    return new NewOperation(id(), kind, "alice", key, content, null, retention, remembered);
  }

  private NewOperation calling(Duration retention) {
    Content content = Content.of("text/plain", new byte[0]);
    return new NewOperation(id(), kind, "alice", null, content, URL, retention, LONG);
  }

  private Acceptance accept(NewOperation asked) {
    return Objects.requireNonNull(store().accept(asked).block(PATIENCE));
  }

  private Operation accepted(NewOperation asked) {
    Acceptance acceptance = accept(asked);
    assertThat(acceptance).isInstanceOf(Accepted.class);
    return acceptance.operation();
  }

  private Run claimed() {
    return claimed(LONG);
  }

  private Run claimed(Duration lease) {
    List<Run> runs = store().claim(kind, 1, lease).collectList().block(PATIENCE);
    assertThat(runs).hasSize(1);
    return Objects.requireNonNull(runs).get(0);
  }

  private DueCallback callback() {
    List<DueCallback> callbacks =
        store().claimCallbacks(kind, 10, LONG).collectList().block(PATIENCE);
    assertThat(callbacks).hasSize(1);
    return Objects.requireNonNull(callbacks).get(0);
  }

  private Operation found(String id) {
    return Objects.requireNonNull(store().find(id).block(PATIENCE));
  }

  private Operation cancelled(String id) {
    return Objects.requireNonNull(store().cancel(id).block(PATIENCE));
  }

  /** It is not the caller's any more. */
  private void gone(Run run) {
    assertThat(store().renew(run, new Progress(99, "zombie"), LONG).block(PATIENCE))
        .isEqualTo(Renewal.LOST);
    is(false, store().finish(run, new Ending.ResultAt("/zombie")));
    is(false, store().release(run));
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    StepVerifier.create(answer).expectNext(expected).expectComplete().verify(PATIENCE);
  }

  private static <V> List<V> race(int many, IntFunction<Mono<V>> rival) {
    @Nullable List<V> all =
        Flux.range(0, many)
            .flatMap(i -> Mono.defer(() -> rival.apply(i)).subscribeOn(Schedulers.parallel()), many)
            .collectList()
            .block(PATIENCE);
    return Objects.requireNonNull(all);
  }
}
