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
package dev.sluice.test;

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Both directions of a channel in one. */
record FaultyChannel(Inbound inbound, Outbound<byte[]> outbound) implements Channel {

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    return inbound.receive(options);
  }

  @Override
  public Mono<Long> depth() {
    return inbound.depth();
  }

  @Override
  public Flux<Waiting> browse(BrowseQuery query) {
    return inbound.browse(query);
  }

  @Override
  public ChannelInfo info() {
    return inbound.info();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return outbound.send(message);
  }
}
