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
package dev.sluice.demo.screening;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.chaos.Switches;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresDeadLetters;
import dev.sluice.priority.PriorityReviewer;
import dev.sluice.spring.Flows;
import java.time.Clock;
import java.time.Duration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.scheduler.Schedulers;

/**
 * Bags of aircraft that have landed: they wait in a queue in PostgreSQL, the most urgent first; as
 * many stations screen them as the queue is deep; and a durable belt carries them to a scanner that
 * never takes more than so many in a second. A bag whose flight has left is a dead letter.
 */
@Configuration(proxyBeanMethods = false)
class ScreeningConfiguration {

  /** A bag that waits for so long goes before those that are one more urgent and came later. */
  private static final Duration AGING = Duration.ofSeconds(5);

  private static final Duration LOOK_EVERY = Duration.ofSeconds(2);

  private static final int BAGS_PER_STATION = 10;
  private static final int FEWEST_STATIONS = 1;
  private static final Duration STAFF_EVERY = Duration.ofSeconds(1);
  private static final Duration CLOSE_AFTER = Duration.ofSeconds(5);

  private static final int SCANS_PER_SECOND = 50;
  private static final int SCANNERS = 4;
  private static final int AT_THE_SCANNER = 16;
  private static final int RETRIES = 1_000;
  private static final Duration RETRY_AFTER = Duration.ofSeconds(2);

  private final JacksonCodec<Arrival> arrivals = JacksonCodec.json(Arrival.class);

  @Bean
  PostgresChannel transfers(PostgresDatabase database) {
    return PostgresChannel.create(database, "transfers", queue -> queue.agingStep(AGING));
  }

  /** What the connections that are less tight have to wait, on the metrics page. */
  @Bean(destroyMethod = "dispose")
  PriorityReviewer transferPriorities(PostgresChannel transfers) {
    return PriorityReviewer.of(transfers, LOOK_EVERY, Schedulers.parallel());
  }

  @Bean
  PostgresChannel belt(PostgresDatabase database) {
    return PostgresChannel.create(database, "belt");
  }

  @Bean
  Arrivals arrivals(PostgresChannel transfers, Timetable timetable, Clock clock) {
    return new Arrivals(Outbound.encoding(arrivals, transfers), timetable, clock);
  }

  @Bean
  Stations stations() {
    return new Stations();
  }

  @Bean
  Late late(PostgresDeadLetters deadLetters) {
    return new Late(DeadLettering.into("dead letters of transfers", deadLetters));
  }

  @Bean
  RunnableFlow screening(
      PostgresChannel transfers, PostgresChannel belt, Stations stations, Late late) {
    return Flow.from(transfers)
        .named(ScreeningView.SCREENING)
        .maxUnsettled(
            ScreeningView.MOST_STATIONS) // the rest stays in the queue, whose depth counts
        .decode(arrivals)
        .compete(
            stations::screen,
            work ->
                work.concurrency(
                        Concurrency.byDepth(
                                transfers::depth,
                                BAGS_PER_STATION,
                                FEWEST_STATIONS,
                                ScreeningView.MOST_STATIONS)
                            .pollInterval(STAFF_EVERY)
                            .coolDown(CLOSE_AFTER))
                    .lookAhead(ScreeningView.MOST_STATIONS)
                    .listener(stations))
        .deadLetter(late)
        .to(Outbound.encoding(arrivals, belt));
  }

  @Bean
  RunnableFlow scanning(
      PostgresChannel belt,
      BagIntake intake,
      Departures departures,
      Switches switches,
      PostgresDeadLetters deadLetters) {
    Scanner scanner = new Scanner(intake, departures, switches);
    return Flow.from(belt)
        .named(ScreeningView.SCANNING)
        .maxUnsettled(SCANNERS + AT_THE_SCANNER) // the rest stays on the belt
        .decode(arrivals)
        // While Kafka is away, check-ins fail: the bags stay in the queue.
        .retry(retry -> retry.delayed(RETRIES, RETRY_AFTER))
        .loadLevel(
            scanner::scan,
            level ->
                level
                    .rate(SCANS_PER_SECOND, Duration.ofSeconds(1))
                    .concurrency(SCANNERS)
                    .capacity(AT_THE_SCANNER))
        .deadLetter(DeadLettering.into("dead letters of the belt", deadLetters))
        .end();
  }

  @Bean
  ScreeningView screeningView(
      Flows flows, Stations stations, Late late, PostgresChannel transfers, PostgresChannel belt) {
    return new ScreeningView(flows, stations, late, transfers, belt);
  }
}
