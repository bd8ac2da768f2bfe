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
package dev.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.SagaResult.Compensated;
import dev.sluice.saga.SagaResult.Completed;
import dev.sluice.saga.Sagas;
import dev.sluice.saga.StepContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A process dies at every boundary of a saga in turn, and another one goes on. */
class SagaCrashTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final class Declined extends RuntimeException
      implements ErrorClassifier.Classified {
    private static final long serialVersionUID = 1L;

    Declined() {
      super("declined");
    }

    @Override
    public ErrorClassifier.Kind kind() {
      return ErrorClassifier.Kind.POISON;
    }

    @Override
    public DeadLetterReason reason() {
      return DeadLetterReason.POISON;
    }
  }

  /** The body of a saga, from who is called and in which process. */
  private interface Body
      extends BiFunction<SagaBank, SagaProcess, Function<String, Mono<String>>> {}

  private static SagaDefinition<String, String> definition(
      Body body, SagaBank bank, SagaProcess process) {
    return SagaDefinition.of("trip", 1, String.class, String.class, body.apply(bank, process));
  }

  private static Sagas sagas(SagaDefinition<?, ?> definition, SagaProcess process) {
    return Sagas.over(process, SagaBank.TEXTS, d -> d.definition(definition));
  }

  private static final Body FIVE_STEPS =
      (bank, process) ->
          in -> {
            Mono<String> body = Mono.just(in);
            for (String name : new String[] {"a", "b", "c", "d", "e"}) {
              body = body.transform(bank.step(process, name)).map(s -> s + "!");
            }
            return body;
          };

  private static final Body LAST_DECLINES =
      (bank, process) ->
          in -> {
            Mono<String> body = Mono.just(in);
            for (String name : new String[] {"a", "b", "c", "d"}) {
              body = body.transform(bank.step(process, name));
            }
            return body.transform(
                Sagas.sagaStep(
                    "e",
                    x -> process.through(Mono.<String>error(new Declined())),
                    s -> s.gives(String.class)));
          };

  private static final Body BRANCHES =
      (bank, process) ->
          in ->
              Mono.zip(
                      Mono.just(in).transform(bank.step(process, "a")),
                      Mono.just(in)
                          .transform(bank.step(process, "b"))
                          .transform(bank.step(process, "c")),
                      String::concat)
                  .flatMap(
                      both ->
                          Flux.just("x", "y", "z")
                              .flatMap(
                                  k ->
                                      Mono.just(k)
                                          .transform(
                                              bank.step(process, "load", s -> s.key(i -> i))))
                              .collectList()
                              .map(all -> both + all));

  /** One branch fails while another one has something done. */
  private static final Body A_BRANCH_FAILS =
      (bank, process) ->
          in ->
              Mono.zip(
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .transform(
                          Sagas.sagaStep(
                              "b",
                              x ->
                                  StepContext.current()
                                      .flatMap(step -> process.through(bank.call(step, x)))
                                      .then(Mono.<String>error(new IllegalStateException("lost"))),
                              s ->
                                  s.gives(String.class)
                                      .compensate(
                                          (i, o) ->
                                              StepContext.current()
                                                  .flatMap(
                                                      step -> process.through(bank.undo(step)))))),
                  Mono.just(in)
                      .transform(bank.step(process, "c"))
                      .transform(bank.step(process, "d")),
                  String::concat);

  /** What fails is replaced; what is tried again succeeds. */
  private static final Body RECOVERS =
      (bank, process) ->
          in ->
              Mono.just(in)
                  .transform(bank.step(process, "a"))
                  .flatMap(
                      x ->
                          Mono.just(x)
                              .transform(
                                  Sagas.sagaStep(
                                      "b",
                                      y -> process.through(Mono.<String>error(new Declined())),
                                      s -> s.gives(String.class)))
                              .onErrorResume(
                                  e -> Mono.just(x).transform(bank.step(process, "instead"))))
                  .transform(bank.step(process, "c"));

  private static int boundaries(Body body) {
    SagaProcess process = SagaProcess.immortal(MemorySagaLog.create(10));
    SagaDefinition<String, String> definition = definition(body, new SagaBank(), process);
    sagas(definition, process).run(definition, "7", "in").block(PATIENCE);
    return process.passed();
  }

  @Test
  void fiveSteps() {
    assertThat(boundaries(FIVE_STEPS)).isGreaterThanOrEqualTo(2 * (1 + 6) + 2 * 5);
    for (int at = 1; at <= boundaries(FIVE_STEPS); at++) {
      Trial trial = new Trial(FIVE_STEPS, at, 0, 0);
      assertThat(trial.result)
          .as("killed at %s", at)
          .isEqualTo(new Completed<>("in>a!>b!>c!>d!>e!"));
      assertThat(trial.bank.standing()).as("killed at %s", at).hasSize(5);
      trial.everyEffectOnce();
    }
  }

  @Test
  void fourStepsAndTheirCompensations() {
    for (int at = 1; at <= boundaries(LAST_DECLINES); at++) {
      Trial trial = new Trial(LAST_DECLINES, at, 0, 0);
      assertThat(trial.result).as("killed at %s", at).isInstanceOf(Compensated.class);
      assertThat(((Compensated<?>) trial.result).failedStep()).isEqualTo("e");
      assertThat(trial.bank.standing()).as("killed at %s", at).isEmpty();
      trial.everyEffectOnce();
      trial.undoneInOrder("d", "c", "b", "a");
    }
  }

  @Test
  void branches() {
    for (int at = 1; at <= boundaries(BRANCHES); at++) {
      Trial trial = new Trial(BRANCHES, at, 0, 0);
      assertThat(trial.result)
          .as("killed at %s", at)
          .isEqualTo(new Completed<>("in>ain>b>c[x>load, y>load, z>load]"));
      assertThat(trial.bank.standing()).as("killed at %s", at).hasSize(6);
      trial.everyEffectOnce();
    }
  }

  @Test
  void aBranchThatFails() {
    for (int at = 1; at <= boundaries(A_BRANCH_FAILS); at++) {
      Trial trial = new Trial(A_BRANCH_FAILS, at, 0, 0);
      assertThat(trial.result).as("killed at %s", at).isInstanceOf(Compensated.class);
      assertThat(trial.bank.standing()).as("killed at %s", at).isEmpty();
      trial.everyEffectOnce();
    }
  }

  @Test
  void aBodyThatRecovers() {
    for (int at = 1; at <= boundaries(RECOVERS); at++) {
      Trial trial = new Trial(RECOVERS, at, 0, 0);
      assertThat(trial.result).as("killed at %s", at).isEqualTo(new Completed<>("in>a>instead>c"));
      assertThat(trial.bank.standing()).as("killed at %s", at).hasSize(3);
      trial.everyEffectOnce();
    }
  }

  /** Whoever waits is gone, at every boundary, and the process dies at every one after that. */
  @Test
  void aCancelAndThenADeath() {
    for (int cancel = 1; cancel <= boundaries(FIVE_STEPS); cancel++) {
      for (int death = cancel + 1; death <= cancel + 14; death++) {
        Trial trial = new Trial(FIVE_STEPS, death, 0, cancel);
        String as = "cancelled at " + cancel + ", killed at " + death;
        SagaResult<String> result = trial.result;
        if (result instanceof Completed) {
          assertThat(trial.bank.standing()).as(as).hasSize(5);
        } else {
          assertThat(result).as(as).isInstanceOf(Compensated.class);
          assertThat(((Compensated<?>) result).cause())
              .as(as)
              .isInstanceOf(CancellationException.class);
          assertThat(trial.bank.standing()).as(as).isEmpty();
        }
        trial.everyEffectOnce();
      }
    }
  }

  /** The second process dies too, wherever that is. */
  @Test
  void twice() {
    for (Body body : new Body[] {FIVE_STEPS, LAST_DECLINES}) {
      int boundaries = boundaries(body);
      for (int first = 1; first <= boundaries; first += 3) {
        for (int second = 1; second <= boundaries; second += 2) {
          Trial trial = new Trial(body, first, second, 0);
          assertThat(trial.bank.standing())
              .as("killed at %s, then at %s", first, second)
              .hasSize(body == FIVE_STEPS ? 5 : 0);
          trial.everyEffectOnce();
        }
      }
    }
  }

  /** Runs a saga in a process that dies, then in others until it has ended. */
  private static final class Trial {

    final SagaBank bank = new SagaBank();
    private final SetClock clock = new SetClock();
    private final MemorySagaLog log = MemorySagaLog.create(10, clock);
    final SagaResult<String> result;

    /**
     * @param death the boundary at which the first process dies
     * @param secondDeath that of the second one, 0 for none
     * @param cancel the boundary at which the caller of the first process goes away, 0 for none
     */
    Trial(Body body, int death, int secondDeath, int cancel) {
      BaseSubscriber<SagaResult<String>> caller = new BaseSubscriber<>() {};
      run(
          body,
          new SagaProcess(
              log,
              death,
              boundary -> {
                if (boundary == cancel) {
                  caller.cancel();
                }
              }),
          caller);
      if (secondDeath > 0) {
        run(body, new SagaProcess(log, secondDeath, boundary -> {}), new BaseSubscriber<>() {});
      }
      SagaProcess heir = SagaProcess.immortal(log);
      SagaDefinition<String, String> again = definition(body, bank, heir);
      result = Objects.requireNonNull(sagas(again, heir).run(again, "7", "in").block(PATIENCE));
    }

    private void run(Body body, SagaProcess process, BaseSubscriber<SagaResult<String>> caller) {
      SagaDefinition<String, String> begun = definition(body, bank, process);
      sagas(begun, process).run(begun, "7", "in").subscribe(caller);
      clock.pass(Duration.ofHours(1));
    }

    void everyEffectOnce() {
      assertThat(bank.effects.values()).as("effects %s", bank.effects).allMatch(n -> n == 1);
    }

    void undoneInOrder(String... names) {
      List<String> undone = bank.log.stream().filter(e -> e.startsWith("-")).distinct().toList();
      List<String> expected = new ArrayList<>();
      for (String name : names) {
        expected.add("-trip/7/" + name);
      }
      assertThat(undone).isEqualTo(expected);
    }
  }
}
