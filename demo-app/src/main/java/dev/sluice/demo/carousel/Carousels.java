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
package dev.sluice.demo.carousel;

import dev.sluice.channel.FlowHandle;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.routing.Router;
import dev.sluice.routing.RoutingTable;
import dev.sluice.spring.Flows;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.springframework.beans.factory.ObjectProvider;

/**
 * The carousels, and the table that says which bag goes to which: by its flight, else by its
 * airline. What the table does not know goes nowhere. Each change swaps the table for a new one; no
 * bag sees half of it. Thread-safe.
 */
final class Carousels implements LiveSection {

  /** How many carousels there are. */
  static final int COUNT = 4;

  /** The flow that routes. */
  static final String ROUTING = "carousel-routing";

  /** Flights before airlines: the first route that accepts a bag takes it. */
  private static final Comparator<String> FLIGHTS_FIRST =
      Comparator.comparing((String key) -> key.length() == 2).thenComparing(key -> key);

  private static final Map<String, Integer> AT_FIRST =
      Map.of("B6", 1, "UA", 2, "EV", 2, "DL", 3, "AA", 4);

  private final List<Carousel> carousels =
      IntStream.rangeClosed(1, COUNT).mapToObj(Carousel::new).toList();
  private final ObjectProvider<Flows> flows;
  private final Router<LandedBag> router;
  private final Map<String, Integer> routes = new TreeMap<>(FLIGHTS_FIRST); // guarded by itself
  private long swaps; // guarded by routes

  /**
   * @param flows asked for when there is something to show: the flow that routes is made with this
   */
  Carousels(ObjectProvider<Flows> flows) {
    this.flows = flows;
    routes.putAll(AT_FIRST);
    this.router = Router.by("carousels", table());
  }

  /** A row of the table. */
  record Row(String key, int carousel) {}

  /**
   * What the page shows.
   *
   * @param swaps how often the table was changed since the start
   * @param unroutable bags that this process has found no carousel for, or could not use
   * @param routes the table, flights first
   */
  record View(long swaps, long unroutable, List<Row> routes, List<Carousel.View> carousels) {}

  Router<LandedBag> router() {
    return router;
  }

  /** From now on, the bags of this flight or airline go there. */
  void route(String key, int carousel) {
    synchronized (routes) {
      routes.put(key, carousel);
      swap();
    }
  }

  /** From now on, the bags of this flight or airline go nowhere by a route of their own. */
  boolean remove(String key) {
    synchronized (routes) {
      boolean there = routes.remove(key) != null;
      if (there) {
        swap();
      }
      return there;
    }
  }

  private void swap() {
    swaps++;
    router.swap(table());
  }

  private RoutingTable<LandedBag> table() {
    RoutingTable<LandedBag> table = RoutingTable.firstMatch();
    for (Map.Entry<String, Integer> route : routes.entrySet()) {
      String key = route.getKey();
      table =
          table.when(
              bag -> bag.flight().equals(key) || bag.carrier().equals(key),
              carousels.get(route.getValue() - 1));
    }
    return table;
  }

  @Override
  public String event() {
    return "carousels";
  }

  @Override
  public View view() {
    List<Row> rows = new ArrayList<>();
    long changed;
    synchronized (routes) {
      routes.forEach((key, carousel) -> rows.add(new Row(key, carousel)));
      changed = swaps;
    }
    return new View(changed, unroutable(), rows, carousels.stream().map(Carousel::view).toList());
  }

  private long unroutable() {
    Flows all = flows.getIfAvailable();
    FlowHandle handle = all == null ? null : all.handle(ROUTING);
    return handle == null ? 0 : handle.stats().rejected();
  }
}
