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
package dev.sluice.bridges;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;

/**
 * A way to a channel that can be cut: before the message gets there, or before its receipt is back.
 */
final class Cut implements Outbound<byte[]> {

  private enum At {
    NOWHERE,
    THERE,
    BACK
  }

  private final Outbound<byte[]> target;
  private final AtomicInteger unanswered = new AtomicInteger();
  private volatile At at = At.NOWHERE;

  Cut(Outbound<byte[]> target) {
    this.target = target;
  }

  /** From now on nothing gets there. */
  void there() {
    at = At.THERE;
  }

  /** From now on everything gets there, and no receipt comes back. */
  void back() {
    at = At.BACK;
  }

  void mend() {
    at = At.NOWHERE;
  }

  /** How many messages got there without a receipt: each of them may come again. */
  int unanswered() {
    return unanswered.get();
  }

  @Override
  public String name() {
    return target.name();
  }

  /** A busy server may take longer than one waits for it, without anybody's doing. */
  private Mono<Receipt> sent(Message<byte[]> message) {
    return target
        .send(message)
        .doOnError(
            SendFailed.class,
            failure -> {
              if (!failure.isDefinite()) {
                unanswered.incrementAndGet();
              }
            });
  }

  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return Mono.defer(
        () -> {
          return switch (at) {
            case NOWHERE -> sent(message);
            case THERE -> Mono.error(SendFailed.notSent(name(), "cut", null));
            case BACK ->
                sent(message)
                    .doOnNext(receipt -> unanswered.incrementAndGet())
                    .then(Mono.error(SendFailed.unknown(name(), "cut on the way back", null)));
          };
        });
  }
}
