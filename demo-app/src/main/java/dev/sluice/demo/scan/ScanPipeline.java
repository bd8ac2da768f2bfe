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
package dev.sluice.demo.scan;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.pipes.Filter;
import dev.sluice.pipes.FilterStats;
import dev.sluice.pipes.Pipeline;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Mono;

/**
 * What is done with a bag when it is scanned. The filters know nothing of each other; what one
 * needs of those before it, it says, and an order in which it would not find that is refused.
 * Thread-safe.
 */
final class ScanPipeline implements LiveSection {

  private static final Pattern LABEL = Pattern.compile("([0-9]{10})/([A-Z0-9]{2} [0-9]{1,4})");
  private static final Duration SCALES_TAKE = Duration.ofMillis(5);
  private static final Duration SCREENING_TAKES = Duration.ofMillis(10);
  private static final int SHOWN = 6;

  private final Departures departures;
  private final Pipeline<Scan> pipeline;
  private final List<Filter<Scan, Scan>> filters;
  private final Deque<Scan> last = new ArrayDeque<>(); // guarded by itself
  private long scanned; // guarded by last

  ScanPipeline(Departures departures) {
    this.departures = departures;
    this.filters =
        List.of(
            step("decode", ScanPipeline::decode).provides("decoded"),
            measure().provides("measured"),
            step("validate", this::validate).requires("decoded").provides("valid"),
            screen().requires("valid").provides("screened"),
            step("enrich", this::enrich).requires("valid").provides("enriched"),
            step("print", scan -> scan).requires("measured", "enriched"));
    this.pipeline = Pipeline.of("scan", filters);
  }

  // == the filters ==

  private static Filter<Scan, Scan> step(String name, UnaryOperator<Scan> work) {
    return Filter.map(name, scan -> work.apply(scan).through(name));
  }

  private static Scan decode(Scan scan) {
    Matcher label = LABEL.matcher(scan.label());
    if (!label.matches()) {
      throw new ScanRefused("the label cannot be read: " + scan.label());
    }
    return scan.decoded(label.group(1), label.group(2));
  }

  private Scan validate(Scan scan) {
    if (departures.find(scan.flight()).isEmpty()) {
      throw new ScanRefused("no such flight: " + scan.flight());
    }
    return scan;
  }

  /** Weight and size at once. */
  private static Filter<Scan, Scan> measure() {
    return Filter.parallel(
        "measure",
        List.of(gauge("weigh", 8, 24), gauge("size", 30, 90)),
        (scan, both) -> scan.measured(both.get(0), both.get(1)).through("measure"));
  }

  private static Filter<Scan, Integer> gauge(String name, int least, int range) {
    return Filter.of(
        name,
        scan ->
            Mono.delay(SCALES_TAKE)
                .map(done -> least + Math.floorMod((name + scan.label()).hashCode(), range)));
  }

  private static Filter<Scan, Scan> screen() {
    return Filter.of(
        "screen", scan -> Mono.delay(SCREENING_TAKES).map(done -> scan.through("screen")));
  }

  private Scan enrich(Scan scan) {
    Departure departure = departures.find(scan.flight()).get(0);
    return scan.to(departure.destination());
  }

  // == at work ==

  Pipeline<Scan> pipeline() {
    return pipeline;
  }

  /** A bag has gone through all of them. */
  Scan done(Scan scan) {
    synchronized (last) {
      scanned++;
      last.addFirst(scan);
      if (last.size() > SHOWN) {
        last.removeLast();
      }
    }
    return scan;
  }

  /**
   * A filter as it stands.
   *
   * @param requires the facets that it needs of those before it
   * @param provides the facets that those behind it find
   * @param parts what it consists of, and what each has done since the start
   */
  record Stage(String name, Set<String> requires, Set<String> provides, List<Part> parts) {}

  /**
   * What a filter has done.
   *
   * @param bags that it has begun with
   * @param failed those that have failed in it
   * @param busyMillis how long it has worked, all bags together
   */
  record Part(String name, long bags, long failed, long busyMillis) {

    static Part of(FilterStats stats) {
      return new Part(stats.name(), stats.started(), stats.failed(), stats.busy().toMillis());
    }
  }

  /**
   * What the page shows of this process.
   *
   * @param scanned bags that have gone through since the start
   * @param stages in the order in which they stand
   * @param last the last bags, the newest first
   */
  record View(long scanned, List<Stage> stages, List<Scan> last) {}

  @Override
  public String event() {
    return "scans";
  }

  @Override
  public View view() {
    List<Stage> stages = pipeline.order().stream().map(this::stage).toList();
    synchronized (last) {
      return new View(scanned, stages, List.copyOf(last));
    }
  }

  private Stage stage(String name) {
    Filter<Scan, Scan> filter =
        filters.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
    return new Stage(
        name,
        new TreeSet<>(filter.requires()),
        new TreeSet<>(filter.provides()),
        filter.stats().stream().map(Part::of).toList());
  }
}
