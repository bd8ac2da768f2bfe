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

import static dev.sluice.memory.TaskRig.AGAIN;
import static dev.sluice.memory.TaskRig.LEASE;
import static dev.sluice.memory.TaskRig.PERIOD;
import static dev.sluice.memory.TaskRig.UTF8;
import static dev.sluice.memory.TaskRig.key;
import static dev.sluice.memory.TaskRig.plan;
import static dev.sluice.memory.TaskRig.turnaround;
import static dev.sluice.store.Remedy.escalate;
import static dev.sluice.store.Remedy.reassign;
import static dev.sluice.store.Remedy.retry;
import static dev.sluice.store.Remedy.undoTask;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.store.Content;
import dev.sluice.store.Task;
import dev.sluice.store.Task.State;
import dev.sluice.store.Task.StepState;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Query;
import dev.sluice.store.TaskStore.Summary;
import dev.sluice.store.TaskStore.Treatment;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import dev.sluice.supervisor.StepRefused;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskAdmin;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import dev.sluice.test.MeterReadings;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** Scheduler, agents and supervisors together, in virtual time. */
class TasksTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final TaskRig rig = new TaskRig();
  private final TaskScheduler scheduler = rig.scheduler();

  private void run(TaskPlan plan) {
    assertThat(scheduler.run("LX1", plan).block()).isTrue();
  }

  private State state() {
    return rig.task("LX1").state();
  }

  @Nested
  class Forward {

    @Test
    void aStepFollowsThoseBeforeIt() {
      List<String> given = new ArrayList<>();
      rig.everywhere(
          (input, context) -> {
            rig.log.add(context.key().step());
            given.add(input + context.output("fuel", UTF8) + context.output("clean", UTF8));
            return context.key().step().equals("fuel") ? Mono.empty() : Mono.just("done");
          });
      AtomicReference<Task> ended = new AtomicReference<>();
      run(turnaround());
      scheduler.ended("LX1").subscribe(ended::set);
      rig.pass(SECOND);
      assertThat(rig.log).containsExactly("fuel", "clean", "load");
      assertThat(given).containsExactly("LX1nullnull", "LX1nullnull", "LX1nulldone");
      assertThat(ended.get().state()).isEqualTo(State.DONE);
      assertThat(scheduler.run("LX1", turnaround()).block()).isFalse();
      assertThat(scheduler.ended("LX2").blockOptional()).isEmpty();
    }

    @Test
    void stepsThatDoNotWaitForEachOtherAreDoneAtOnce() {
      rig.everywhere((input, context) -> Mono.delay(SECOND, rig.time).thenReturn("done"));
      run(turnaround());
      rig.pass(SECOND);
      assertThat(rig.step("LX1", "load").state()).isEqualTo(StepState.RUNNING);
      rig.pass(SECOND);
      assertThat(state()).isEqualTo(State.DONE);
    }

    @Test
    void aMessageThatComesTwiceIsAbsorbed() {
      Agent<String, String> agent = rig.agent(rig.logging());
      rig.fuel.agent = agent;
      rig.fuel.copies = 3;
      run(plan().step("fuel", "fuel", "LX1", UTF8));
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(rig.log).containsExactly("+fuel");
      assertThat(MeterReadings.of(agent).read())
          .containsEntry("sluice.task.steps{agent=agent, outcome=absorbed}", 2.0)
          .containsEntry("sluice.task.steps{agent=agent, outcome=done}", 1.0)
          .containsEntry("sluice.task.working{agent=agent}", 0.0);
    }

    @Test
    void aMessageThatIsLostIsSentAgain() {
      rig.everywhere(rig.logging());
      rig.fuel.lost = 2;
      run(plan().step("fuel", "fuel", "LX1", UTF8));
      rig.pass(AGAIN.minusSeconds(1));
      assertThat(rig.fuel.sent).hasSize(1);
      rig.pass(AGAIN.plusSeconds(10));
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(rig.fuel.sent).hasSize(3);
      assertThat(rig.fuel.sent)
          .extracting(message -> message.id())
          .containsOnly(rig.fuel.sent.get(0).id());
      assertThat(MeterReadings.of(scheduler).read()).containsEntry("sluice.task.sent{}", 3.0);
    }

    @Test
    void whatAnotherHasStartedAndNotSentIsSent() {
      scheduler.stop().block();
      rig.everywhere(rig.logging());
      run(turnaround()); // and dies
      rig.pass(AGAIN);
      assertThat(rig.log).isEmpty();
      rig.scheduler();
      assertThat(state()).isEqualTo(State.DONE);
    }

    @Test
    void aStepIsSentToAChannelOfTheScheduler() {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  scheduler.run(
                      "LX1",
                      plan()
                          .step("fuel", "petrol", "", UTF8)
                          .step("clean", "clean", "", UTF8, s -> s.remedies(reassign("mop")))))
          .withMessage("channels: [mop, petrol] (expected: among [fuel, clean, load])");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TaskScheduler.start(rig.store, List.of(rig.fuel, rig.fuel)))
          .withMessage("channels: another \"fuel\" (expected: one of each name)");
    }

    @Test
    void aMessageOfSomebodyElseIsUnreadable() {
      for (String text :
          List.of("", "fuel", "1 4 fuel", "1 99 fuel LX1", "x 4 fuel LX1", "1 0  ")) {
        StepVerifier.create(rig.agent(rig.logging()).apply(text.getBytes(UTF_8)))
            .expectError(UnreadablePayload.class)
            .verify();
      }
    }

    @Test
    void namesOfStepsAndTasksMayHaveAnyCharacters() {
      rig.everywhere(rig.logging());
      String odd = "7 9 \n\"ä€😀 ";
      scheduler.run(odd, plan().step(odd, "fuel", "", UTF8)).block();
      assertThat(rig.task(odd).state()).isEqualTo(State.DONE);
    }
  }

  @Nested
  class Trouble {

    private final List<Treatment> treatments = new ArrayList<>();
    private final Supervisor supervisor =
        rig.supervisor(
            rig.store,
            s ->
                s.listener(
                    (trouble, treatment) -> {
                      treatments.add(treatment);
                      throw new IllegalStateException("a listener that fails");
                    }));

    @Test
    void theStepOfAnAgentThatHasDiedIsDoneByAnother() {
      for (int i = 0; i < 50; i++) {
        String id = "LX" + (100 + i);
        TaskRig.Mortal process = new TaskRig.Mortal();
        rig.fuel.agent = rig.agent(process.of(rig.store), (input, context) -> Mono.never());
        scheduler
            .run(
                id, plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(3, Duration.ZERO))))
            .block();
        rig.pass(LEASE.multipliedBy(3)); // however long it takes
        assertThat(rig.step(id, "fuel").state()).isEqualTo(StepState.RUNNING);
        process.dead = true;
        Duration lastBeat = Duration.ofNanos(LEASE.toNanos() / 3);
        rig.fuel.agent = rig.agent(rig.logging());
        Duration took = rig.passUntil(() -> rig.task(id).state() == State.DONE);
        assertThat(took)
            .isBetween(LEASE.minus(lastBeat).minusSeconds(1), LEASE.plus(PERIOD.multipliedBy(2)));
        assertThat(rig.step(id, "fuel").attempts()).isEqualTo(2);
      }
    }

    @Test
    void aStepThatSomebodyWorksOnIsLeftAlone() {
      AtomicInteger begun = new AtomicInteger();
      rig.everywhere(
          (input, context) -> {
            begun.incrementAndGet();
            return Mono.delay(LEASE.multipliedBy(10), rig.time).thenReturn("done");
          });
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(9, Duration.ZERO))));
      rig.pass(LEASE.multipliedBy(10));
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(begun).hasValue(1);
      assertThat(treatments).isEmpty();
    }

    @Test
    void appliesRemediesOneAfterTheOther() {
      List<String> tried = new ArrayList<>();
      rig.fuel.agent =
          rig.agent(
              (input, context) -> {
                tried.add("fuel");
                return Mono.error(new IllegalStateException("no fuel"));
              });
      rig.clean.agent =
          rig.agent(
              (input, context) -> {
                tried.add("clean");
                return Mono.error(new IllegalStateException("not here either"));
              });
      run(
          plan()
              .step(
                  "fuel",
                  "fuel",
                  "",
                  UTF8,
                  s ->
                      s.remedies(
                          retry(2, SECOND.multipliedBy(20)),
                          reassign("clean"),
                          retry(1, SECOND),
                          escalate())));
      rig.pass(Duration.ofMinutes(10));
      assertThat(tried).containsExactly("fuel", "fuel", "fuel", "clean", "clean");
      assertThat(treatments)
          .containsExactly(
              new Treatment.Again("fuel", SECOND.multipliedBy(20), 1),
              new Treatment.Again("fuel", SECOND.multipliedBy(40), 2),
              new Treatment.Again("clean", Duration.ZERO, 3),
              new Treatment.Again("clean", SECOND, 4),
              new Treatment.Escalate());
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.ESCALATED);
      assertThat(rig.step("LX1", "fuel").note())
          .isEqualTo("java.lang.IllegalStateException: not here either");
      assertThat(MeterReadings.of(supervisor).read())
          .containsEntry("sluice.task.running{}", 1.0)
          .containsEntry("sluice.task.undoing{}", 0.0)
          .containsEntry("sluice.task.escalated{}", 1.0)
          .containsEntry("sluice.task.troubled{}", 0.0)
          .containsEntry("sluice.task.overdue{}", 0.0)
          .containsEntry("sluice.task.stale{}", 0.0)
          .containsEntry("sluice.task.treated{treatment=again}", 4.0)
          .containsEntry("sluice.task.treated{treatment=undo}", 0.0)
          .containsEntry("sluice.task.treated{treatment=escalate}", 1.0);
      assertThat(supervisor.warning()).isEqualTo("1 steps of tasks are escalated");
    }

    @Test
    void whatIsRefusedForGoodIsNotTriedAgainWhereItWas() {
      AtomicInteger begun = new AtomicInteger();
      rig.fuel.agent =
          rig.agent(
              (input, context) -> {
                begun.incrementAndGet();
                return Mono.error(new StepRefused("no such aircraft"));
              });
      rig.clean.agent = rig.agent(rig.logging());
      run(
          plan()
              .step(
                  "fuel",
                  "fuel",
                  "",
                  UTF8,
                  s -> s.remedies(retry(5, Duration.ZERO), reassign("clean"))));
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(begun).hasValue(1);
    }

    @Test
    void anAgentThatCannotReadItsInputHasFailedForGood() {
      rig.everywhere(
          (input, context) -> {
            throw new UnreadablePayload("text/plain", "not a flight", null);
          });
      run(turnaround());
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.ESCALATED);
      assertThat(rig.step("LX1", "fuel").note()).contains("not a flight");
    }

    @Test
    void anOutputThatIsTooLargeIsAFailure() {
      rig.everywhere((input, context) -> Mono.just("x".repeat(TaskStore.MAX_BODY + 1)));
      run(turnaround());
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(rig.step("LX1", "fuel").note()).contains("output: 262145 bytes");
    }

    @Test
    void whoeverIsNotCompleteInTimeStopsItself() {
      AtomicBoolean cancelled = new AtomicBoolean();
      AtomicReference<@Nullable Duration> left = new AtomicReference<>();
      rig.everywhere(
          (input, context) -> {
            left.set(context.left());
            return Mono.<String>never().doOnCancel(() -> cancelled.set(true));
          });
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.within(Duration.ofMinutes(5))));
      assertThat(left.get()).isEqualTo(Duration.ofMinutes(5));
      rig.pass(Duration.ofMinutes(5).minusSeconds(1));
      assertThat(cancelled).isFalse();
      rig.pass(SECOND);
      assertThat(cancelled).isTrue();
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.ESCALATED);
    }

    @Test
    void whatNobodyClaimsIsOverdue() {
      run(
          plan()
              .step(
                  "fuel",
                  "fuel",
                  "",
                  UTF8,
                  s -> s.within(Duration.ofMinutes(5)).remedies(reassign("clean"))));
      rig.clean.agent = rig.agent(rig.logging());
      rig.pass(Duration.ofMinutes(5));
      assertThat(rig.log).isEmpty();
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(rig.log).containsExactly("+fuel");
    }

    /** Its store answers no more, although it works: it may soon be another's. */
    @Test
    void anAgentThatCannotRenewItsLeaseStopsBeforeItIsAnothers() {
      TaskRig.Mortal process = new TaskRig.Mortal();
      AtomicBoolean cancelled = new AtomicBoolean();
      rig.fuel.agent =
          rig.agent(
              process.of(rig.store),
              (input, context) -> Mono.<String>never().doOnCancel(() -> cancelled.set(true)));
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(3, Duration.ZERO))));
      process.dead = true;
      rig.fuel.agent = rig.agent(rig.logging());
      rig.passUntil(cancelled::get);
      assertThat(rig.log).isEmpty();
      assertThat(rig.store.trouble(10, SECOND).collectList().block()).isEmpty(); // still leased
      rig.passUntil(() -> state() == State.DONE);
    }

    @Test
    void whatOneSaysThatWasAwayDoesNotCount() {
      Sinks.One<String> late = Sinks.one();
      TaskRig.Mortal process = new TaskRig.Mortal();
      List<Long> fences = new ArrayList<>();
      rig.fuel.agent =
          rig.agent(
              process.of(rig.store),
              (input, context) -> {
                fences.add(context.fence());
                return late.asMono();
              });
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(3, Duration.ZERO))));
      TaskStore.Run away =
          new TaskStore.Run(
              key("fuel"),
              "turnaround",
              false,
              Content.of("", new byte[0]),
              Map.of(),
              null,
              1,
              fences.get(0),
              SECOND);
      process.dead = true;
      rig.fuel.agent =
          rig.agent(
              (input, context) -> {
                fences.add(context.fence());
                return Mono.just("right");
              });
      rig.passUntil(() -> state() == State.DONE);
      assertThat(rig.store.done(away, Content.of("", "late".getBytes(UTF_8))).block()).isFalse();
      assertThat(rig.step("LX1", "fuel").output())
          .isEqualTo(Content.of(UTF8.contentType(), "right".getBytes(UTF_8)));
      assertThat(fences.get(1)).isGreaterThan(fences.get(0));
    }

    @Test
    void keysAreTheSameForEachAttemptAndOthersForItsUndoing() {
      List<String> keys = new ArrayList<>();
      List<Integer> attempts = new ArrayList<>();
      rig.everywhere(
          new AgentWork<>() {
            @Override
            public Mono<String> execute(String input, AgentContext context) {
              keys.add(context.idempotencyKey());
              attempts.add(context.attempt());
              return Mono.error(new IllegalStateException("no"));
            }

            @Override
            public Mono<Void> undo(String input, @Nullable String output, AgentContext context) {
              keys.add(context.idempotencyKey());
              attempts.add(context.attempt());
              return Mono.empty();
            }
          });
      run(
          plan()
              .step(
                  "fuel", "fuel", "", UTF8, s -> s.remedies(retry(1, Duration.ZERO), undoTask())));
      rig.passUntil(() -> state() == State.UNDONE);
      assertThat(keys).containsExactly("LX1/fuel", "LX1/fuel", "LX1/fuel/undo");
      assertThat(attempts).containsExactly(1, 2, 3);
    }

    @Test
    void progressIsSeenWithTheNextHeartbeat() {
      rig.everywhere(
          (input, context) -> {
            context.progress("half full");
            return Mono.never();
          });
      run(turnaround());
      assertThat(rig.step("LX1", "fuel").note()).isEmpty();
      rig.pass(LEASE.dividedBy(3));
      assertThat(rig.step("LX1", "fuel").note()).isEqualTo("half full");
    }

    @Test
    void forgetsTasksThatAreOver() {
      rig.everywhere(rig.logging());
      rig.supervisor(rig.store, s -> s.retention(Duration.ofHours(1)));
      run(turnaround());
      rig.pass(Duration.ofMinutes(59));
      assertThat(state()).isEqualTo(State.DONE);
      rig.pass(Duration.ofMinutes(2));
      assertThat(rig.store.find("LX1").blockOptional()).isEmpty();
    }

    @Test
    void aSupervisorThatDiesIsFollowedByAnotherAndDoesNoHarmWhenItComesBack() {
      supervisor.stop().block();
      rig.fuel.agent = rig.agent((input, context) -> Mono.error(new StepRefused("no")));
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(reassign("clean"), undoTask())));
      rig.clean.agent = rig.agent((input, context) -> Mono.never());
      TaskStore.Trouble away = rig.store.trouble(10, Duration.ofSeconds(30)).blockFirst();
      rig.supervisor();
      rig.pass(Duration.ofSeconds(29));
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.FAILED);
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.RUNNING);
      assertThat(rig.store.treat(away.key(), away.version(), new Treatment.Undo(), "late").block())
          .isFalse();
      assertThat(state()).isEqualTo(State.RUNNING);
    }

    @Test
    void threeSupervisorsTreatAStepOnce() {
      rig.supervisor();
      rig.supervisor();
      AtomicInteger begun = new AtomicInteger();
      rig.everywhere(
          (input, context) -> {
            begun.incrementAndGet();
            return Mono.error(new IllegalStateException("no"));
          });
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(10, SECOND))));
      rig.pass(Duration.ofMinutes(30));
      assertThat(begun).hasValue(11);
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.ESCALATED);
    }
  }

  @Nested
  class Backward {

    private final Supervisor supervisor = rig.supervisor();

    @Test
    void undoesInReverseOrderWhatWasDone() {
      AgentWork<String, String> logging = rig.logging();
      rig.fuel.agent = rig.agent(logging);
      rig.clean.agent = rig.agent(logging);
      rig.load.agent =
          rig.agent(
              new AgentWork<>() {
                @Override
                public Mono<String> execute(String input, AgentContext context) {
                  return Mono.error(new StepRefused("the door is stuck"));
                }

                @Override
                public Mono<Void> undo(
                    String input, @Nullable String output, AgentContext context) {
                  assertThat(output).isNull();
                  return logging.undo(input, output, context);
                }
              });
      run(
          plan()
              .step("fuel", "fuel", "", UTF8)
              .step("clean", "clean", "", UTF8, s -> s.after("fuel"))
              .step("load", "load", "", UTF8, s -> s.after("clean").remedies(undoTask()))
              .step("close", "load", "", UTF8, s -> s.after("load")));
      rig.passUntil(() -> state() == State.UNDONE);
      assertThat(rig.log).containsExactly("+fuel", "+clean", "-load", "-clean", "-fuel");
      assertThat(rig.step("LX1", "close").state()).isEqualTo(StepState.SKIPPED);
      assertThat(rig.task("LX1").why()).contains("the door is stuck");
      assertThat(MeterReadings.of(supervisor).read())
          .containsEntry("sluice.task.treated{treatment=undo}", 1.0);
    }

    @Test
    void whoWorksOnAnUnwantedStepIsToldSoAndGivesItBack() {
      AtomicBoolean cancelled = new AtomicBoolean();
      AgentWork<String, String> logging = rig.logging();
      Agent<String, String> fuelling =
          rig.agent(
              new AgentWork<>() {
                @Override
                public Mono<String> execute(String input, AgentContext context) {
                  return Mono.<String>never().doOnCancel(() -> cancelled.set(true));
                }

                @Override
                public Mono<Void> undo(
                    String input, @Nullable String output, AgentContext context) {
                  assertThat(cancelled).isTrue();
                  return logging.undo(input, output, context);
                }
              });
      rig.fuel.agent = fuelling;
      rig.clean.agent = rig.agent(logging);
      run(turnaround());
      TaskAdmin.over(rig.store).undo("LX1", "the flight is cancelled").block();
      assertThat(rig.log).containsExactly("+clean", "-clean");
      rig.pass(LEASE.dividedBy(3));
      assertThat(rig.log).containsExactly("+clean", "-clean", "-fuel");
      assertThat(state()).isEqualTo(State.UNDONE);
      assertThat(MeterReadings.of(fuelling).read())
          .containsEntry("sluice.task.steps{agent=agent, outcome=given-back}", 1.0);
    }

    @Test
    void anUndoingThatFailsIsTriedAgainAndThenEscalated() {
      AtomicInteger undoings = new AtomicInteger();
      rig.everywhere(
          new AgentWork<>() {
            @Override
            public Mono<String> execute(String input, AgentContext context) {
              return Mono.error(new StepRefused("no"));
            }

            @Override
            public Mono<Void> undo(String input, @Nullable String output, AgentContext context) {
              undoings.incrementAndGet();
              return Mono.error(new IllegalStateException("stuck"));
            }
          });
      run(plan().step("fuel", "fuel", "", UTF8, s -> s.remedies(retry(2, SECOND), undoTask())));
      rig.pass(Duration.ofMinutes(5));
      assertThat(undoings).hasValue(3);
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.ESCALATED);
      TaskAdmin.over(rig.store).settle(key("fuel"), null, "pumped out by hand").block();
      assertThat(state()).isEqualTo(State.UNDONE);
    }
  }

  @Nested
  class ByHand {

    private final TaskAdmin admin = TaskAdmin.over(rig.store);

    @Test
    void whatIsEscalatedIsTriedAgainOrSettled() {
      rig.supervisor();
      AtomicBoolean repaired = new AtomicBoolean();
      rig.everywhere(
          (input, context) ->
              repaired.get() ? Mono.just("done") : Mono.error(new StepRefused("broken")));
      run(turnaround());
      rig.pass(PERIOD.multipliedBy(2));
      assertThat(admin.list(Query.all().escalated()).collectList().block())
          .extracting(Summary::escalated)
          .containsExactly(2);
      assertThat(admin.stats().block().escalated()).isEqualTo(2);
      repaired.set(true);
      admin.again(key("fuel"), "the pump is repaired").block();
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.DONE);
      Content byHand = Content.of("text/plain", "swept".getBytes(UTF_8));
      admin.settle(key("clean"), byHand, "swept by hand").block();
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(rig.step("LX1", "clean").output()).isEqualTo(byHand);
      assertThat(admin.purge(Duration.ZERO, 10).block()).isEqualTo(1);
      assertThat(admin.find("LX1").blockOptional()).isEmpty();
    }

    @Test
    void whatIsEscalatedIsTriedElsewhere() {
      rig.supervisor();
      rig.fuel.agent = rig.agent((input, context) -> Mono.error(new StepRefused("broken")));
      rig.clean.agent = rig.agent(rig.logging());
      run(plan().step("fuel", "fuel", "", UTF8));
      rig.pass(PERIOD.multipliedBy(2));
      admin.again(key("fuel"), "clean", "they can do it too").block();
      assertThat(state()).isEqualTo(State.DONE);
    }

    @Test
    void whatIsNotAsExpectedIsRefused() {
      rig.everywhere(rig.logging());
      run(turnaround());
      StepVerifier.create(admin.again(key("fuel"), "why"))
          .verifyErrorMessage("step LX1/fuel (expected: an escalated one)");
      StepVerifier.create(admin.settle(key("unknown"), null, "why"))
          .verifyErrorMessage("step LX1/unknown (expected: an escalated one)");
      StepVerifier.create(admin.undo("LX1", "why"))
          .verifyErrorMessage("task LX1 (expected: one that is not over)");
      StepVerifier.create(admin.abandon("LX2", "why"))
          .verifyErrorMessage("task LX2 (expected: one that is not over)");
    }

    @Test
    void whatIsAbandonedIsWorkedOnNoMore() {
      AtomicBoolean cancelled = new AtomicBoolean();
      rig.everywhere(
          (input, context) -> Mono.<String>never().doOnCancel(() -> cancelled.set(true)));
      run(turnaround());
      admin.abandon("LX1", "the aircraft is written off").block();
      rig.pass(LEASE);
      assertThat(cancelled).isTrue();
      assertThat(state()).isEqualTo(State.ABANDONED);
    }
  }

  @Nested
  class Cancelled {

    @Test
    void anAgentThatStopsGivesItsStepBack() {
      AtomicBoolean cancelled = new AtomicBoolean();
      Agent<String, String> stopping =
          rig.agent((input, context) -> Mono.<String>never().doOnCancel(() -> cancelled.set(true)));
      rig.fuel.agent = stopping;
      run(plan().step("fuel", "fuel", "", UTF8));
      rig.fuel.agent = rig.agent(rig.logging());
      rig.fuel.running.dispose();
      assertThat(cancelled).isTrue();
      assertThat(state()).isEqualTo(State.DONE);
      assertThat(rig.log).containsExactly("+fuel");
      assertThat(MeterReadings.of(stopping).read())
          .containsEntry("sluice.task.steps{agent=agent, outcome=given-back}", 1.0);
    }

    /** H14 of resources: one that comes when nobody waits for it any more. */
    @Test
    void aStepThatIsClaimedTooLateIsGivenBackAndNotBegun() {
      Sinks.Empty<Void> answer = Sinks.empty();
      AtomicBoolean slow = new AtomicBoolean(true);
      TaskStore slowStore =
          (TaskStore)
              Proxy.newProxyInstance(
                  TaskStore.class.getClassLoader(),
                  new Class<?>[] {TaskStore.class},
                  (proxy, method, arguments) -> {
                    Object result = method.invoke(rig.store, arguments);
                    return method.getName().equals("claim") && slow.get()
                        ? ((Mono<?>) result).delayUntil(run -> answer.asMono())
                        : result;
                  });
      AtomicInteger begun = new AtomicInteger();
      rig.fuel.agent =
          rig.agent(
              slowStore,
              (input, context) -> {
                begun.incrementAndGet();
                return Mono.never();
              });
      run(plan().step("fuel", "fuel", "", UTF8));
      Disposable running = rig.fuel.running;
      assertThat(rig.step("LX1", "fuel").state()).isEqualTo(StepState.RUNNING);
      rig.fuel.agent = rig.agent(rig.logging());
      running.dispose();
      assertThat(rig.log).isEmpty();
      answer.tryEmitEmpty();
      assertThat(begun).hasValue(0);
      assertThat(rig.log).containsExactly("+fuel");
    }
  }
}
