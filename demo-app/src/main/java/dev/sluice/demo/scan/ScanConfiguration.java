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

import dev.sluice.codec.StringCodec;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.demo.flight.Departures;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresDeadLetters;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts the scan pipeline together: labels come from a queue in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class ScanConfiguration {

  private static final int AT_ONCE = 8;

  @Bean
  PostgresChannel scannedLabels(PostgresDatabase database) {
    return PostgresChannel.create(database, "scans");
  }

  @Bean
  ScanPipeline scanPipeline(Departures departures) {
    return new ScanPipeline(departures);
  }

  @Bean
  RunnableFlow labelScanning(
      PostgresChannel scannedLabels, ScanPipeline scanPipeline, PostgresDeadLetters deadLetters) {
    return Flow.from(scannedLabels)
        .named("label-scanning")
        .decode(StringCodec.utf8())
        .map(Scan::of)
        .through(scanPipeline.pipeline(), c -> c.concurrency(AT_ONCE))
        .map(scanPipeline::done)
        .deadLetter(DeadLettering.into("dead letters of scans", deadLetters))
        .end();
  }

  @Bean
  LabelPrinter labelPrinter(PostgresChannel scannedLabels, Departures departures) {
    return new LabelPrinter(scannedLabels, departures);
  }
}
