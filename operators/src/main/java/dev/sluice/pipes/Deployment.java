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
package dev.sluice.pipes;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline with channels between its filters: stages, each of which is a flow. Start a stage in
 * as many processes, and as often in each, as it needs; all of them have to be started somewhere.
 *
 * <p>A message is acknowledged at its channel when the next one has confirmed it. The order of a
 * group holds from the first channel to the last where the channels between have {@linkplain
 * dev.sluice.channel.Capability#EXCLUSIVE_GROUPS exclusive groups}, or a stage is started once.
 *
 * @param <T> the elements
 */
@Experimental
public final class Deployment<T> {

  private record Stage<T>(Pipeline<T> pipeline, RunnableFlow flow) {}

  private final Map<String, Stage<T>> stages; // by their first filter, in order

  private Deployment(Map<String, Stage<T>> stages) {
    this.stages = stages;
  }

  static <T> Deployment<T> of(
      Pipeline<T> whole,
      List<Filter<T, T>> filters,
      PayloadCodec<T> codec,
      Inbound from,
      Outbound<byte[]> to,
      DeploySpec<T> spec) {
    Set<String> known = Set.copyOf(filters.stream().skip(1).map(Filter::name).toList());
    for (String filter : spec.channels().keySet()) {
      if (!known.contains(filter)) {
        throw new IllegalArgumentException(
            "channelBefore: \"" + filter + "\" (expected: one of " + known + ')');
      }
    }
    Map<String, Stage<T>> stages = new LinkedHashMap<>();
    Set<String> given = whole.requires();
    Inbound source = from;
    List<Filter<T, T>> part = new ArrayList<>();
    for (int i = 0; i < filters.size(); i++) {
      part.add(filters.get(i));
      boolean last = i == filters.size() - 1;
      Channel next = last ? null : spec.channels().get(filters.get(i + 1).name());
      if (last || next != null) {
        String first = part.get(0).name();
        Pipeline<T> pipeline = Pipeline.of(whole.name() + '/' + first, given, part);
        stages.put(first, stage(pipeline, codec, source, next == null ? to : next, spec));
        given = Facets.union(given, pipeline.provides());
        source = next == null ? source : next;
        part = new ArrayList<>();
      }
    }
    return new Deployment<>(stages);
  }

  private static <T> Stage<T> stage(
      Pipeline<T> pipeline,
      PayloadCodec<T> codec,
      Inbound from,
      Outbound<byte[]> to,
      DeploySpec<T> spec) {
    Flow<T> flow = spec.flow().apply(Flow.from(from).named(pipeline.name()).decode(codec));
    return new Stage<>(
        pipeline, flow.through(pipeline, spec.workers()).to(Outbound.encoding(codec, to)));
  }

  /** The names of the stages, which are those of their first filters, in order. */
  public List<String> stages() {
    return List.copyOf(stages.keySet());
  }

  /**
   * The flow of a stage, to be started.
   *
   * @param first the name of its first filter
   * @throws IllegalArgumentException if there is none
   */
  public RunnableFlow stage(String first) {
    return get(first).flow();
  }

  /**
   * The filters of a stage, to be reordered within it.
   *
   * @param first the name of the filter that was its first
   * @throws IllegalArgumentException if there is none
   */
  public Pipeline<T> pipeline(String first) {
    return get(first).pipeline();
  }

  private Stage<T> get(String first) {
    @Nullable Stage<T> stage = stages.get(first);
    if (stage == null) {
      throw new IllegalArgumentException(
          "stage: \"" + first + "\" (expected: one of " + stages() + ')');
    }
    return stage;
  }
}
