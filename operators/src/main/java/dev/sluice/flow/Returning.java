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
package dev.sluice.flow;

import dev.sluice.channel.Capability;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * The messages of a source, and those that were put aside and come back.
 *
 * @param aside where they come from
 */
record Returning(
    Source source, Function<? super ReceiveOptions, ? extends Flux<Delivery<byte[]>>> aside)
    implements Source {

  private static final int CHANNELS = 2;

  @Override
  public String name() {
    return source.name();
  }

  @Override
  public boolean can(Capability capability) {
    return source.can(capability);
  }

  @Override
  public int channels() {
    return source.channels() + 1;
  }

  @Override
  public boolean sendsDeadLetters() {
    return source.sendsDeadLetters();
  }

  @Override
  public Flux<Delivery<byte[]>> receive(
      ReceiveOptions options,
      Runnable noMore,
      BiConsumer<? super Delivery<?>, ? super Throwable> failed) {
    return Flux.defer(
        () -> {
          AtomicInteger open = new AtomicInteger(CHANNELS);
          Sinks.Empty<Void> ended = Sinks.empty();
          Runnable oneEnded =
              () -> {
                if (open.decrementAndGet() == 0) {
                  ended.tryEmitEmpty();
                }
              };
          // a channel completes when its deliveries are settled: those that still wait in the
          // merge were taken back, and nobody may ever ask for them
          return Flux.merge(
                  options.maxUnsettled(),
                  source.receive(options, noMore, failed).doOnComplete(oneEnded),
                  aside.apply(options).doOnComplete(oneEnded))
              .takeUntilOther(ended.asMono());
        });
  }
}
