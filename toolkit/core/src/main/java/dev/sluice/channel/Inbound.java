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

import dev.sluice.delivery.Delivery;
import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The receiving end of a channel. Channels carry bytes; a flow decodes them, so that an unreadable
 * message is the fate of one delivery and its dead letter keeps the bytes as they came.
 */
public interface Inbound {

  /**
   * Deliveries from the channel. Each subscription is one competing consumer.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>a delivery for each message, and again for each that was given back or retried; every one
   *       of them must be settled
   *   <dt>Backpressure
   *   <dd>never more than requested; at most {@link ReceiveOptions#maxUnsettled()} deliveries are
   *       out and not yet done
   *   <dt>Completes/Errors
   *   <dd>completes only after {@link ReceiveOptions#stop()} has fired and everything is settled,
   *       flushed and closed; errors only on trouble with the infrastructure, and with {@link
   *       NoDeadLetterTarget} when a delivery is rejected and nobody takes dead letters
   *   <dt>Cancel
   *   <dd>like a stop that allows no time, run detached: what is undecided is given back, what was
   *       decided still takes effect, within bounded time
   *   <dt>Discard
   *   <dd>what waits inside and was not emitted goes back to the channel
   *   <dt>Threads
   *   <dd>on a scheduler of the connector, never on the client's own threads
   * </dl>
   */
  Flux<Delivery<byte[]>> receive(ReceiveOptions options);

  /** The number of messages that wait, delayed ones included; empty if the channel cannot tell. */
  Mono<Long> depth();

  /**
   * Looks at messages that wait, and takes none: those that {@link #depth()} counts. What it shows
   * may be out or gone a moment later. For people and their tools; nothing is to be decided by it.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the messages that are meant, by their position, which is about the order of their sends
   *   <dt>Backpressure
   *   <dd>holds at most {@link BrowseQuery#limit()} messages
   *   <dt>Completes/Errors
   *   <dd>fails with {@link UnsupportedOperationException} unless the channel has {@link
   *       Capability#BROWSE}, and on trouble with the infrastructure
   *   <dt>Cancel
   *   <dd>ends the waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on a scheduler of the connector
   * </dl>
   *
   * @throws IllegalArgumentException if the position is none of this channel
   */
  default Flux<Waiting> browse(BrowseQuery query) {
    Objects.requireNonNull(query, "query");
    return Flux.error(
        () ->
            new UnsupportedOperationException(
                info().name() + ": its messages cannot be looked at without taking them"));
  }

  /** What the channel is called, and what it can do. */
  ChannelInfo info();
}
