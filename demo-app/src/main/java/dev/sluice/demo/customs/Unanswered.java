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
package dev.sluice.demo.customs;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Message;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Mono;

/**
 * Where questions go that customs does not answer. One that has expired is counted and forgotten:
 * nobody waits for it any more, and who did has been told. Every other one is kept.
 */
final class Unanswered implements Outbound<byte[]> {

  private final Outbound<byte[]> kept;
  private final LongAdder expired = new LongAdder();

  Unanswered(Outbound<byte[]> kept) {
    this.kept = kept;
  }

  /** How many have expired. */
  long expired() {
    return expired.sum();
  }

  @Override
  public String name() {
    return kept.name();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> letter) {
    return DeadLetterReason.EXPIRED.name().equals(letter.headers().get(DeadLetterHeaders.REASON))
        ? Mono.fromSupplier(
            () -> {
              expired.increment();
              return new Receipt(name(), letter.id(), "forgotten");
            })
        : kept.send(letter);
  }
}
