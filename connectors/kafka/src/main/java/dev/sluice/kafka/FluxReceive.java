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
package dev.sluice.kafka;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** The deliveries of a topic; each subscriber is a member of the group. */
final class FluxReceive extends Flux<Delivery<byte[]>> implements Scannable {

  private final KafkaChannelSpec spec;
  private final ReceiveOptions options;
  private final Statistics meters;
  private final String assembly;

  private FluxReceive(
      KafkaChannelSpec spec, ReceiveOptions options, Statistics meters, String assembly) {
    this.spec = spec;
    this.options = options;
    this.meters = meters;
    this.assembly = assembly;
  }

  static Flux<Delivery<byte[]>> create(
      KafkaChannelSpec spec, ReceiveOptions options, Statistics meters) {
    return onAssembly(new FluxReceive(spec, options, meters, LeakDetector.assembly()));
  }

  @Override
  public void subscribe(CoreSubscriber<? super Delivery<byte[]>> actual) {
    new Receiver(actual, spec, options, meters, assembly).start();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.NAME) {
      return spec.topic();
    }
    if (key == Attr.PREFETCH) {
      return options.maxUnsettled();
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
  }
}
