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
package dev.sluice.postgres;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;

/** The deliveries of a channel: a consumer for each subscription. */
final class FluxReceive extends Flux<Delivery<byte[]>> implements Scannable {

  private final PostgresChannel channel;
  private final ReceiveOptions options;
  private final String assembly;
  private final Scheduler scheduler;

  static Flux<Delivery<byte[]>> create(
      PostgresChannel channel, ReceiveOptions options, String assembly, Scheduler scheduler) {
    return onAssembly(new FluxReceive(channel, options, assembly, scheduler));
  }

  private FluxReceive(
      PostgresChannel channel, ReceiveOptions options, String assembly, Scheduler scheduler) {
    this.channel = channel;
    this.options = options;
    this.assembly = assembly;
    this.scheduler = scheduler;
  }

  @Override
  public void subscribe(CoreSubscriber<? super Delivery<byte[]>> actual) {
    PostgresConsumer consumer =
        new PostgresConsumer(actual, channel, options, assembly, scheduler.createWorker());
    channel.join(consumer);
    consumer.start();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return channel.name();
    }
    if (key == Attr.RUN_ON) {
      return scheduler;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.ASYNC;
    }
    return null;
  }
}
