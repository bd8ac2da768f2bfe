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
package dev.sluice.spring;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.flow.RunnableFlow;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The flows of the application: started with it, drained before anything else is stopped, so that
 * web server, connections and other beans are there until the last delivery is done. Thread-safe.
 */
public final class Flows implements SmartLifecycle {

  /*
   * Threads: the container's and those of the actuator. The guard protects handles and running; it
   * is held while a flow starts, which does not block, and never while one stops.
   */

  private final Map<String, RunnableFlow> flows = new TreeMap<>();
  private final SluiceProperties properties;
  private final FlowListener listener;
  private final Object guard = new Object();
  private final Map<String, FlowHandle> handles = new TreeMap<>();
  private boolean running;

  Flows(Collection<RunnableFlow> flows, SluiceProperties properties, FlowListener listener) {
    for (RunnableFlow flow : flows) {
      if (this.flows.putIfAbsent(flow.name(), flow) != null) {
        throw new IllegalArgumentException(
            "flow: two are called \"" + flow.name() + "\" (expected: each its own name)");
      }
    }
    this.properties = properties;
    this.listener = listener;
  }

  /** The names of all flows, whether they run or not. */
  public Set<String> names() {
    return Set.copyOf(flows.keySet());
  }

  /** The flow as it runs, or ran last; null if it has not been started. */
  public @Nullable FlowHandle handle(String name) {
    requireKnown(name);
    synchronized (guard) {
      return handles.get(name);
    }
  }

  /** Starts a flow that does not run: one that was paused, has failed or was never started. */
  public FlowHandle resume(String name) {
    RunnableFlow flow = requireKnown(name);
    synchronized (guard) {
      FlowHandle handle = handles.get(name);
      if (handle == null || isOver(handle)) {
        handle = flow.listener(listener).start();
        handles.put(name, handle);
      }
      return handle;
    }
  }

  /**
   * Drains a flow: it takes no new messages and finishes those it has, for as long as {@code
   * sluice.stop-timeout} says. {@link #resume} starts it again.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the flow has ended, at once if it does not run; never fails
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that ended the flow
   * </dl>
   */
  public Mono<Void> pause(String name) {
    FlowHandle handle = handle(name);
    return handle == null || isOver(handle) ? Mono.empty() : handle.stop(properties.stopTimeout());
  }

  private static boolean isOver(FlowHandle handle) {
    FlowHandle.State state = handle.stats().state();
    return state == FlowHandle.State.STOPPED || state == FlowHandle.State.FAILED;
  }

  private RunnableFlow requireKnown(String name) {
    RunnableFlow flow = flows.get(name);
    if (flow == null) {
      throw new IllegalArgumentException(
          "flow: \"" + name + "\" (expected: one of " + flows.keySet() + ")");
    }
    return flow;
  }

  // == lifecycle ==

  @Override
  public boolean isAutoStartup() {
    return properties.autoStart();
  }

  @Override
  public void start() {
    synchronized (guard) {
      running = true;
      flows.keySet().forEach(this::resume);
    }
  }

  @Override
  public void stop(Runnable callback) {
    drain().subscribe(nothing -> {}, error -> callback.run(), callback);
  }

  @Override
  public void stop() {
    Duration patience = properties.stopTimeout().plusSeconds(10);
    drain().onErrorComplete().block(patience);
  }

  private Mono<Void> drain() {
    List<FlowHandle> open;
    synchronized (guard) {
      running = false;
      open = List.copyOf(handles.values());
    }
    return Flux.fromIterable(open)
        .flatMap(handle -> handle.stop(properties.stopTimeout()), Integer.MAX_VALUE)
        .then();
  }

  @Override
  public boolean isRunning() {
    synchronized (guard) {
      return running;
    }
  }
}
