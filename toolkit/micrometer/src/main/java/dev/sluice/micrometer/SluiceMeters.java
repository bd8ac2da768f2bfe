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
package dev.sluice.micrometer;

import dev.sluice.Experimental;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.observe.Metered;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The numbers of channels, stores and flows as meters of a registry.
 *
 * <pre>{@code
 * SluiceMeters.of(orders, deadLetters).bindTo(registry);
 * Flow.from(orders).listener(SluiceMeters.flows(registry)) …
 * }</pre>
 *
 * <p>What is bound is held by the registry until the meters are removed from it. Of two with the
 * same names and tags the registry keeps the first.
 */
@Experimental
public final class SluiceMeters implements MeterBinder {

  private final List<Metered> sources;

  private SluiceMeters(List<Metered> sources) {
    this.sources = sources;
  }

  /** The numbers of these, once they are bound. */
  public static SluiceMeters of(Metered... sources) {
    return new SluiceMeters(List.of(sources));
  }

  /**
   * A listener that binds the numbers of each flow while it runs. One is enough for all flows of a
   * registry.
   */
  public static FlowListener flows(MeterRegistry registry) {
    return new OfFlows(Objects.requireNonNull(registry, "registry"));
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (Metered source : sources) {
      source.meters(new Registered(registry, Tags.empty()));
    }
  }

  /** Binds when a flow starts, and removes when it ends, so that it may start again. */
  private static final class OfFlows implements FlowListener {

    private final MeterRegistry registry;
    private final Map<FlowHandle, Registered> running = new ConcurrentHashMap<>();

    OfFlows(MeterRegistry registry) {
      this.registry = registry;
    }

    @Override
    public void started(FlowHandle flow) {
      Registered meters = new Registered(registry, Tags.empty());
      flow.meters(meters);
      running.put(flow, meters);
    }

    @Override
    public void ended(FlowHandle flow) {
      Registered meters = running.remove(flow);
      if (meters != null) {
        meters.remove();
      }
    }
  }
}
