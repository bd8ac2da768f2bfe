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
import java.util.function.BiConsumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Where a run gets its deliveries. */
interface Source {

  String name();

  boolean can(Capability capability);

  /** How many messages wait in all its channels; empty if that is not known. */
  default Mono<Long> depth() {
    return Mono.empty();
  }

  /** How many channels it is, each of which delivers as many as there may be unsettled. */
  default int channels() {
    return 1;
  }

  /** Whether it looks at {@link ReceiveOptions#deadLetters()}. */
  boolean sendsDeadLetters();

  /**
   * Deliveries, under the contract of {@link Inbound#receive}.
   *
   * @param noMore is called when the last one has been delivered, if that is known
   * @param failed settles a delivery for which a function of the user has failed
   */
  Flux<Delivery<byte[]>> receive(
      ReceiveOptions options,
      Runnable noMore,
      BiConsumer<? super Delivery<?>, ? super Throwable> failed);

  /** The messages of a channel. */
  record OfChannel(Inbound channel) implements Source {

    @Override
    public Mono<Long> depth() {
      return channel.depth();
    }

    @Override
    public String name() {
      return channel.info().name();
    }

    @Override
    public boolean can(Capability capability) {
      return channel.info().can(capability);
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
      return channel.receive(options);
    }
  }
}
