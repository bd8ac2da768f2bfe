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
package dev.sluice.level;

import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A producer and a consumer with a channel in between, made by {@link LoadLeveling#between}.
 * Thread-safe.
 */
public final class LeveledChannel {

  /*
   * Threads: receipts and the end of the sends come on a thread of the channel, one at a time; all
   * methods may be called from any thread.
   */

  private final Channel channel;
  private final FlowHandle consumer;
  private final AtomicLong sent = new AtomicLong();
  private final Sinks.Empty<Void> stop = Sinks.empty();
  private final Sinks.Empty<Void> produced = Sinks.empty();
  private final Sinks.Empty<Void> stopped = Sinks.empty();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final Disposable.Swap sending = Disposables.swap();

  private LeveledChannel(Channel channel, FlowHandle consumer) {
    this.channel = channel;
    this.consumer = consumer;
  }

  static LeveledChannel start(
      Publisher<? extends Message<byte[]>> producer,
      Channel channel,
      Function<? super Inbound, ? extends FlowHandle> consumer) {
    FlowHandle flow =
        Objects.requireNonNull(consumer.apply(channel), "the flow that the consumer has started");
    LeveledChannel leveled = new LeveledChannel(channel, flow);
    leveled.produce(Flux.from(producer));
    return leveled;
  }

  /** A stop is the end of the producer, so what was taken from it is sent, and waited for. */
  private void produce(Flux<? extends Message<byte[]>> producer) {
    sending.update(
        channel
            .sendAll(producer.takeUntilOther(stop.asMono()))
            .subscribe(
                receipt -> sent.incrementAndGet(), produced::tryEmitError, produced::tryEmitEmpty));
  }

  /** How many messages are certainly in the channel: so many of the first of the producer. */
  public long sent() {
    return sent.get();
  }

  /**
   * Follows the producer to its end.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the producer has, or was stopped, and all its messages are in the channel;
   *       fails with its error, or with {@link dev.sluice.channel.SendFailed}: then the first
   *       {@link #sent()} are in the channel, and of some that follow nobody knows. Whoever sends
   *       these again under their ids sends duplicates that can be told
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the channel
   * </dl>
   */
  public Mono<Void> produced() {
    return produced.asMono();
  }

  /** How many messages wait in the channel, as {@link Inbound#depth()} tells. */
  public Mono<Long> depth() {
    return channel.depth();
  }

  /** The flow that consumes. It goes on when the producer has ended. */
  public FlowHandle consumer() {
    return consumer;
  }

  /**
   * Stops both sides. Hot and idempotent: it begins with the call, and the first time given counts.
   * What waits in the channel stays there, for the next consumer.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when what was taken from the producer is in the channel, has failed, or has
   *       been given up because the time was over, and the consumer has stopped; never fails
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a thread of the channel or of the consumer, or on {@code Schedulers.parallel()}
   * </dl>
   *
   * @param grace how long sends and deliveries that are out may take, zero or more
   */
  public Mono<Void> stop(Duration grace) {
    Times.notNegative("grace", grace);
    if (stopping.compareAndSet(false, true)) {
      stop.tryEmitEmpty();
      Mono<Void> sends =
          produced().onErrorComplete().timeout(grace, Mono.fromRunnable(this::giveUp));
      Mono.when(sends, consumer.stop(grace)).subscribe(v -> {}, e -> {}, stopped::tryEmitEmpty);
    }
    return stopped.asMono();
  }

  /** A send may wait for room that nobody makes any more. */
  private void giveUp() {
    sending.dispose();
    produced.tryEmitError(
        SendFailed.unknown(channel.name(), "the time to stop was over", /* cause= */ null));
  }
}
