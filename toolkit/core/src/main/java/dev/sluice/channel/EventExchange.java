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

import dev.sluice.Experimental;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Gives the events that follow from an event in exchange for it: what is done about an event, that
 * it was done, and what is sent because of it are one step, however often the event comes and
 * whatever dies in the middle.
 *
 * <p>Where all of that is in one database it is one transaction. Elsewhere the order of its parts
 * makes it as good: what follows is remembered with the fact that the event was dealt with, then
 * sent, and only then is the event acknowledged; when it comes again, what was remembered is sent
 * again, under the same ids.
 */
@Experimental
public interface EventExchange {

  /** What a participant does about one event. */
  interface Reaction {

    /**
     * Does it. Called again when nothing is left of the time before: it was undone, or has failed.
     *
     * @return the messages that follow from it, in their order, perhaps none; with the same ids
     *     each time. An error leaves the event as it was, unless {@link #declined} knows it
     */
    Mono<List<Message<byte[]>>> react();

    /** Whether {@link #declined} may give anything but null. */
    boolean mayDecline();

    /**
     * Whether an error is a business failure, which is a result: what was done about the event is
     * undone as far as the exchange can, and these messages follow from it instead.
     *
     * @return the messages; null if it is none
     */
    @Nullable List<Message<byte[]>> declined(Throwable error);
  }

  /**
   * How an exchange has ended.
   *
   * @param messages what was sent, or will be; empty if that is not known any more
   * @param repeated whether the event had been dealt with before
   */
  record Exchanged(List<Message<byte[]>> messages, boolean repeated) {

    public Exchanged {
      messages = List.copyOf(messages);
    }

    /** The event had been dealt with before. */
    public static Exchanged before(List<Message<byte[]>> messages) {
      return new Exchanged(messages, true);
    }

    /** The event was dealt with now. */
    public static Exchanged now(List<Message<byte[]>> messages) {
      return new Exchanged(Objects.requireNonNull(messages, "messages"), false);
    }
  }

  /**
   * Deals with one event, unless that was done before.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>how it ended
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the event may be acknowledged: what follows from it is sent, or certain to
   *       be. Fails with the error of the reaction, of the store or of a send; then the event is to
   *       be tried again
   *   <dt>Cancel
   *   <dd>cancels the reaction, except where it is in a transaction, which is seen to its end; what
   *       was decided stands
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>those of the store or the channel
   * </dl>
   *
   * @param scope who deals with it, 1 to 100 characters: what one has done with an event says
   *     nothing about another
   * @param delivery the event. It is for the caller to acknowledge it, also where the exchange has
   *     consumed it already
   * @param reaction what is done about it
   */
  Mono<Exchanged> exchange(String scope, Delivery<?> delivery, Reaction reaction);
}
