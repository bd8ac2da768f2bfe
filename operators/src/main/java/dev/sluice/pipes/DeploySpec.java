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
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * The options of {@link Pipeline#deploy}. Immutable: each method returns a changed copy.
 *
 * @param <T> the elements
 */
@Experimental
public final class DeploySpec<T> {

  private final Map<String, Channel> channels; // by the filter behind them
  private final UnaryOperator<Flow<T>> flow;
  private final UnaryOperator<ConvoySpec<Message<T>>> workers;

  private DeploySpec(
      Map<String, Channel> channels,
      UnaryOperator<Flow<T>> flow,
      UnaryOperator<ConvoySpec<Message<T>>> workers) {
    this.channels = channels;
    this.flow = flow;
    this.workers = workers;
  }

  static <T> DeploySpec<T> of(UnaryOperator<DeploySpec<T>> change) {
    DeploySpec<T> defaults =
        new DeploySpec<>(Map.of(), UnaryOperator.identity(), UnaryOperator.identity());
    return Objects.requireNonNull(
        Objects.requireNonNull(change, "spec").apply(defaults), "the function gave null");
  }

  /**
   * Puts a channel before a filter, so that with it a stage begins. Defaults to none: one stage.
   *
   * @param filter the name of a filter other than the first
   */
  public DeploySpec<T> channelBefore(String filter, Channel channel) {
    Map<String, Channel> more = new LinkedHashMap<>(channels);
    more.put(Objects.requireNonNull(filter, "filter"), Objects.requireNonNull(channel, "channel"));
    return new DeploySpec<>(Map.copyOf(more), flow, workers);
  }

  /**
   * The options of the flow of each stage: dead letters, error policy, restart. Defaults to those
   * of a flow.
   */
  public DeploySpec<T> flow(UnaryOperator<Flow<T>> options) {
    return new DeploySpec<>(channels, Objects.requireNonNull(options, "options"), workers);
  }

  /**
   * The options of the workers of each stage, which are those of {@link Flow#through}. Defaults to
   * those of a convoy.
   */
  public DeploySpec<T> workers(UnaryOperator<ConvoySpec<Message<T>>> options) {
    return new DeploySpec<>(channels, flow, Objects.requireNonNull(options, "options"));
  }

  Map<String, Channel> channels() {
    return channels;
  }

  UnaryOperator<Flow<T>> flow() {
    return flow;
  }

  UnaryOperator<ConvoySpec<Message<T>>> workers() {
    return workers;
  }
}
