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
package dev.sluice.demo.screening;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Mono;

/**
 * Where bags go that are too late for their flight, or of no use to the stations; it counts them.
 * The flow does not: its queue rejects what has expired before the flow is given it.
 */
final class Late implements Outbound<byte[]> {

  private final Outbound<byte[]> letters;
  private final LongAdder bags = new LongAdder();

  Late(Outbound<byte[]> letters) {
    this.letters = letters;
  }

  /** How many there were since this process has started. */
  long bags() {
    return bags.sum();
  }

  @Override
  public String name() {
    return letters.name();
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> letter) {
    return letters.send(letter).doOnNext(kept -> bags.increment());
  }
}
