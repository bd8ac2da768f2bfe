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
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.priority.DeliveryMerge;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The messages of several channels, merged by priority. Each channel has its own window, so the
 * less urgent cannot take the place of the urgent.
 */
record PriorityChannels(List<Inbound> mostUrgentFirst, DeliveryMerge<byte[]> merge)
    implements Source {

  @Override
  public String name() {
    return mostUrgentFirst.stream()
        .map(channel -> channel.info().name())
        .collect(Collectors.joining(", "));
  }

  @Override
  public boolean can(Capability capability) {
    return mostUrgentFirst.stream().anyMatch(channel -> channel.info().can(capability));
  }

  @Override
  public Mono<Long> depth() {
    return Flux.fromIterable(mostUrgentFirst).flatMap(Inbound::depth).reduce(Long::sum);
  }

  @Override
  public int channels() {
    return mostUrgentFirst.size();
  }

  @Override
  public boolean sendsDeadLetters() {
    return true;
  }

  @Override
  public Flux<Delivery<byte[]>> receive(
      ReceiveOptions options,
      Runnable noMore,
      BiConsumer<? super Delivery<?>, ? super Throwable> failed) {
    return Flux.defer(
        () -> {
          AtomicInteger open = new AtomicInteger(mostUrgentFirst.size());
          Sinks.Empty<Void> ended = Sinks.empty();
          List<Flux<Delivery<byte[]>>> sources =
              mostUrgentFirst.stream()
                  .map(channel -> channel.receive(options))
                  .map(
                      deliveries ->
                          deliveries.doOnComplete(
                              () -> {
                                if (open.decrementAndGet() == 0) {
                                  ended.tryEmitEmpty();
                                }
                              }))
                  .toList();
          // a channel completes when its deliveries are settled: those that still wait in the
          // merge were taken back, and nobody may ever ask for them
          return merge.merge(sources, failed).takeUntilOther(ended.asMono());
        });
  }
}
