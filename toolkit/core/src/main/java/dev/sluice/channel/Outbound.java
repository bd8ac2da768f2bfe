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
package dev.sluice.channel;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalInt;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The sending end of a channel.
 *
 * @param <T> the payload type
 */
public interface Outbound<T> {

  /** The name of the channel it sends to. */
  String name();

  /**
   * Sends one message. Messages of one group are delivered in the order in which their sends were
   * subscribed to.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, once the channel has accepted the message durably
   *   <dt>Backpressure
   *   <dd>not applicable to one message; a channel that is full makes the receipt wait
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link SendFailed}, which tells whether the
   *       message certainly was not sent
   *   <dt>Cancel
   *   <dd>a message not yet handed to the client is not sent; one that was may still arrive
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a scheduler of the connector
   * </dl>
   */
  Mono<Receipt> send(Message<T> message);

  /**
   * Sends all messages in their order, several on the way at once.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a receipt for each message, in the order of the messages
   *   <dt>Backpressure
   *   <dd>takes up to 256 messages ahead of the receipts that are asked for
   *   <dt>Completes/Errors
   *   <dd>completes after the last receipt; the first failure cancels the rest
   *   <dt>Cancel
   *   <dd>cancels the source; messages handed to the client may still arrive
   *   <dt>Discard
   *   <dd>receipts not yet emitted
   *   <dt>Threads
   *   <dd>on a scheduler of the connector
   * </dl>
   */
  default Flux<Receipt> sendAll(Publisher<? extends Message<T>> messages) {
    return Flux.from(messages).flatMapSequential(this::send, 256, 1);
  }

  /**
   * How large the payload of a message may be for the channel to take it, in bytes: its limit, less
   * the room for the group and the headers of this message. What is in the message now does not
   * matter.
   *
   * @return 0 or more, or empty if the channel does not say
   */
  default OptionalInt room(Message<?> message) {
    return OptionalInt.empty();
  }

  /**
   * For how long the channel keeps a message at most, which may then still be received: so long has
   * everything to be kept that the message refers to.
   *
   * @return asks, and emits the time; empty if the channel does not say; fails if it cannot be
   *     asked
   */
  default Mono<Duration> retention() {
    return Mono.empty();
  }

  /** An outbound for payloads of type {@code S}, encoded by {@code codec} on their way to bytes. */
  static <S> Outbound<S> encoding(PayloadCodec<S> codec, Outbound<byte[]> bytes) {
    Objects.requireNonNull(codec, "codec");
    Objects.requireNonNull(bytes, "bytes");
    return new EncodingOutbound<>(codec, bytes);
  }
}
