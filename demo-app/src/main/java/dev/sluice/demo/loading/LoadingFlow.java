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
import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.bag.LoadedBag;
import dev.sluice.demo.live.Frame;
import dev.sluice.demo.live.LoadingGauges;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Loads bags: those of one flight one after the other, in the order of their check-in; flights at
 * the same time.
 */
public final class LoadingFlow implements SmartLifecycle, LoadingGauges {

  private static final int CONCURRENCY = 64;
  private static final int LOOK_AHEAD = 4_096;
  private static final Duration PROBE_EVERY = Duration.ofSeconds(1);
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration CLOSE_WITHIN = Duration.ofSeconds(10);
  private static final Frame.Convoy AT_REST = new Frame.Convoy(0, 0, CONCURRENCY, 0, LOOK_AHEAD);

  private static final Logger log = LoggerFactory.getLogger(LoadingFlow.class);

  private final Inbound checkedIn;
  private final Outbound<byte[]> loaded;
  private final Outbound<byte[]> deadLetters;
  private final LoadingWork work;
  private final String bootstrap;
  private final Duration stopWithin;
  private final Disposable.Swap probe = Disposables.swap();

  private volatile @Nullable FlowHandle handle;
  private volatile @Nullable LaneGauges lanes;
  private volatile Frame.Kafka kafka;

  /**
   * @param loaded where loaded bags go
   * @param deadLetters where records go that cannot be loaded
   * @param bootstrap the address of the broker, to be shown
   * @param stopWithin how long bags that are being loaded may take when it stops
   */
  public LoadingFlow(
      Inbound checkedIn,
      Outbound<byte[]> loaded,
      Outbound<byte[]> deadLetters,
      LoadingWork work,
      String bootstrap,
      Duration stopWithin) {
    this.checkedIn = checkedIn;
    this.loaded = loaded;
    this.deadLetters = deadLetters;
    this.work = work;
    this.bootstrap = bootstrap;
    this.stopWithin = stopWithin;
    this.kafka = new Frame.Kafka(false, bootstrap, 0);
  }

  @Override
  public void start() {
    handle =
        Flow.from(checkedIn)
            .named("bag-loading")
            .decode(JacksonCodec.json(Bag.class))
            .groupedConvoy(
                message -> message.payload().key(),
                work::load,
                convoy ->
                    convoy
                        .concurrency(CONCURRENCY)
                        .lookAhead(LOOK_AHEAD)
                        .listener(new LanesListener()))
            .deadLetter(deadLetters)
            .to(Outbound.encoding(JacksonCodec.json(LoadedBag.class), loaded))
            .start();
    probe.update(
        Flux.interval(Duration.ZERO, PROBE_EVERY)
            .onBackpressureDrop()
            .concatMap(tick -> probeBroker(), 1)
            .subscribe(state -> kafka = state));
  }

  /** Lets bags that are being loaded finish, and gives back the others. */
  @Override
  public void stop() {
    FlowHandle running = handle;
    if (running == null) {
      return;
    }
    probe.update(Disposables.disposed());
    running.stop(stopWithin).block(stopWithin.plus(CLOSE_WITHIN));
    log.info("{}", running);
    handle = null;
  }

  @Override
  public boolean isRunning() {
    return handle != null;
  }

  /** After the audit has rebuilt what is known; before anything that checks bags in. */
  @Override
  public int getPhase() {
    return 200;
  }

  @Override
  public Frame.Convoy convoy() {
    LaneGauges gauges = lanes;
    return gauges == null
        ? AT_REST
        : new Frame.Convoy(
            gauges.lanes(),
            gauges.running(),
            gauges.concurrency(),
            gauges.admitted(),
            gauges.lookAhead());
  }

  @Override
  public Frame.Flow flow() {
    FlowHandle running = handle;
    if (running == null) {
      return new Frame.Flow(false, "not started");
    }
    FlowHandle.Stats stats = running.stats();
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

  private final class LanesListener implements ConvoyListener<Message<Bag>> {

    @Override
    public void subscribed(LaneGauges gauges) {
      lanes = gauges;
    }

    @Override
    public void deadLettered(Message<Bag> bag, Throwable error) {
      log.warn("bag {} goes to the dead letters: {}", bag.payload().tag(), error.toString());
    }
  }
}
