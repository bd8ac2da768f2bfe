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
package dev.sluice.bench.report;

import dev.sluice.bench.CpuProfiler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * A JMH benchmark, as a table and a plot of each method beside its peer of the same run.
 *
 * @param peers whom each method of ours stands beside
 * @param only the values of parameters that all but a full run keep to
 */
record Jmh(String id, String benchmark, Map<String, String> peers, Map<String, List<String>> only)
    implements Section {

  private static final String HEAD =
      """
      | | ns | its peer | ratio | of processor time | bytes, beside the peer's |
      |---|---|---|---|---|---|
      """;

  private static final String BYTES = "gc.alloc.rate.norm";
  private static final String PROCESSOR = "cpu.time.norm";

  /** One method with one set of parameters. */
  private record Seen(double nanos, double error, double processor, double bytes) {

    static Seen of(RunResult run) {
      return new Seen(
          run.getPrimaryResult().getScore(),
          run.getPrimaryResult().getScoreError(),
          score(run, PROCESSOR),
          score(run, BYTES));
    }

    /** Profilers put a dot or their own prefix before the name in some versions. */
    private static double score(RunResult run, String name) {
      return run.getSecondaryResults().entrySet().stream()
          .filter(result -> result.getKey().endsWith(name))
          .mapToDouble(result -> result.getValue().getScore())
          .findFirst()
          .orElseThrow(() -> new IllegalStateException(name + ": not measured"));
    }
  }

  Jmh peer(String ours, String theirs) {
    Map<String, String> more = new LinkedHashMap<>(peers);
    more.put(ours, theirs);
    return new Jmh(id, benchmark, more, only);
  }

  Jmh only(String parameter, String... values) {
    Map<String, List<String>> more = new LinkedHashMap<>(only);
    more.put(parameter, List.of(values));
    return new Jmh(id, benchmark, peers, more);
  }

  @Override
  public String run(Effort effort, Path pictures) throws IOException {
    Map<String, Map<String, Seen>> seen = new LinkedHashMap<>(); // parameters → method → numbers
    for (RunResult run : measure(effort)) {
      String method = run.getParams().getBenchmark();
      seen.computeIfAbsent(parameters(run), p -> new TreeMap<>())
          .put(method.substring(method.lastIndexOf('.') + 1), Seen.of(run));
    }
    StringBuilder table = new StringBuilder(HEAD);
    List<Plot.Bar> bars = new ArrayList<>();
    seen.forEach(
        (parameters, methods) ->
            peers.forEach(
                (ours, theirs) -> {
                  Seen our = of(methods, ours);
                  Seen their = of(methods, theirs);
                  String name = parameters.isEmpty() ? ours : ours + ", " + parameters;
                  table.append(row(name, our, theirs, their));
                  bars.add(
                      new Plot.Bar(name + " / " + theirs, our.processor() / their.processor()));
                }));
    Path picture = pictures.resolve(id + ".svg");
    Files.createDirectories(pictures);
    Files.writeString(picture, Plot.of(benchmark + ": processor time, the peer's is 1", bars));
    return table
        + "\n![Processor time beside the peer's]("
        + pictures.getFileName()
        + "/"
        + picture.getFileName()
        + ")";
  }

  private Collection<RunResult> measure(Effort effort) {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("\\." + benchmark + "\\.")
            .shouldFailOnError(true)
            .addProfiler(GCProfiler.class)
            .addProfiler(CpuProfiler.class);
    if (effort == Effort.CHECK) {
      TimeValue moment = TimeValue.milliseconds(100);
      options
          .warmupIterations(1)
          .warmupTime(moment)
          .measurementIterations(1)
          .measurementTime(moment);
    } else if (effort == Effort.BRIEF) {
      options.measurementIterations(4).measurementTime(TimeValue.seconds(1));
    }
    if (effort != Effort.FULL) {
      options.forks(1);
      only.forEach((name, values) -> options.param(name, values.toArray(String[]::new)));
    }
    try {
      return new Runner(options.build()).run();
    } catch (RunnerException e) {
      throw new IllegalStateException(benchmark + " has failed", e);
    }
  }

  private static String parameters(RunResult run) {
    return run.getParams().getParamsKeys().stream()
        .map(key -> key + " " + run.getParams().getParam(key))
        .collect(Collectors.joining(", "));
  }

  private Seen of(Map<String, Seen> methods, String name) {
    Seen seen = methods.get(name);
    if (seen == null) {
      throw new IllegalStateException(
          "method: " + name + " (expected: one of " + benchmark + ", " + methods.keySet() + ")");
    }
    return seen;
  }

  private static String row(String name, Seen our, String theirs, Seen their) {
    return String.format(
        Locale.ROOT,
        "| `%s` | %s ± %s | `%s` %s ± %s | %.2f | %.2f | %s, %s |%n",
        name,
        number(our.nanos()),
        number(our.error()),
        theirs,
        number(their.nanos()),
        number(their.error()),
        our.nanos() / their.nanos(),
        our.processor() / their.processor(),
        number(our.bytes()),
        number(their.bytes()));
  }

  /** Three digits that count, and no more. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "?";
    }
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }
}
