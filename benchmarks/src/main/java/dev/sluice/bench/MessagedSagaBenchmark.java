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
package dev.sluice.bench;

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.memory.MemoryChannel;
import dev.sluice.memory.MemoryIdempotencyStore;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import dev.sluice.saga.RemoteStep;
import dev.sluice.saga.SagaParticipant;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.StepWork;
import dev.sluice.store.IdempotencyStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What does a saga of three steps over queues in memory cost, with a participant behind each? One
 * operation is one saga that succeeds, of {@value #SAGAS}, of which {@code inFlight} run at once.
 *
 * <p>The composition is what one writes otherwise, over the same channels: a map of sinks by
 * message id with a {@code timeout} on each, a loop that answers behind each queue, and {@code
 * flatMap} within {@code flatMap}, with an {@code onErrorResume} that undoes. It knows neither
 * repetitions nor tombstones, both of which ours write down for each step. More than five times its
 * bytes would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="MessagedSagaBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class MessagedSagaBenchmark {

  static final int SAGAS = 500;
  private static final int STEPS = 3;
  private static final int ROUNDS = 40;
  private static final int KEYS = 100_000;
  private static final Duration WITHIN = Duration.ofSeconds(30);
  private static final StringCodec UTF8 = StringCodec.utf8();

  @Param({"1", "64"})
  private int inFlight;

  private final List<FlowHandle> participants = new ArrayList<>();
  private final List<RemoteStep<String, String>> steps = new ArrayList<>();
  private final Disposable.Composite loops = Disposables.composite();
  private final List<MemoryChannel> queues = new ArrayList<>();
  private final Map<String, Sinks.One<byte[]>> waiting = new ConcurrentHashMap<>();

  @SuppressWarnings("NullAway.Init") // set in prepare
  private Requester<byte[]> requester;

  /** Work that takes no time, so that only the way there and back is seen. */
  private static final class Nothing implements StepWork<String, String> {
    @Override
    public Mono<String> act(String input, String key) {
      return Mono.just(input + ".");
    }

    @Override
    public Mono<Void> undo(String input, @Nullable String output, String key) {
      return Mono.empty();
    }
  }

  /** Makes both sides, and checks that each way does all steps of all sagas. */
  @Setup
  public void prepare() {
    MemoryChannel acks = MemoryChannel.create("acks");
    requester = Requester.over(acks, BytesCodec.bytes(), s -> s.timeout(WITHIN));
    // what was done is old soon, so that the store never fills for good
    IdempotencyStore store = MemoryIdempotencyStore.create(KEYS);
    for (int i = 0; i < STEPS; i++) {
      MemoryChannel queue = MemoryChannel.create("steps-" + i);
      SagaParticipant<String, String> participant =
          SagaParticipant.of(
              "step-" + i, new Nothing(), UTF8, store, Duration.ofMillis(100), s -> s);
      participants.add(
          Flow.from(queue)
              .deadLetter(MemoryChannel.create("dead-" + i))
              .decode(UTF8)
              .replyWith(participant.replier(Replier.among(List.of(acks)), s -> s))
              .start());
      steps.add(RemoteStep.over(requester, queue, UTF8, UTF8));
    }
    prepareComposition();
    for (int i = 0; i < ROUNDS; i++) { // the compiler needs longer for this than a warm-up lasts
      verify(messaged());
      verify(composed());
    }
  }

  private void prepareComposition() {
    MemoryChannel acks = MemoryChannel.create("plain-acks");
    for (int i = 0; i < STEPS; i++) {
      MemoryChannel queue = MemoryChannel.create("plain-steps-" + i);
      queues.add(queue);
      loops.add(
          queue
              .receive(ReceiveOptions.defaults())
              .flatMap(
                  step ->
                      Mono.just(text(step.message().payload()) + ".")
                          .flatMap(done -> acks.send(step.message().reply(bytes(done))))
                          .doOnSuccess(sent -> step.settlement().settle(Outcome.ack())))
              .subscribe());
    }
    loops.add(
        acks.receive(ReceiveOptions.defaults())
            .subscribe(
                ack -> {
                  Message<byte[]> message = ack.message();
                  Sinks.One<byte[]> sink =
                      waiting.get(Objects.requireNonNull(message.causationId()));
                  if (sink != null) {
                    sink.tryEmitValue(message.payload());
                  }
                  ack.settlement().settle(Outcome.ack());
                }));
  }

  private static void verify(long characters) {
    if (characters != (long) SAGAS * STEPS) {
      throw new IllegalStateException(
          "steps done: " + characters + " (expected: " + SAGAS * STEPS + ")");
    }
  }

  /** Checks that nothing was left behind. */
  @TearDown(Level.Trial)
  public void stop() {
    if (requester.stats().pending() != 0 || !waiting.isEmpty()) {
      throw new IllegalStateException("something waits still");
    }
    participants.forEach(participant -> participant.stop(WITHIN).block());
    requester.stop(WITHIN).block();
    loops.dispose();
  }

  /** Ours: how many steps were done. */
  @Benchmark
  @OperationsPerInvocation(SAGAS)
  public long messaged() {
    return all(
        Mono.just("")
            .transform(step(0))
            .transform(step(1))
            .transform(step(2))
            .as(saga("messaged", s -> s))
            .map(MessagedSagaBenchmark::completed));
  }

  private static String completed(SagaResult<String> result) {
    if (result instanceof SagaResult.Completed<String> done) {
      return String.valueOf(done.value());
    }
    throw new IllegalStateException(result + " (expected: completed)");
  }

  private Function<Mono<String>, Mono<String>> step(int number) {
    RemoteStep<String, String> step = steps.get(number);
    return sagaStep("step-" + number, step::perform, s -> s.compensate(step::undo));
  }

  /** The composition: how many steps were done. */
  @Benchmark
  @OperationsPerInvocation(SAGAS)
  public long composed() {
    return all(
        ask(0, "")
            .flatMap(
                a ->
                    ask(1, a)
                        .flatMap(b -> ask(2, b).onErrorResume(e -> undo(1, b, e)))
                        .onErrorResume(e -> undo(0, a, e))));
  }

  private Mono<String> ask(int step, String input) {
    return Mono.defer(
        () -> {
          Message<byte[]> request = Message.of(bytes(input)).expiring(WITHIN);
          Sinks.One<byte[]> sink = Sinks.one();
          waiting.put(request.id(), sink);
          return queues
              .get(step)
              .send(request)
              .then(sink.asMono())
              .timeout(WITHIN)
              .doFinally(signal -> waiting.remove(request.id()))
              .map(MessagedSagaBenchmark::text);
        });
  }

  private Mono<String> undo(int step, String output, Throwable error) {
    return ask(step, output).then(Mono.error(error));
  }

  private long all(Mono<String> saga) {
    return Objects.requireNonNull(
        Flux.range(0, SAGAS)
            .flatMap(i -> saga, inFlight)
            .reduce(0L, (sum, text) -> sum + text.length())
            .block(WITHIN));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
