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
package dev.sluice.pipes;

import dev.sluice.Experimental;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.PayloadCodec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;

/**
 * Filters one after the other, whose order is checked when it is made and can be changed while it
 * runs: each filter must find the facets that it requires, given with the element or provided by a
 * filter before it.
 *
 * <p><img class="marble" src="doc-files/pipeline.svg" alt="An element goes through the filters in
 * the order in which they stood when it came">
 *
 * <p>A pipeline is a filter itself. Its counters are those of its filters.
 *
 * @param <T> the elements
 */
@Experimental
public final class Pipeline<T> extends Filter<T, T> {

  /**
   * An order of the filters, and what they are together in it.
   *
   * @param filters by their names
   */
  private record Order<T>(Map<String, Filter<T, T>> filters, Filter<T, T> whole) {

    static <T> Order<T> of(Set<String> given, List<Filter<T, T>> filters) {
      Map<String, Filter<T, T>> byName = new LinkedHashMap<>();
      Set<String> there = given;
      for (Filter<T, T> filter : filters) {
        Set<String> missing = Facets.without(filter.requires(), there);
        if (!missing.isEmpty()) {
          throw new IllegalArgumentException(
              "filter "
                  + filter
                  + ": requires "
                  + missing
                  + " (expected: of "
                  + there
                  + ", which is what it finds)");
        }
        if (byName.put(filter.name(), filter) != null) {
          throw new IllegalArgumentException(
              "filter " + filter + ": twice (expected: names of their own)");
        }
        there = Facets.union(there, filter.provides());
      }
      return new Order<>(byName, whole(filters));
    }

    private static <T> Filter<T, T> whole(List<Filter<T, T>> filters) {
      Filter<T, T> whole = filters.get(0);
      for (Filter<T, T> next : filters.subList(1, filters.size())) {
        whole = whole.then(next);
      }
      return whole;
    }

    List<Filter<T, T>> inOrder() {
      return List.copyOf(filters.values());
    }
  }

  private volatile Order<T> order;

  private Pipeline(String name, Set<String> given, Set<String> provides, Order<T> order) {
    super(name, given, provides);
    this.order = order;
  }

  /**
   * A pipeline of elements that have no facets.
   *
   * @see #of(String, Set, List)
   */
  public static <T> Pipeline<T> of(String name, List<Filter<T, T>> filters) {
    return of(name, Set.of(), filters);
  }

  /**
   * A pipeline.
   *
   * @param name what it is called, not blank
   * @param given the facets that every element has when it comes
   * @param filters one or more, each with a name of its own
   * @throws IllegalArgumentException if there are none, two have the same name, or one requires
   *     what is not there
   */
  public static <T> Pipeline<T> of(String name, Set<String> given, List<Filter<T, T>> filters) {
    if (filters.isEmpty()) {
      throw new IllegalArgumentException("filters: 0 (expected: >= 1)");
    }
    Set<String> facets = Facets.union(Set.of(), given);
    Set<String> provides = filters.stream().map(Filter::provides).reduce(Set.of(), Facets::union);
    return new Pipeline<>(Facets.name(name), facets, provides, Order.of(facets, filters));
  }

  /** The names of the filters, in the order in which they stand. */
  public List<String> order() {
    return List.copyOf(order.filters().keySet());
  }

  /**
   * Puts the filters into another order. Elements that a filter has begun with go through the rest
   * in the order that they began in; all later ones in this one. None sees a mixture.
   *
   * @param names the names of all filters, each once
   * @throws IllegalArgumentException if they are not, or a filter would not find what it requires;
   *     then the order stays as it was
   */
  public void reorder(List<String> names) {
    Map<String, Filter<T, T>> filters = order.filters();
    if (names.size() != filters.size() || !filters.keySet().equals(Set.copyOf(names))) {
      throw new IllegalArgumentException(
          "names: " + names + " (expected: each of " + filters.keySet() + " once)");
    }
    List<Filter<T, T>> inOrder = new ArrayList<>();
    names.forEach(filter -> inOrder.add(Objects.requireNonNull(filters.get(filter))));
    order = Order.of(requires(), inOrder);
  }

  /** Not for a pipeline: what it requires is given when it is made. */
  @Override
  public Filter<T, T> requires(String... facets) {
    throw new UnsupportedOperationException(
        "requires of a pipeline (expected: Pipeline.of(name, given, filters))");
  }

  /** Not for a pipeline: what it provides is what its filters do. */
  @Override
  public Filter<T, T> provides(String... facets) {
    throw new UnsupportedOperationException(
        "provides of a pipeline (expected: that of its filters)");
  }

  @Override
  public Flux<T> apply(T element) {
    return Flux.defer(() -> order.whole().apply(element));
  }

  @Override
  List<Step<?, ?>> steps() {
    return order.filters().values().stream()
        .<Step<?, ?>>flatMap(filter -> filter.steps().stream())
        .toList();
  }

  /**
   * Divides the pipeline, in its present order, into stages with channels between them, each a flow
   * that runs, scales and fails on its own. The filters stay as they are.
   *
   * @param codec writes elements into the channels and reads them
   * @param from where messages come from
   * @param to where messages go that have passed all filters
   * @param spec which filters have a channel before them, and the options of the flows
   * @throws IllegalArgumentException if a channel is put before a filter that there is not, or that
   *     is the first
   */
  public Deployment<T> deploy(
      PayloadCodec<T> codec, Inbound from, Outbound<byte[]> to, UnaryOperator<DeploySpec<T>> spec) {
    return Deployment.of(this, order.inOrder(), codec, from, to, DeploySpec.of(spec));
  }
}
