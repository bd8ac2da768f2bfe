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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Refused;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import dev.sluice.test.TestChannel;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * A saga of three steps over step queues and an acknowledgement queue, in virtual time; each
 * message passes by somebody who may lose it, double it or keep it back.
 */
final class MessagedSaga implements AutoCloseable {

  static final List<String> STEPS = List.of("a", "b", "c");
  static final Duration ACK_WITHIN = Duration.ofSeconds(5);

  /** What becomes of a message on its way: of its send as it would be. */
  interface Road extends BiFunction<Message<byte[]>, Mono<Receipt>, Mono<Receipt>> {}

  final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  final TestChannel acks = TestChannel.create("acks");
  final TestChannel dead = TestChannel.create("dead");
  final Map<String, TestChannel> queues = new HashMap<>();
  final ScriptedStore store = new ScriptedStore(time);
  final Map<String, Integer> effects = new HashMap<>();
  final List<String> log = new ArrayList<>();
  @Nullable String refusing;
  @Nullable String failing;
  private final Requester<byte[]> requester;
  private final List<FlowHandle> flows = new ArrayList<>();

  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
        }
      };

  MessagedSaga(Road road) {
    this(road, ACK_WITHIN);
  }

  MessagedSaga(Road road, Duration ackWithin) {
    requester = Requester.over(acks, BytesCodec.bytes(), s -> s.timeout(ackWithin));
    for (String step : STEPS) {
      queues.put(step, TestChannel.create(step));
      flows.add(participant(step, road));
    }
  }

  private FlowHandle participant(String step, Road road) {
    SagaParticipant<String, String> participant =
        SagaParticipant.of(step, new Work(step), StringCodec.utf8(), store);
    return Flow.from(queue(step))
        .clock(clock)
        .deadLetter(dead)
        .decode(StringCodec.utf8())
        .replyWith(participant.replier(Replier.among(List.of(onRoad(acks, road))), s -> s))
        .start();
  }

  TestChannel queue(String step) {
    return java.util.Objects.requireNonNull(queues.get(step));
  }

  private static Outbound<byte[]> onRoad(TestChannel channel, Road road) {
    return new Outbound<>() {
      @Override
      public String name() {
        return channel.name();
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> message) {
        return Mono.defer(() -> road.apply(message, channel.send(message)));
      }
    };
  }

  /** The work of a participant: an effect that is there, or is not. */
  private final class Work implements StepWork<String, String> {
    private final String step;

    Work(String step) {
      this.step = step;
    }

    @Override
    public Mono<String> act(String input, String key) {
      return Mono.fromSupplier(
          () -> {
            log.add("do " + step);
            if (step.equals(refusing)) {
              throw new Refused("no", step + " refuses");
            }
            if (!step.equals(failing)) {
              effects.merge(step, 1, Integer::sum);
            } else { // it may be called again, and has to know the key
              effects.put(step, 1);
              throw new IllegalStateException(step + " has failed, after its effect");
            }
            return input + step;
          });
    }

    @Override
    public Mono<Void> undo(String input, @Nullable String output, String key) {
      return Mono.fromRunnable(
          () -> {
            log.add("undo " + step + ' ' + output);
            effects.merge(step, -1, Integer::sum);
          });
    }
  }

  /** The coordinator. */
  Mono<SagaResult<String>> run(Road road) {
    Mono<String> body = Mono.just("");
    for (String step : STEPS) {
      RemoteStep<String, String> remote =
          RemoteStep.over(
              requester, onRoad(queue(step), road), StringCodec.utf8(), StringCodec.utf8());
      body =
          body.transform(
              sagaStep(
                  step,
                  remote::perform,
                  s -> s.timeout(ACK_WITHIN.multipliedBy(2)).compensate(remote::undo)));
    }
    return body.as(saga("messaged", s -> s.compensateWithin(Duration.ofHours(1))));
  }

  /** Everything comes, however late. */
  void passAllTime() {
    for (int i = 0; i < 600; i++) {
      time.advanceTimeBy(Duration.ofSeconds(1));
    }
  }

  int effect(String step) {
    return effects.getOrDefault(step, 0);
  }

  int pending() {
    return requester.stats().pending();
  }

  @Override
  public void close() {
    flows.forEach(flow -> flow.stop(Duration.ZERO).subscribe());
    requester.stop(Duration.ZERO).subscribe();
    time.advanceTimeBy(Duration.ofMinutes(1));
    VirtualTimeScheduler.reset();
  }
}
