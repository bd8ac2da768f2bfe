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

import java.util.List;
import java.util.Map;

/** The sections of the page, each with what is run for it. */
final class Sections {

  private Sections() {}

  static final List<Section> ALL =
      List.of(
          harness("ratios", "dev.sluice.bench.RatioHarness", "2", "20", "60"),
          jmh("convoy", "ConvoyBenchmark")
              .peer("convoy", "hashLanes")
              .peer("unordered", "hashLanes")
              .only("worker", "scalar", "hidden")
              .only("keys", "16", "100000"),
          harness("hotkey", "dev.sluice.bench.HotKeyHarness", "1", "5", "9"),
          jmh("settling", "DeliveryConvoyBenchmark")
              .peer("convoyAcknowledged", "hashLanesAcknowledged")
              .peer("flow", "hashLanesAcknowledged"),
          jmh("compete", "CompeteBenchmark")
              .peer("fixed", "flatMap")
              .peer("byLatency", "flatMap")
              .peer("urgentFirst", "flatMap")
              .only("worker", "scalar", "hidden"),
          jmh("level", "LevelBenchmark")
              .peer("rate", "buffer")
              .peer("breaker", "breakerAroundCalls"),
          jmh("gather", "GatherBenchmark").peer("gather", "merge"),
          jmh("priority", "PriorityBenchmark")
              .peer("strict", "mergePriority")
              .peer("weighted", "mergePriority")
              .peer("aging", "mergePriority"),
          jmh("prioritize", "PrioritizeBenchmark")
              .peer("byComparator", "sortedWindows")
              .peer("byAge", "sortedWindows"),
          jmh("saga", "SagaBenchmark")
              .peer("sagaAssembled", "nested")
              .peer("sagaEachTime", "nested"),
          jmh("messaged-saga", "MessagedSagaBenchmark").peer("messaged", "composed"),
          jmh("idempotent", "IdempotentBenchmark")
              .peer("first", "composed")
              .peer("duplicate", "composed"),
          jmh("choreography", "ChoreographyBenchmark")
              .peer("first", "composed")
              .peer("repeated", "composed"),
          jmh("retry", "RetryBenchmark").peer("retryAcknowledged", "retryWhenAcknowledged"),
          jmh("request", "RequestBenchmark").peer("requested", "composed"),
          jmh("routing", "RoutingBenchmark")
              .peer("router", "conditional")
              .peer("recipientList", "when")
              .peer("pipeline", "flatMaps")
              .peer("tap", "doOnNext"),
          jmh("topic", "TopicBenchmark").peer("buffered", "multicast").peer("catchUp", "multicast"),
          jmh("bridge", "BridgeBenchmark")
              .peer("byGroup", "flatMap")
              .peer("inTotalOrder", "concatMap")
              .peer("pipelined", "flatMap")
              .peer("withoutOrder", "flatMap"),
          jmh("accepted", "AsyncOperationsBenchmark").peer("accepted", "handWritten"),
          harness(
              "kafka",
              "dev.sluice.bench.kafka.KafkaThroughput",
              "rounds=1 records=2000 slow=200",
              "rounds=3 records=200000",
              ""),
          harness(
              "postgres",
              "dev.sluice.bench.postgres.PostgresThroughput",
              "rounds=1 messages=500",
              "rounds=3 messages=12000",
              ""),
          harness(
              "durable-saga",
              "dev.sluice.bench.postgres.SagaThroughput",
              "rounds=1 sagas=50",
              "rounds=2 sagas=2000",
              ""),
          harness(
              "tasks",
              "dev.sluice.bench.postgres.TaskThroughput",
              "rounds=1 tasks=50",
              "rounds=2 tasks=1000",
              ""),
          harness(
              "s3",
              "dev.sluice.bench.s3.S3Throughput",
              "warmup=0 rounds=1 small=4 large=1",
              "rounds=2 small=40 large=2",
              ""));

  private static Jmh jmh(String id, String benchmark) {
    return new Jmh(id, benchmark, Map.of(), Map.of());
  }

  private static Section harness(
      String id, String main, String check, String briefly, String fully) {
    return new Harness(
        id, main, Map.of(Effort.CHECK, check, Effort.BRIEF, briefly, Effort.FULL, fully));
  }
}
