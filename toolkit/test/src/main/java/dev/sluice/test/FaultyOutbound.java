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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import reactor.core.publisher.Mono;

/** An outbound whose sends are counted, one of which may go wrong. */
record FaultyOutbound<T>(FaultInjector injector, Outbound<T> real, FaultInjector.Kind kind)
    implements Outbound<T> {

  @Override
  public String name() {
    return real.name();
  }

  @Override
  public Mono<Receipt> send(Message<T> message) {
    return injector.ask(
        kind,
        Mono.defer(() -> real.send(message)),
        certain ->
            certain
                ? SendFailed.notSent(name(), "injected", injector.failure())
                : SendFailed.unknown(name(), "injected", injector.failure()));
  }
}
