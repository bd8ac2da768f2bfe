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
package dev.sluice.bench.kafka;

import dev.sluice.bench.kafka.Tally.Result;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What a flow with a convoy costs on Kafka, beside bare consumers, in one run: a broker in its own
 * process, one fill, then rounds in which every contestant works through everything. A round counts
 * only if each record came once, each key in order where that is promised, and everything is
 * committed at the end of a flow; otherwise the run fails.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Pkafka-bench verify -DskipTests
 * mvn -pl benchmarks -am -Pkafka-bench verify -DskipTests -Dkafka-bench.args="rounds=9 records=2000000"
 * }</pre>
 */
final class KafkaThroughput {

  private static final int PARTITIONS = 6;
  private static final int KEYS = 1_000;
  private static final int SIZE = 100;

  private final String servers;
  private final Workload fast;
  private final Workload slow;
  private final Map<Contestant, List<Result>> results = new EnumMap<>(Contestant.class);

  private KafkaThroughput(String servers, Workload fast, Workload slow) {
    this.servers = servers;
    this.fast = fast;
    this.slow = slow;
  }

  public static void main(String[] arguments) throws Exception {
    int rounds = option(arguments, "rounds", 5);
    int records = option(arguments, "records", 1_000_000);
    int slowRecords = option(arguments, "slow", 100_000);
    List<Contestant> contestants =
        Arrays.stream(Contestant.values())
            .filter(c -> Arrays.stream(arguments).noneMatch(a -> a.equals("-" + c.letter())))
            .toList();
    Workload fast = new Workload("fast", PARTITIONS, records, KEYS, SIZE);
    Workload slow = new Workload("slow", PARTITIONS, slowRecords, KEYS, SIZE);
    try (BrokerProcess broker = BrokerProcess.start(List.of(fast, slow))) {
      broker.fill(fast);
      broker.fill(slow);
      KafkaThroughput bench = new KafkaThroughput(broker.servers(), fast, slow);
      bench.round(contestants, 0); // to warm up
      for (int round = 1; round <= rounds; round++) {
        bench.round(contestants, round);
      }
      bench.report();
    }
    System.exit(0);
  }

  private static int option(String[] arguments, String name, int otherwise) {
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(name + "="))
        .mapToInt(argument -> Integer.parseInt(argument.substring(name.length() + 1)))
        .findFirst()
        .orElse(otherwise);
  }

  private void round(List<Contestant> contestants, int round) throws Exception {
    for (Contestant contestant : contestants) {
      boolean delayed =
          contestant == Contestant.RAW_DELAYED || contestant == Contestant.CONVOY_DELAYED;
      Workload workload = delayed ? slow : fast;
      Tally tally = new Tally(workload);
      contestant.run(servers, contestant.letter() + round, workload, tally);
      Result result = tally.await();
      tally.verify();
      System.out.printf(
          Locale.ROOT,
          "%s %s  %,12.0f msg/s  %,8.0f ns CPU/msg  %,8.0f B/msg%n",
          round == 0 ? "warm-up" : "round " + round,
          contestant.letter(),
          result.perSecond(),
          result.cpuNanos(),
          result.bytes());
      if (round > 0) {
        results.computeIfAbsent(contestant, c -> new ArrayList<>()).add(result);
      }
    }
  }

  private void report() {
    System.out.printf("%nmedians%n");
    results.forEach(
        (contestant, rounds) ->
            System.out.printf(
                Locale.ROOT,
                "%s  %-46s %,12.0f msg/s  %,8.0f ns CPU/msg  %,8.0f B/msg%n",
                contestant.letter(),
                contestant.title(),
                median(rounds, Result::perSecond),
                median(rounds, Result::cpuNanos),
                median(rounds, Result::bytes)));
    System.out.printf("%nratios, round by round: median (least to greatest)%n");
    ratio(Contestant.CONVOY, Contestant.RECEIVER, "msg/s", Result::perSecond);
    ratio(Contestant.CONVOY, Contestant.RAW, "msg/s", Result::perSecond);
    ratio(Contestant.CONVOY_DELAYED, Contestant.RAW_DELAYED, "msg/s", Result::perSecond);
    ratio(Contestant.CONVOY, Contestant.RECEIVER, "CPU", Result::cpuNanos);
    ratio(Contestant.CONVOY_DELAYED, Contestant.RAW_DELAYED, "CPU", Result::cpuNanos);
  }

  private void ratio(
      Contestant ours, Contestant theirs, String what, ToDoubleFunction<Result> value) {
    List<Result> above = results.get(ours);
    List<Result> below = results.get(theirs);
    if (above == null || below == null) {
      return;
    }
    double[] ratios = new double[above.size()];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = value.applyAsDouble(above.get(i)) / value.applyAsDouble(below.get(i));
    }
    Arrays.sort(ratios);
    System.out.printf(
        Locale.ROOT,
        "%s / %s  %-6s %.2f  (%.2f to %.2f)%n",
        ours.letter(),
        theirs.letter(),
        what,
        ratios[ratios.length / 2],
        ratios[0],
        ratios[ratios.length - 1]);
  }

  private static double median(List<Result> rounds, ToDoubleFunction<Result> value) {
    double[] values = rounds.stream().mapToDouble(value).sorted().toArray();
    return values[values.length / 2];
  }
}
