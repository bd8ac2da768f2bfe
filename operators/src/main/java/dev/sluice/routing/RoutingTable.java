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
import dev.sluice.message.Message;
import dev.sluice.message.TypePattern;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which messages go where: routes in an order, and perhaps one for the rest. Immutable: each method
 * returns a changed copy.
 *
 * <p>Predicates look at a message while it is being sent, one message at a time for each sender:
 * plain CPU work without effects. One that throws is the failure of the message.
 *
 * @param <T> the payloads
 */
@Experimental
public final class RoutingTable<T> {

  private final boolean everyMatch;
  private final List<Route<T>> routes;
  private final @Nullable Outbound<T> rest;

  private RoutingTable(boolean everyMatch, List<Route<T>> routes, @Nullable Outbound<T> rest) {
    this.everyMatch = everyMatch;
    this.routes = routes;
    this.rest = rest;
  }

  /** A table in which the first route that accepts a message takes it. It has no routes yet. */
  public static <T> RoutingTable<T> firstMatch() {
    return new RoutingTable<>(false, List.of(), null);
  }

  /**
   * A table in which every route that accepts a message takes it: a recipient list. A channel that
   * several routes lead to gets the message once. It has no routes yet.
   */
  public static <T> RoutingTable<T> allMatches() {
    return new RoutingTable<>(true, List.of(), null);
  }

  /** Messages whose payload the predicate accepts go to {@code target}. */
  public RoutingTable<T> when(Predicate<? super T> accepts, Outbound<? super T> target) {
    Objects.requireNonNull(accepts, "accepts");
    return whenMessage(message -> accepts.test(message.payload()), target);
  }

  /** Messages that the predicate accepts go to {@code target}. */
  public RoutingTable<T> whenMessage(
      Predicate<? super Message<T>> accepts, Outbound<? super T> target) {
    Objects.requireNonNull(accepts, "accepts");
    Objects.requireNonNull(target, "target");
    List<Route<T>> longer = new ArrayList<>(routes);
    longer.add(Route.to(target, accepts));
    return new RoutingTable<>(everyMatch, List.copyOf(longer), rest);
  }

  /**
   * Messages of these types go to {@code target}.
   *
   * @param pattern a {@link TypePattern}: {@code bag.*.scanned}, {@code bag.**}
   * @throws IllegalArgumentException if it is none
   */
  public RoutingTable<T> whenType(String pattern, Outbound<? super T> target) {
    TypePattern types = TypePattern.of(pattern);
    return whenMessage(message -> types.matches(message.type()), target);
  }

  /**
   * Messages that no route accepts go to {@code target}. Without it they fail as {@link
   * Unroutable}, and a flow sends them to its dead letters.
   */
  @SuppressWarnings("unchecked") // as in Route.to
  public RoutingTable<T> otherwise(Outbound<? super T> target) {
    Objects.requireNonNull(target, "target");
    return new RoutingTable<>(everyMatch, routes, (Outbound<T>) target);
  }

  /** Where a message goes: none, one or several, in the order of the routes. */
  List<Outbound<T>> targets(Message<T> message) {
    List<Outbound<T>> targets = new ArrayList<>(1);
    for (Route<T> route : routes) {
      if (route.accepts().test(message) && !targets.contains(route.target())) {
        targets.add(route.target());
        if (!everyMatch) {
          break;
        }
      }
    }
    if (targets.isEmpty() && rest != null) {
      targets.add(rest);
    }
    return targets;
  }

  @Override
  public String toString() {
    return "RoutingTable["
        + (everyMatch ? "all matches" : "first match")
        + " of "
        + routes.stream().map(route -> route.target().name()).toList()
        + (rest == null ? "" : ", otherwise " + rest.name())
        + ']';
  }
}
