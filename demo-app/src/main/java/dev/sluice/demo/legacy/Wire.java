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
package dev.sluice.demo.legacy;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import reactor.core.publisher.Mono;

/** The way to a channel, which can be cut. Thread-safe. */
final class Wire implements Outbound<byte[]> {

  private final Outbound<byte[]> target;
  private volatile boolean cut;

  Wire(Outbound<byte[]> target) {
    this.target = target;
  }

  void cut(boolean cut) {
    this.cut = cut;
  }

  boolean isCut() {
    return cut;
  }

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return Mono.defer(
        () ->
            cut
                ? Mono.error(SendFailed.notSent(name(), "the wire is cut, on purpose", null))
                : target.send(message));
  }
}
