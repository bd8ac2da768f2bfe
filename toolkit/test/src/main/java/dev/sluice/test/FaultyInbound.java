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
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.test.FaultInjector.Kind;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** An inbound whose every interaction is counted, one of which may go wrong. */
record FaultyInbound(FaultInjector injector, Inbound real) implements Inbound {

  @Override
  public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
    Outbound<byte[]> letters = options.deadLetters();
    ReceiveOptions wrapped =
        letters == null
            ? options
            : options.deadLetters(new FaultyOutbound<>(injector, letters, Kind.DEAD_LETTER));
    String assembly = LeakDetector.assembly();
    return new Flux<>() {
      @Override
      public void subscribe(CoreSubscriber<? super Delivery<byte[]>> actual) {
        new FaultyReceive(actual, injector, assembly).start(real, wrapped);
      }
    };
  }

  @Override
  public Mono<Long> depth() {
    return injector.ask(Kind.DEPTH, Mono.defer(real::depth), certain -> injector.failure());
  }

  @Override
  public Flux<Waiting> browse(BrowseQuery query) {
    return real.browse(query);
  }

  @Override
  public ChannelInfo info() {
    return real.info();
  }
}
