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

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.requestreply.Refused;
import dev.sluice.requestreply.Requester;
import dev.sluice.saga.RemoteStep;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaParticipant;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.SagaResult.Compensated;
import dev.sluice.saga.SagaResult.Completed;
import dev.sluice.saga.Sagas;
import dev.sluice.saga.StepWork;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * The coordinator of a messaged saga dies at every boundary in turn, between its journal and its
 * messages, and another process goes on, which has the journal and an acknowledgement queue of its
 * own.
 */
@Timeout(180)
@ExtendWith(LeakCheck.class)
class MessagedSagaRestartTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final StringCodec UTF8 = StringCodec.utf8();
  private static final List<String> STEPS = List.of("a", "b", "c");

  private final IdempotencyStore store = MemoryIdempotencyStore.create(10_000);
  private final Map<String, MemoryChannel> queues = new HashMap<>();
  private final Map<String, MemoryChannel> acks = new ConcurrentHashMap<>();
  private final MemoryChannel dead = MemoryChannel.create("dead");
  private final Map<String, Integer> standing = new ConcurrentHashMap<>();
  private final Map<String, Integer> done = new ConcurrentHashMap<>();
  private final List<FlowHandle> flows = new ArrayList<>();
  private final List<Requester<byte[]>> requesters = new ArrayList<>();
  private volatile @Nullable String refusing;

  MessagedSagaRestartTest() {
    for (String step : STEPS) {
      MemoryChannel queue = MemoryChannel.create(step);
      queues.put(step, queue);
      flows.add(
          Flow.from(queue)
              .deadLetter(dead)
              .decode(UTF8)
              .replyWith(
                  SagaParticipant.of(step, new Work(step), UTF8, store).replier(acks::get, s -> s))
              .start());
    }
  }

  @AfterEach
  void stop() {
    flows.forEach(flow -> flow.stop(Duration.ZERO).block(PATIENCE));
    requesters.forEach(requester -> requester.stop(Duration.ZERO).block(PATIENCE));
  }

  private final class Work implements StepWork<String, String> {
    private final String step;

    Work(String step) {
      this.step = step;
    }

    @Override
    public Mono<String> act(String input, String key) {
      return Mono.fromSupplier(
          () -> {
            if (step.equals(refusing)) {
              throw new Refused("no", step);
            }
            done.merge(key, 1, Integer::sum);
            standing.merge(key, 1, Integer::sum);
            return input + step;
          });
    }

    @Override
    public Mono<Void> undo(String input, @Nullable String output, String key) {
      return Mono.fromRunnable(() -> standing.merge(key, -1, Integer::sum));
    }
  }

  /** A coordinator in one process: its body, whose messages pass the boundaries of that too. */
  private SagaDefinition<String, String> definition(SagaProcess process) {
    MemoryChannel mine = MemoryChannel.create("acks-" + acks.size());
    acks.put(mine.name(), mine);
    Requester<byte[]> requester =
        Requester.over(mine, BytesCodec.bytes(), s -> s.timeout(Duration.ofSeconds(20)));
    requesters.add(requester);
    return SagaDefinition.of(
        "messaged",
        1,
        String.class,
        String.class,
        input -> {
          Mono<String> body = Mono.just(input);
          for (String step : STEPS) {
            RemoteStep<String, String> remote =
                RemoteStep.over(requester, Objects.requireNonNull(queues.get(step)), UTF8, UTF8);
            body =
                body.transform(
                    Sagas.<String, String>sagaStep(
                        step,
                        in -> process.through(remote.perform(in)),
                        s ->
                            s.gives(String.class)
                                .compensate((in, out) -> process.through(remote.undo(in, out)))));
          }
          return body;
        });
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(200_000);
    }
  }

  /** Runs it in a process that dies, and then in one that does not. */
  private SagaResult<String> killedAt(int boundary, String id) {
    SetClock clock = new SetClock();
    MemorySagaLog log = MemorySagaLog.create(10, clock);
    SagaProcess mortal = new SagaProcess(log, boundary, passed -> {});
    SagaDefinition<String, String> begun = definition(mortal);
    AtomicBoolean ended = new AtomicBoolean(); // when fewer commits were enough this time
    Disposable gone =
        Sagas.over(mortal, SagaBank.TEXTS, d -> d.definition(begun))
            .run(begun, id, "")
            .subscribe(result -> ended.set(true));
    await("the death at " + boundary, () -> mortal.passed() == boundary || ended.get());
    clock.pass(Duration.ofHours(1));

    SagaProcess heir = SagaProcess.immortal(log);
    SagaDefinition<String, String> again = definition(heir);
    SagaResult<String> result =
        Sagas.over(heir, SagaBank.TEXTS, d -> d.definition(again))
            .run(again, id, "")
            .blockOptional(PATIENCE)
            .orElseThrow();
    gone.dispose();
    return result;
  }

  private int boundaries() {
    SagaProcess process = SagaProcess.immortal(MemorySagaLog.create(10));
    SagaDefinition<String, String> definition = definition(process);
    Sagas.over(process, SagaBank.TEXTS, d -> d.definition(definition))
        .run(definition, "count " + refusing, "")
        .block(PATIENCE);
    return process.passed();
  }

  private List<Integer> standing(String id) {
    return STEPS.stream().map(s -> standing.getOrDefault("messaged/" + id + "/" + s, 0)).toList();
  }

  @Test
  void aSagaThatSucceedsEndsAllTheSame() {
    int boundaries = boundaries();
    assertThat(boundaries).isGreaterThanOrEqualTo(2 * 3);
    for (int at = 1; at <= boundaries; at++) {
      String id = "good " + at;
      assertThat(killedAt(at, id)).as(id).isEqualTo(new Completed<>("abc"));
      assertThat(standing(id)).as(id).containsExactly(1, 1, 1);
    }
    assertThat(done.values()).containsOnly(1);
  }

  @Test
  void aSagaThatFailsIsUndoneAllTheSame() {
    refusing = "c";
    int boundaries = boundaries();
    for (int at = 1; at <= boundaries; at++) {
      String id = "bad " + at;
      assertThat(killedAt(at, id)).as(id).isInstanceOf(Compensated.class);
      assertThat(standing(id)).as(id).containsExactly(0, 0, 0);
    }
    assertThat(done.values()).containsOnly(1);
  }
}
