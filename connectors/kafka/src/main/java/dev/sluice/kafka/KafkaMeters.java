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
package dev.sluice.kafka;

import dev.sluice.kafka.KafkaGauges.OfPartition;
import dev.sluice.observe.Meters;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** The names of what {@link KafkaGauges} say, over all partitions of a channel. */
final class KafkaMeters {

  private final Meters meters;
  private final Supplier<KafkaGauges> gauges;

  KafkaMeters(Meters meters, Supplier<KafkaGauges> gauges) {
    this.meters = meters;
    this.gauges = gauges;
  }

  void name() {
    String messages = "messages";
    gauge(
        "sluice.kafka.partitions",
        "partitions",
        "Owned by this process",
        g -> g.partitions().size());
    gauge(
        "sluice.kafka.frontier.lag",
        messages,
        "Polled since the oldest that is not settled",
        g -> each(g, p -> p.frontier() < 0 ? 0 : Math.max(0, p.position() - p.frontier())).sum());
    gauge(
        "sluice.kafka.frontier.stalled",
        "seconds",
        "For how long the oldest that is not settled has been here, in the worst partition",
        g -> each(g, p -> p.stalledFor().toMillis() / 1000.0).max().orElse(0));
    gauge(
        "sluice.kafka.window.used",
        "ratio",
        "How much of its window the fullest partition uses, in records or in bytes; 1 is full",
        g -> each(g, KafkaMeters::used).max().orElse(0));
    gauge(
        "sluice.kafka.unsettled",
        messages,
        "Polled and not settled",
        g -> each(g, OfPartition::unsettled).sum());
    gauge(
        "sluice.kafka.unsettled.bytes",
        "bytes",
        "What the unsettled messages take",
        g -> each(g, OfPartition::bytes).sum());
    meters.counter(
        "sluice.kafka.skipped.ahead",
        messages,
        "Not delivered because a former owner had settled them",
        () -> gauges.get().skipped());
    meters.counter(
        "sluice.settle.redundant",
        "decisions",
        "About a delivery that was decided already",
        () -> gauges.get().redundant());
    meters.counter(
        "sluice.settle.stale",
        "decisions",
        "That came to nothing, because the ownership had gone",
        () -> gauges.get().stale());
    meters.counter(
        "sluice.kafka.commit.failed",
        "commits",
        "That did not succeed and are covered by a later one",
        () -> gauges.get().failedCommits());
  }

  private void gauge(
      String name, String unit, String description, ToDoubleFunction<KafkaGauges> value) {
    meters.gauge(name, unit, description, () -> value.applyAsDouble(gauges.get()));
  }

  private static DoubleStream each(KafkaGauges gauges, ToDoubleFunction<OfPartition> value) {
    return gauges.partitions().stream().mapToDouble(value);
  }

  private static double used(OfPartition partition) {
    return Math.max(
        (double) partition.window() / partition.highWatermark(),
        (double) partition.bytes() / partition.highWatermarkBytes());
  }
}
