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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.Content;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Run;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Does the steps that come on a channel: the worker of a {@code Flow}. It claims the step under a
 * lease, renews the lease while it works, stops itself when the time within which the step must be
 * complete is over, when the lease is not certain any more or the step is not wanted any more, and
 * says what has come of it. It undoes steps that it is asked to undo.
 *
 * <pre>{@code
 * Agent<String, String> fuelling = Agent.of("fuelling", store, utf8, utf8, (flight, c) -> fuel(flight));
 * FlowHandle handle = Flow.from(fuel).compete(fuelling, c -> c.concurrency(4)).start();
 * }</pre>
 *
 * <p>A step that comes twice is done once. One of a process that has died is done again by another,
 * when a {@link Supervisor} has found that its lease is over; what the first still says then is
 * refused by the store, and what it still does is refused by whoever checks {@link
 * AgentContext#fence()}.
 *
 * @param <I> what the steps are given
 * @param <O> what they give
 */
@Experimental
public final class Agent<I, O> implements Function<byte[], Mono<Void>>, Metered {

  private static final Logger log = LoggerFactory.getLogger(Agent.class);

  private static final int MAX_NAME = 100;

  private final String name;
  private final String owner;
  private final TaskStore store;
  private final PayloadCodec<I> inputs;
  private final PayloadCodec<O> outputs;
  private final AgentWork<I, O> work;
  private final AgentSpec spec;

  private final AtomicInteger working = new AtomicInteger();
  private final LongAdder done = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder givenBack = new LongAdder();
  private final LongAdder lost = new LongAdder();
  private final LongAdder absorbed = new LongAdder();

  private Agent(
      String name,
      TaskStore store,
      PayloadCodec<I> inputs,
      PayloadCodec<O> outputs,
      AgentWork<I, O> work,
      AgentSpec spec) {
    if (name.isEmpty() || name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "name: " + name.length() + " characters (expected: 1.." + MAX_NAME + ")");
    }
    this.name = name;
    this.owner = name + " " + MessageIds.next();
    this.store = Objects.requireNonNull(store, "store");
    this.inputs = Objects.requireNonNull(inputs, "inputs");
    this.outputs = Objects.requireNonNull(outputs, "outputs");
    this.work = Objects.requireNonNull(work, "work");
    this.spec = spec;
  }

  /**
   * With the default options.
   *
   * @see #of(String, TaskStore, PayloadCodec, PayloadCodec, AgentWork, UnaryOperator)
   */
  public static <I, O> Agent<I, O> of(
      String name,
      TaskStore store,
      PayloadCodec<I> inputs,
      PayloadCodec<O> outputs,
      AgentWork<I, O> work) {
    return of(name, store, inputs, outputs, work, s -> s);
  }

  /**
   * An agent.
   *
   * @param name what the steps that it has are marked with, and its meters, 1 to 100 characters
   * @param store that of the scheduler
   * @param inputs reads what the steps are given
   * @param outputs writes what they give, at most {@value TaskStore#MAX_BODY} bytes
   * @param work what is done and undone
   * @param spec the options, from defaults: a lease of 30 s
   * @throws IllegalArgumentException if the name or an option is out of range
   */
  public static <I, O> Agent<I, O> of(
      String name,
      TaskStore store,
      PayloadCodec<I> inputs,
      PayloadCodec<O> outputs,
      AgentWork<I, O> work,
      UnaryOperator<AgentSpec> spec) {
    return new Agent<>(name, store, inputs, outputs, work, spec.apply(AgentSpec.DEFAULT));
  }

  /**
   * Does the step that a message of a scheduler is about.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the store knows what has come of the step, or when it is not this agent's:
   *       the message is to be acknowledged. Fails with {@link dev.sluice.codec.UnreadablePayload}
   *       if the payload is not of a scheduler, and with {@link dev.sluice.store.StoreFailed} if
   *       the step could not be claimed. What the work fails with is in the store
   *   <dt>Cancel
   *   <dd>cancels the work and gives the step back, detached from the caller
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>the work is subscribed to on a thread of the store; it is cancelled there, or on the
   *       timer
   * </dl>
   */
  @Override
  public Mono<Void> apply(byte[] payload) {
    Objects.requireNonNull(payload, "payload");
    return Mono.deferContextual(
        context -> {
          StepMessage message = StepMessage.read(payload);
          Sinks.Empty<Void> stop = Sinks.empty();
          Mono<Void> run =
              claimed(message, stop.asMono())
                  .onErrorResume(error -> isStopped(stop) ? Mono.empty() : Mono.error(error))
                  .contextWrite(context);
          return Mono.fromFuture(() -> run.toFuture(), true).doOnCancel(stop::tryEmitEmpty);
        });
  }

  private static boolean isStopped(Sinks.Empty<Void> stop) {
    return Boolean.TRUE.equals(stop.scan(Scannable.Attr.TERMINATED));
  }

  private Mono<Void> claimed(StepMessage message, Mono<Void> stop) {
    return Mono.defer(
        () -> {
          long asked = spec.nanos();
          return store
              .claim(message.key(), message.version(), owner, spec.lease())
              .map(run -> new AgentRun(store, run, spec, asked))
              .switchIfEmpty(Mono.fromRunnable(absorbed::increment))
              .flatMap(run -> work(run, stop));
        });
  }

  private Mono<Void> work(AgentRun run, Mono<Void> stop) {
    working.incrementAndGet();
    return run.until(stop, execute(run))
        .flatMap(ending -> ended(run, ending))
        .doFinally(signal -> working.decrementAndGet());
  }

  private Mono<Ending> execute(AgentRun run) {
    return Mono.defer(
            () -> {
              AgentContext context = new AgentContext(run);
              Run step = run.run();
              I input = AgentContext.read(step.input(), inputs);
              return step.undoing()
                  ? work.undo(input, output(step.output()), context)
                      .then(Mono.<Ending>just(new Ending.Done(null)))
                  : work.execute(input, context)
                      .map(this::done)
                      .defaultIfEmpty(new Ending.Done(null));
            })
        .onErrorResume(error -> Mono.just(failed(error)));
  }

  private @Nullable O output(@Nullable Content output) {
    return output == null ? null : AgentContext.read(output, outputs);
  }

  private Ending done(O output) {
    Content content = Content.of(outputs.contentType(), outputs.encode(Message.of(output)));
    TaskStore.requireBody("output", content);
    return new Ending.Done(content);
  }

  private static Ending failed(Throwable error) {
    boolean forGood =
        error instanceof ErrorClassifier.Classified classified
            && classified.kind() == ErrorClassifier.Kind.POISON;
    return new Ending.Failed(error.toString(), forGood);
  }

  /** What cannot be said any more is found out by a supervisor, when the lease is over. */
  private Mono<Void> ended(AgentRun run, Ending ending) {
    return run.report(ending)
        .doOnNext(
            counts -> {
              if (counts) {
                counter(ending).increment();
              } else {
                lost.increment();
                log.info("{}: step {} was taken over", name, run.run().key());
              }
            })
        .onErrorResume(
            error -> {
              lost.increment();
              log.warn("{}: step {} is left to a supervisor", name, run.run().key(), error);
              return Mono.empty();
            })
        .then();
  }

  private LongAdder counter(Ending ending) {
    if (ending instanceof Ending.Done) {
      return done;
    }
    return ending instanceof Ending.Failed
        ? failed
        : ending instanceof Ending.GivenBack ? givenBack : lost;
  }

  /**
   * Tagged with its name as {@code agent}: {@code sluice.task.working}, steps that it has, and
   * {@code sluice.task.steps} by {@code outcome}: {@code done}, {@code failed}, {@code given-back},
   * {@code lost} (somebody else has, or will have, the step), {@code absorbed} (messages of steps
   * that were not to be had: they came twice, or too late).
   */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("agent", name);
    mine.gauge("sluice.task.working", "steps", "Steps that an agent has", working::get);
    outcome(mine, "done", done);
    outcome(mine, "failed", failed);
    outcome(mine, "given-back", givenBack);
    outcome(mine, "lost", lost);
    outcome(mine, "absorbed", absorbed);
  }

  private static void outcome(Meters meters, String outcome, LongAdder many) {
    meters
        .with("outcome", outcome)
        .counter("sluice.task.steps", "steps", "What became of steps of an agent", many::sum);
  }

  @Override
  public String toString() {
    return "agent " + name;
  }
}
