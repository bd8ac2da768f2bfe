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
package dev.sluice.demo.turnaround;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.store.TaskStore;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.AgentContext;
import dev.sluice.supervisor.AgentWork;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * An agent that can be killed: from then on nothing is heard of it, as of a process that has died,
 * and what it was doing is not done.
 */
final class GroundCrew {

  static final Duration LEASE = Duration.ofSeconds(3);

  private static final String PREFIX = "turnaround.";
  private static final int AT_ONCE = 4;

  private final String name;
  private final Channel channel;
  private final TaskStore store;
  private final Duration takes;
  private @Nullable Shift shift;

  GroundCrew(String name, Channel channel, TaskStore store, Duration takes) {
    this.name = name;
    this.channel = channel;
    this.store = store;
    this.takes = takes;
  }

  /** The channel of a crew. */
  static String channelOf(String name) {
    return PREFIX + name;
  }

  /** The crew of a channel. */
  static String of(String channel) {
    return channel.substring(PREFIX.length());
  }

  /** From when it comes to when it dies. */
  private static final class Shift {
    volatile boolean dead;
    @Nullable FlowHandle flow;

    /** The store, as long as anything is heard of who asks it. */
    TaskStore heard(TaskStore store) {
      return (TaskStore)
          Proxy.newProxyInstance(
              TaskStore.class.getClassLoader(),
              new Class<?>[] {TaskStore.class},
              (proxy, method, arguments) -> {
                try {
                  Object answer = method.invoke(store, arguments);
                  return answer instanceof Mono<?> mono
                      ? Mono.defer(() -> dead ? Mono.never() : mono)
                      : answer;
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  String name() {
    return name;
  }

  Channel channel() {
    return channel;
  }

  synchronized boolean works() {
    return shift != null;
  }

  /** Begins to work, if it does not. */
  synchronized void begin() {
    if (shift != null) {
      return;
    }
    Shift next = new Shift();
    Agent<String, String> agent =
        Agent.of(
            name,
            next.heard(store),
            StringCodec.utf8(),
            StringCodec.utf8(),
            work(),
            s -> s.lease(LEASE));
    next.flow =
        Flow.from(channel)
            .named("turnaround-" + name)
            .compete(agent, c -> c.concurrency(AT_ONCE))
            .start();
    shift = next;
  }

  private AgentWork<String, String> work() {
    return new AgentWork<>() {
      @Override
      public Mono<String> execute(String departure, AgentContext step) {
        return Mono.delay(takes).thenReturn(step.key().step() + " done by " + name);
      }

      @Override
      public Mono<Void> undo(String departure, @Nullable String report, AgentContext step) {
        return Mono.delay(takes).then();
      }
    };
  }

  /** Kills it, if it works. */
  void kill() {
    end(true).subscribe();
  }

  /** Ends its work in good order. */
  Mono<Void> stop() {
    return Mono.defer(() -> end(false));
  }

  private synchronized Mono<Void> end(boolean dead) {
    Shift ending = shift;
    shift = null;
    if (ending == null || ending.flow == null) {
      return Mono.empty();
    }
    ending.dead = dead;
    return ending.flow.stop(Duration.ZERO);
  }
}
