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
package dev.sluice.routing;

import dev.sluice.Experimental;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * A message router: a channel to send to that sends on, to one channel or several, by what the
 * message is. Its routes can be replaced while it runs.
 *
 * <p>Whatever takes an {@link Outbound} takes a router: {@link dev.sluice.flow.Flow#to}, which
 * acknowledges a message when every channel that it was routed to has confirmed it, {@link
 * dev.sluice.flow.Otherwise#routeTo}, {@link #sendAll} for a {@code Flux} of messages, another
 * router.
 *
 * <p><img class="marble" src="doc-files/router.svg" alt="Each message goes to the first channel
 * whose route accepts it; from the swap on, the new routes count">
 *
 * <p>Thread-safe. Messages of one group that are routed to the same channel arrive there in their
 * order. Between channels there is none, so a swap that moves a group to another channel lets its
 * next message overtake those that still wait in the first.
 *
 * @param <T> the payloads
 */
@Experimental
public final class Router<T> implements Outbound<T> {

  private final String name;
  private volatile RoutingTable<T> table;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<Router, RoutingTable> TABLE =
      AtomicReferenceFieldUpdater.newUpdater(Router.class, RoutingTable.class, "table");

  private Router(String name, RoutingTable<T> table) {
    this.name = name;
    this.table = table;
  }

  /**
   * A router by a table.
   *
   * @param name what it is called in receipts and failures, not blank
   * @param table the routes it begins with
   */
  public static <T> Router<T> by(String name, RoutingTable<T> table) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name: \"" + name + "\" (expected: not blank)");
    }
    return new Router<>(name, Objects.requireNonNull(table, "table"));
  }

  /**
   * A router to the first channel whose route accepts the message.
   *
   * @param routes adds the routes to an empty {@link RoutingTable#firstMatch}
   */
  public static <T> Router<T> firstMatch(String name, UnaryOperator<RoutingTable<T>> routes) {
    return by(name, routes.apply(RoutingTable.firstMatch()));
  }

  /**
   * A router to every channel whose route accepts the message: a recipient list.
   *
   * @param routes adds the routes to an empty {@link RoutingTable#allMatches}
   */
  public static <T> Router<T> allMatches(String name, UnaryOperator<RoutingTable<T>> routes) {
    return by(name, routes.apply(RoutingTable.allMatches()));
  }

  @Override
  public String name() {
    return name;
  }

  /** The routes that count at the moment. */
  public RoutingTable<T> table() {
    return table;
  }

  /**
   * Replaces the routes. Messages whose send has been subscribed to keep the routes they had; all
   * later ones have the new ones. No message sees a mixture.
   *
   * @return the routes that counted before
   */
  public RoutingTable<T> swap(RoutingTable<T> routes) {
    Objects.requireNonNull(routes, "routes");
    for (; ; ) {
      RoutingTable<T> before = table;
      if (TABLE.compareAndSet(this, before, routes)) {
        return before;
      }
    }
  }

  /**
   * Changes the routes, as {@link #swap} does; changes that are made at once are made one after the
   * other.
   *
   * @param change from the present routes to the next; may be called several times
   * @return the routes that count now
   */
  public RoutingTable<T> update(UnaryOperator<RoutingTable<T>> change) {
    for (; ; ) {
      RoutingTable<T> before = table;
      RoutingTable<T> after =
          Objects.requireNonNull(change.apply(before), "the function gave null");
      if (TABLE.compareAndSet(this, before, after)) {
        return after;
      }
    }
  }

  /**
   * Sends one message to where it is routed, to all these channels at once.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt of the channel; if there are several, one receipt of the router when all have
   *       confirmed, which names their positions
   *   <dt>Backpressure
   *   <dd>not applicable to one message; a channel that is full makes the receipt wait
   *   <dt>Completes/Errors
   *   <dd>completes with the receipt; fails with {@link Unroutable} if no route accepts the
   *       message, with what a predicate throws, and with what the channel fails with; if there are
   *       several, with {@link RecipientsFailed} when each has confirmed or failed
   *   <dt>Cancel
   *   <dd>cancels the sends, as {@link Outbound#send} says; some channels may have the message
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>predicates are called where it is subscribed to; on a scheduler of the connector
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<T> message) {
    Objects.requireNonNull(message, "message");
    return Mono.defer(() -> send(message, table.targets(message)));
  }

  private Mono<Receipt> send(Message<T> message, List<Outbound<T>> targets) {
    return targets.isEmpty()
        ? Mono.error(new Unroutable(name, "no route accepts " + message))
        : Copies.send(name, targets, message);
  }

  @Override
  public String toString() {
    return "Router[" + name + ", " + table + ']';
  }
}
