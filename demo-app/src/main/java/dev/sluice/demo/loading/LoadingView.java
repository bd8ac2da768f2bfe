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
package dev.sluice.demo.loading;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.demo.live.Frame;
import dev.sluice.demo.live.LoadingGauges;
import dev.sluice.spring.Flows;
import java.time.Duration;
import java.util.Locale;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What is seen of the loading flow, and of its broker, which it asks once a second. */
final class LoadingView implements SmartLifecycle, LoadingGauges {

  /** What the flow is called, and its consumer group. */
  static final String FLOW = "bag-loading";

  private static final Duration PROBE_EVERY = Duration.ofSeconds(1);
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(3);

  private final Flows flows;
  private final ConvoyView convoy;
  private final Inbound checkedIn;
  private final String bootstrap;
  private final Disposable.Swap probe = Disposables.swap();
  private volatile Frame.Kafka kafka;

  /**
   * @param bootstrap the address of the broker, to be shown
   */
  LoadingView(Flows flows, ConvoyView convoy, Inbound checkedIn, String bootstrap) {
    this.flows = flows;
    this.convoy = convoy;
    this.checkedIn = checkedIn;
    this.bootstrap = bootstrap;
    this.kafka = new Frame.Kafka(false, bootstrap, 0);
  }

  @Override
  public void start() {
    probe.update(
        Flux.interval(Duration.ZERO, PROBE_EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> probeBroker(), 1)
            .subscribe(state -> kafka = state));
  }

  @Override
  public void stop() {
    probe.update(Disposables.disposed());
  }

  @Override
  public boolean isRunning() {
    Disposable current = probe.get();
    return current != null && !current.isDisposed();
  }

  /** Before the pictures, which show what it knows. */
  @Override
  public int getPhase() {
    return 200;
  }

  @Override
  public Frame.Convoy convoy() {
    return convoy.convoy();
  }

  @Override
  public Frame.Flow flow() {
    FlowHandle handle = flows.handle(FLOW);
    if (handle == null) {
      return new Frame.Flow(false, "not started");
    }
    FlowHandle.Stats stats = handle.stats();
    FlowHandle.Stall stall = stats.stall();
    String state = stats.state().name().toLowerCase(Locale.ROOT);
    return new Frame.Flow(
        stats.isUp(),
        stall == null ? state : state + ", but its dead letters are refused: " + stall.cause());
  }

  @Override
  public Frame.Kafka kafka() {
    return kafka;
  }

  private Mono<Frame.Kafka> probeBroker() {
    return checkedIn
        .depth()
        .timeout(PROBE_TIMEOUT)
        .map(waiting -> new Frame.Kafka(true, bootstrap, waiting))
        .onErrorResume(failure -> Mono.just(new Frame.Kafka(false, bootstrap, 0)));
  }
}
