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

import dev.sluice.channel.Channel;
import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.contract.ChoreographyContract;
import dev.sluice.contract.Cuts;
import dev.sluice.flow.Flow;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.ExtendWith;

/** A choreography over memory channels and a memory store. */
@ExtendWith(LeakCheck.class)
class MemoryChoreographyTest extends ChoreographyContract {

  private static final EventType<String> BEGUN = type("begun");
  private static final EventType<String> ONE_DONE = type("one.done");
  private static final EventType<String> TWO_DONE = type("two.done");
  private static final EventType<String> DECLINED = type("two.declined");
  private static final EventType<String> ENDED = type("ended");

  private final Map<String, Channel> queues = new ConcurrentHashMap<>();
  private final IdempotencyStore store = MemoryIdempotencyStore.create(10_000);

  private static EventType<String> type(String name) {
    return EventType.of(name, StringCodec.utf8());
  }

  @Override
  protected Channel queue(String participant, int process) {
    return queues.computeIfAbsent(participant, MemoryChannel::create);
  }

  @Override
  protected EventExchange exchange(Channel queue, Outbound<byte[]> events, int process, Cuts cuts) {
    return Choreography.exchange(cuts.store(store), events, s -> s.lease(Duration.ofSeconds(1)));
  }

  @Override
  protected FlowHandle participate(
      String participant,
      Inbound queue,
      EventExchange exchange,
      Work work,
      Outbound<byte[]> deadLetters) {
    return choreography(work)
        .participate(participant, Flow.from(queue).deadLetter(deadLetters), exchange)
        .start();
  }

  private static Choreography choreography(Work work) {
    return Choreography.of(
        "trial",
        c ->
            c.begins(BEGUN)
                .ends(ENDED)
                .participants(
                    Participant.named("one")
                        .concurrency(200)
                        .onMessage(
                            BEGUN,
                            m -> work.act("one", m.payload(), m.id()).map(ONE_DONE::of),
                            r -> r.emits(ONE_DONE)),
                    Participant.named("two")
                        .concurrency(200)
                        .onMessage(
                            ONE_DONE,
                            m -> work.act("two", m.payload(), m.id()).map(TWO_DONE::of),
                            r ->
                                r.emits(TWO_DONE)
                                    .fails(DECLINED, Declined.class, Declined::getMessage)),
                    Participant.named("three")
                        .concurrency(200)
                        .onMessage(
                            TWO_DONE,
                            m -> work.act("three", m.payload(), m.id()).map(ENDED::of),
                            r -> r.emits(ENDED))
                        .onMessage(
                            DECLINED,
                            m -> work.act("three", m.correlationId(), m.id()).map(ENDED::of),
                            r -> r.emits(ENDED))));
  }
}
