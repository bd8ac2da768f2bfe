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
package dev.sluice.postgres;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.contract.TaskSwarmContract;
import dev.sluice.flow.Flow;
import dev.sluice.store.TaskStore;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import dev.sluice.supervisor.StepRefused;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskScheduler;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import reactor.core.publisher.Mono;

/** A swarm of agents on queues and a store on a real server. */
class PostgresTaskSwarmTest extends TaskSwarmContract {

  private static final StringCodec UTF8 = StringCodec.utf8();

  private final PostgresDatabase database =
      Server.connect(p -> p.schema(Server.freshSchema()).connections(8));

  @AfterEach
  void close() {
    database.close().block(Duration.ofSeconds(60));
  }

  @Override
  protected int tasks() {
    return 10;
  }

  @Override
  protected TaskStore store() {
    return PostgresTaskStore.create(database);
  }

  @Override
  protected Channel channel(String name) {
    return PostgresChannel.create(database, name);
  }

  @Override
  protected Running scheduler(
      TaskStore store, List<? extends Outbound<byte[]>> channels, Duration again) {
    TaskScheduler scheduler = TaskScheduler.start(store, channels, s -> s.again(again));
    return grace -> scheduler.stop();
  }

  @Override
  protected Running agent(Inbound channel, TaskStore store, Duration lease, Work work) {
    AgentWork<String, String> steps =
        new AgentWork<>() {
          @Override
          public Mono<String> execute(String input, AgentContext context) {
            return work.act(context.key(), input, context.fence());
          }

          @Override
          public Mono<Void> undo(String input, @Nullable String output, AgentContext context) {
            return work.undo(context.key(), context.fence());
          }
        };
    Agent<String, String> agent = Agent.of("agent", store, UTF8, UTF8, steps, s -> s.lease(lease));
    FlowHandle flow = Flow.from(channel).compete(agent, c -> c.concurrency(8)).start();
    return flow::stop;
  }

  @Override
  protected Running supervisor(TaskStore store, Duration pollInterval, Duration lease) {
    Supervisor supervisor = Supervisor.start(store, s -> s.pollInterval(pollInterval).lease(lease));
    return grace -> supervisor.stop();
  }

  @Override
  protected RuntimeException refusal(String why) {
    return new StepRefused(why);
  }
}
