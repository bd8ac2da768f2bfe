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

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.SagaLog;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * Sagas: a sequence of steps, each with a way to undo it, of which all are done in the end, or
 * none.
 *
 * <p>A saga is an ordinary {@code Mono} of which parts are {@linkplain #sagaStep steps}, within a
 * boundary, {@link #saga}. The steps find the boundary in the Reactor Context, so that any operator
 * may stand between them: {@code zip} runs steps beside each other, {@code flatMap} runs one for
 * each element.
 *
 * <p>{@link #saga} is in memory: what such a saga has done is known to its process alone, and when
 * that dies the saga stays where it was. One that is to survive that is a {@link SagaDefinition},
 * {@link #run} with a journal, {@link #over}, and {@linkplain #recover recovered} by any process
 * that has its definition.
 */
@Experimental
public final class Sagas implements Metered {

  /** Where the Context has the saga, or within an action and a compensation their step. */
  static final Object SCOPE =
      new Object() {
        @Override
        public String toString() {
          return "dev.sluice.saga";
        }
      };

  private final SagaEngine engine;

  private Sagas(SagaEngine engine) {
    this.engine = engine;
  }

  /**
   * A step without options: it need not be undone.
   *
   * @see #sagaStep(String, Function, UnaryOperator)
   */
  public static <I, O> Function<Mono<I>, Mono<O>> sagaStep(
      String name, Function<? super I, ? extends Mono<? extends O>> action) {
    return sagaStep(name, action, s -> s);
  }

  /**
   * What an action gives, registered with its compensation in the saga around it.
   *
   * <p><img class="marble" src="doc-files/sagaStep.svg" alt="A step fails; what was done before is
   * undone, the last step first">
   *
   * <p>The compensation is registered before the action is called. The action runs detached: a
   * cancel of the body, by a {@code zip} whose other branch has failed, say, does not reach it; it
   * ends by itself or by its timeout. A step that comes again in the same saga, with the same name
   * and key, gives what it gave, waits for it if it still runs, and is run again if it had failed:
   * so {@code retryWhen} may stand around steps.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what the action emits first, or nothing if it is empty
   *   <dt>Backpressure
   *   <dd>the action is called when the input comes; it is asked for everything
   *   <dt>Completes/Errors
   *   <dd>completes with the action, and without calling it when there is no input. Fails with the
   *       action's last error; with a {@link java.util.concurrent.TimeoutException}; with what the
   *       key function and an {@code equals} of the input throw; and with an {@link
   *       IllegalStateException} outside a saga, for a step that comes again with another input,
   *       for a pivot beside another step, and for one step more than {@link SagaSpec#maxSteps}
   *   <dt>Cancel
   *   <dd>cancels the source; the action, once called, goes on. If the body completes all the same,
   *       what it has cancelled is undone at its end
   *   <dt>Discard
   *   <dd>an input that comes after the cancel. The saga holds the others, and outputs, until it
   *       ends. What an action emits after its timeout is dropped
   *   <dt>Threads
   *   <dd>the action is called on the thread of the input, retries on the timer's; the output comes
   *       on the thread of the action
   * </dl>
   *
   * @param name what the step is called; one name is one step of a saga, unless {@link
   *     StepSpec#key} tells them apart
   * @param action must not return null. Is called with the same input again when it is retried
   * @param spec the options, from defaults: nothing to undo, a timeout of 30 s, no retries
   * @throws IllegalArgumentException if the name is blank or an option is out of range
   */
  public static <I, O> Function<Mono<I>, Mono<O>> sagaStep(
      String name,
      Function<? super I, ? extends Mono<? extends O>> action,
      UnaryOperator<StepSpec<I, O>> spec) {
    return new StepPlan<>(
        named("step", name),
        Objects.requireNonNull(action, "action"),
        Objects.requireNonNull(spec.apply(StepSpec.defaults()), "spec"));
  }

  /** A saga of one step, which fails as the step does. */
  static <I, O> Mono<O> alone(StepPlan<I, O> plan, Mono<I> input) {
    return plan.apply(input)
        .as(Sagas.<O>saga(plan.name(), s -> s))
        .handle(
            (result, sink) -> {
              if (result instanceof SagaResult.Completed<O> completed) {
                if (completed.value() != null) {
                  sink.next(completed.value());
                }
              } else if (result instanceof SagaResult.Compensated<O> compensated) {
                sink.error(compensated.cause());
              } else if (result instanceof SagaResult.Parked<O> parked) {
                if (parked.stuckCause() != null) {
                  parked.cause().addSuppressed(parked.stuckCause());
                }
                sink.error(parked.cause());
              }
            });
  }

  /**
   * How a body with {@linkplain #sagaStep steps} has ended.
   *
   * <p><img class="marble" src="doc-files/saga.svg" alt="A saga that fails undoes what was done,
   * the last step first, and then says so">
   *
   * <p>When the body fails, the saga is cancelled or its time is up, no further step begins; those
   * that run are waited for; then the compensations of all steps that are done, or may be, run one
   * after the other, the last step first. When the body completes, its steps stand; but a step that
   * the body has cancelled, or whose unknown end it has recovered from, is undone before the saga
   * has completed. After a {@linkplain StepSpec#pivot pivot} nothing goes backward any more: steps
   * are retried, and the saga is parked when the body fails.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>exactly one result, when nothing of the saga runs any more
   *   <dt>Backpressure
   *   <dd>the body is subscribed to with the saga and asked for everything; the result waits for
   *       its request. The inputs and outputs of at most {@link SagaSpec#maxSteps} steps are held
   *   <dt>Completes/Errors
   *   <dd>completes after the result. Failures of the body are results, and not errors
   *   <dt>Cancel
   *   <dd>cancels the body, waits for the steps that run, and compensates, all detached and within
   *       {@link SagaSpec#awaitRunning} and {@link SagaSpec#compensateWithin}; or lets the saga go
   *       on, {@link OnCancel#CONTINUE}, as it does after the pivot in any case. The {@link
   *       SagaSpec#listener} hears how it ended
   *   <dt>Discard
   *   <dd>the value of a body that emits it when the saga is ending already
   *   <dt>Threads
   *   <dd>the result comes on the thread of the body, of the last step or compensation, or of the
   *       timer
   * </dl>
   *
   * @param name what the saga is called
   * @param spec the options, from defaults: no timeout, compensation on cancel, 10 retries of
   *     compensations and of steps after the pivot
   * @throws IllegalArgumentException if the name is blank or an option is out of range
   */
  public static <R> Function<Mono<R>, Mono<SagaResult<R>>> saga(
      String name, UnaryOperator<SagaSpec<R>> spec) {
    named("saga", name);
    SagaSpec<R> options = Objects.requireNonNull(spec.apply(SagaSpec.defaults()), "spec");
    return body -> MonoSaga.create(body, name, options);
  }

  // == durable ==

  /**
   * Sagas with a journal.
   *
   * @param log where their journals are
   * @param codecs how inputs, what steps give, and results are written
   * @param spec the options, from defaults: no definitions, a lease of 30 s
   */
  public static Sagas over(SagaLog log, SagaCodecs codecs, UnaryOperator<DurableSpec> spec) {
    return new Sagas(
        new SagaEngine(
            Objects.requireNonNull(log, "log"),
            Objects.requireNonNull(codecs, "codecs"),
            Objects.requireNonNull(spec.apply(DurableSpec.DEFAULT), "spec")));
  }

  /**
   * How a saga has ended: begins it, or goes on with it if nobody else does, or tells what is known
   * of one that has ended. To run the same again is to ask.
   *
   * <p>The subscription begins the saga: its id and its input go to the journal, and the body is
   * subscribed to when they are durable. From then on the saga is accepted. It ends whatever
   * becomes of this process, here or where it is recovered, and {@link SagaAdmin#timeline} has it.
   * Nothing is emitted at that moment: who is to answer before the end, with a 202 say, asks for
   * the timeline of the id, or answers from the first step. If the journal is out of reach it is
   * not known whether the saga was accepted; to run it again with the same id and input is safe.
   *
   * <p>What the saga decides is durable before it is done: the intent of a step before its action
   * is called, what the step gave before the next action is called, that the saga turns back before
   * the first compensation, and the result before it is emitted. So, whatever dies when, a saga
   * ends as {@link #saga} says, here or where it is recovered. The action of a step that was begun
   * and of which nothing more is known is called again, with the same {@link
   * StepContext#idempotencyKey}.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>exactly one result, when it is durable
   *   <dt>Backpressure
   *   <dd>as {@link #saga}. At most {@link SagaSpec#maxSteps} steps, and their events, are held
   *   <dt>Completes/Errors
   *   <dd>completes after the result. Fails with {@link SagaBusy} while somebody else runs the
   *       saga; with an {@link IllegalArgumentException} if there is one of that id with another
   *       input; with {@link dev.sluice.store.SagaFenced} if it was taken over meanwhile; with what
   *       the codec throws; and with {@link dev.sluice.store.StoreFailed}, or a {@link
   *       java.util.concurrent.TimeoutException}, if the journal is out of reach for {@link
   *       DurableSpec#journalWithin}. In the last two cases the saga goes on elsewhere or later
   *   <dt>Cancel
   *   <dd>as {@link #saga}; the journal keeps it, so that it is not forgotten if this process dies.
   *       One that comes while the saga is being begun counts too
   *   <dt>Discard
   *   <dd>as {@link #saga}
   *   <dt>Threads
   *   <dd>actions are called, and the result comes, on the journal's threads
   * </dl>
   *
   * @param definition one of {@link DurableSpec#definition}
   * @param id what tells the saga from the others of its name, for ever: the id of an order, say
   * @throws IllegalArgumentException if the definition is not one of these, or the id is out of
   *     range
   */
  public <I, R> Mono<SagaResult<R>> run(SagaDefinition<I, R> definition, String id, I input) {
    return engine.run(Objects.requireNonNull(definition, "definition"), id, input);
  }

  /**
   * Goes on with sagas whose processes have died, from now on; in each process that has their
   * definitions, if you like. Results go to the listeners of the definitions.
   *
   * @param spec the options, from defaults: every 10 s, 64 at once
   */
  public SagaRecovery recover(UnaryOperator<RecoverySpec> spec) {
    return new SagaRecovery(
            engine, Objects.requireNonNull(spec.apply(RecoverySpec.DEFAULT), "spec"))
        .start();
  }

  /** How many durable sagas run here, and how they have ended. */
  @Override
  public void meters(Meters meters) {
    engine.meters(meters);
  }

  /** What people can see of the sagas, and do about them. */
  public SagaAdmin admin() {
    return new SagaAdmin(engine.log);
  }

  private static String named(String what, String name) {
    if (name.isBlank()) {
      throw new IllegalArgumentException(what + ": \"" + name + "\" (expected: a name)");
    }
    return name;
  }
}
