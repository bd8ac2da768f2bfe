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
import dev.sluice.observe.FlowStep;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * {@code /actuator/sluice}: what the flows do. {@code POST /actuator/sluice/{flow}} with {@code
 * {"action": "PAUSE"}} or {@code "RESUME"} drains one and starts it again. {@code
 * /actuator/sluice/scale} says how many messages wait and how many instances they ask for.
 */
@Endpoint(id = "sluice")
final class SluiceEndpoint {

  static final String SCALE = "scale";

  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** What can be done to a flow. */
  enum Action {
    /** Drains it. */
    PAUSE,
    /** Starts it again. */
    RESUME
  }

  /** What a flow does. */
  record View(
      String state,
      @Nullable String failure,
      long received,
      long acknowledged,
      long released,
      long retried,
      long rejected,
      long unsettled,
      int maxUnsettled,
      long restarts,
      boolean stalled,
      List<FlowStep> steps) {}

  /**
   * How much there is to do.
   *
   * @param instances what the deepest queue asks for
   * @param depths how many messages wait for each flow whose source can tell
   */
  record Scaling(int instances, Map<String, Long> depths) {}

  private final Flows flows;
  private final SluiceProperties.Scale scale;

  SluiceEndpoint(Flows flows, SluiceProperties.Scale scale) {
    this.flows = flows;
    this.scale = scale;
  }

  @ReadOperation
  Map<String, View> all() {
    Map<String, View> views = new TreeMap<>();
    flows.names().forEach(name -> views.put(name, view(flows.handle(name))));
    return views;
  }

  /** One flow, or the scale; nothing, which is a 404, if there is no such flow. */
  @ReadOperation
  Mono<Object> one(@Selector String flow) {
    if (flow.equals(SCALE)) {
      return scaling().cast(Object.class);
    }
    return Mono.justOrEmpty(flows.names().contains(flow) ? view(flows.handle(flow)) : null);
  }

  /** The flow when it is done; a 404 if there is none of that name. */
  @WriteOperation
  Mono<WebEndpointResponse<View>> act(@Selector String flow, Action action) {
    if (!flows.names().contains(flow)) {
      return Mono.just(new WebEndpointResponse<>(WebEndpointResponse.STATUS_NOT_FOUND));
    }
    Mono<View> acted =
        action == Action.RESUME
            ? Mono.fromSupplier(() -> view(flows.resume(flow)))
            : flows.pause(flow).then(Mono.fromSupplier(() -> view(flows.handle(flow))));
    return acted.map(WebEndpointResponse::new);
  }

  /** A depth that cannot be told is not there; if none can, that is an error and not a zero. */
  private Mono<Scaling> scaling() {
    return Flux.fromIterable(flows.names())
        .flatMap(this::depth)
        .collectMap(Map.Entry::getKey, Map.Entry::getValue, TreeMap::new)
        .filter(depths -> !depths.isEmpty())
        .switchIfEmpty(
            Mono.error(() -> new IllegalStateException("no flow can tell how much waits for it")))
        .map(
            depths -> {
              long deepest = depths.values().stream().mapToLong(Long::longValue).max().orElse(0);
              return new Scaling(scale.instances(deepest), depths);
            });
  }

  private Mono<Map.Entry<String, Long>> depth(String name) {
    FlowHandle handle = flows.handle(name);
    return handle == null
        ? Mono.empty()
        : handle.depth().timeout(PATIENCE).onErrorComplete().map(depth -> Map.entry(name, depth));
  }

  private static View view(@Nullable FlowHandle handle) {
    if (handle == null) {
      return new View("NOT_STARTED", null, 0, 0, 0, 0, 0, 0, 0, 0, false, List.of());
    }
    FlowHandle.Stats stats = handle.stats();
    return new View(
        stats.state().name(),
        stats.failure() == null ? null : stats.failure().toString(),
        stats.received(),
        stats.acknowledged(),
        stats.released(),
        stats.retried(),
        stats.rejected(),
        stats.unsettled(),
        stats.maxUnsettled(),
        stats.restarts(),
        stats.stall() != null,
        handle.steps());
  }
}
