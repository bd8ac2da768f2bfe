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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.BytesCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.contract.MessagedSagaContract;
import dev.sluice.flow.Flow;
import dev.sluice.requestreply.Replier;
import dev.sluice.requestreply.Requester;
import dev.sluice.saga.RemoteStep;
import dev.sluice.saga.SagaParticipant;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.StepWork;
import dev.sluice.store.IdempotencyStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A messaged saga over memory channels and a memory store. */
class MemoryMessagedSagaTest extends MessagedSagaContract {

  private static final StringCodec UTF8 = StringCodec.utf8();

  private static final AtomicInteger CHANNELS = new AtomicInteger();

  @Override
  protected Channel channel() {
    return MemoryChannel.create("channel-" + CHANNELS.incrementAndGet());
  }

  @Override
  protected IdempotencyStore store() {
    return MemoryIdempotencyStore.create(1_000);
  }

  @Override
  protected FlowHandle participant(
      String name,
      Inbound steps,
      Work work,
      IdempotencyStore store,
      Outbound<byte[]> acks,
      Outbound<byte[]> deadLetters) {
    StepWork<String, String> done =
        new StepWork<>() {
          @Override
          public Mono<String> act(String input, String key) {
            return work.act(input, key);
          }

          @Override
          public Mono<Void> undo(String input, @Nullable String output, String key) {
            return work.undo(input, output, key);
          }
        };
    return Flow.from(steps)
        .deadLetter(deadLetters)
        .decode(UTF8)
        .replyWith(
            SagaParticipant.of(name, done, UTF8, store)
                .replier(Replier.among(List.of(acks)), s -> s))
        .start();
  }

  @Override
  protected Coordinator coordinator(Inbound acks, Duration ackWithin) {
    Requester<byte[]> requester =
        Requester.over(acks, BytesCodec.bytes(), s -> s.timeout(ackWithin));
    return new Coordinator() {
      @Override
      public Mono<Boolean> run(String input, List<Outbound<byte[]>> queues) {
        Mono<String> body = Mono.just(input);
        for (int i = 0; i < queues.size(); i++) {
          RemoteStep<String, String> step = RemoteStep.over(requester, queues.get(i), UTF8, UTF8);
          body =
              body.transform(sagaStep("step " + i, step::perform, s -> s.compensate(step::undo)));
        }
        return body.as(saga("messaged", s -> s))
            .handle(
                (result, sink) -> {
                  if (result instanceof SagaResult.Parked) {
                    sink.error(new IllegalStateException("parked: " + result));
                  } else {
                    sink.next(result instanceof SagaResult.Completed);
                  }
                });
      }

      @Override
      public Mono<Void> stop(Duration grace) {
        return requester.stop(grace);
      }
    };
  }
}
