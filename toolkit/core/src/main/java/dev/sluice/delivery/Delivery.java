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
package dev.sluice.delivery;

import dev.sluice.message.Message;
import java.util.Objects;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A message together with the duty to settle it. Whoever holds a delivery either passes the
 * settlement on or decides it.
 *
 * <p>Immutable and thread-safe.
 *
 * @param <T> the payload type
 */
public final class Delivery<T> {

  private final Message<T> message;
  private final Settlement settlement;
  private final Origin origin;
  private final ContextView context;

  /** A delivery with an empty context. */
  public Delivery(Message<T> message, Settlement settlement, Origin origin) {
    this(message, settlement, origin, Context.empty());
  }

  private Delivery(Message<T> message, Settlement settlement, Origin origin, ContextView context) {
    this.message = Objects.requireNonNull(message, "message");
    this.settlement = Objects.requireNonNull(settlement, "settlement");
    this.origin = Objects.requireNonNull(origin, "origin");
    this.context = Objects.requireNonNull(context, "context");
  }

  /** What was delivered. */
  public Message<T> message() {
    return message;
  }

  /** The duty to say what becomes of it. */
  public Settlement settlement() {
    return settlement;
  }

  /** Where it comes from. */
  public Origin origin() {
    return origin;
  }

  /**
   * What the workers and the sends of this delivery find in their Reactor Context, over what is in
   * that of the flow: its trace, for one. Empty unless somebody followed the delivery; what is
   * derived from one delivery has its context, what is joined of several has none.
   */
  public ContextView context() {
    return context;
  }

  /** Another message under the same settlement: a step from one to one. */
  public <R> Delivery<R> with(Message<R> message) {
    return new Delivery<>(message, settlement, origin, context);
  }

  /** The same message under another settlement: a step that settles in its own way. */
  public Delivery<T> with(Settlement settlement) {
    return new Delivery<>(message, settlement, origin, context);
  }

  /** The same delivery in another context. */
  public Delivery<T> with(ContextView context) {
    return context == this.context ? this : new Delivery<>(message, settlement, origin, context);
  }

  @Override
  public String toString() {
    return "Delivery[" + message + " from " + origin.channel() + ' ' + origin.position() + ']';
  }
}
