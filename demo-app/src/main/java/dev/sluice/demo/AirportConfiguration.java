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
package dev.sluice.demo;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.deadletters.DeadLetterLog;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.live.Audit;
import dev.sluice.demo.live.LiveFeed;
import dev.sluice.demo.live.LiveSection;
import dev.sluice.demo.load.LoadGenerator;
import dev.sluice.demo.loading.LoadingFlow;
import dev.sluice.demo.loading.LoadingWork;
import java.time.Clock;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/**
 * Puts baggage control together. What runs starts by phase: the audit rebuilds what is known (100),
 * the flow loads (200), the load generator may run (300), pictures are taken (400), and last the
 * web server takes requests. They stop in the reverse order, and the broker after all of them.
 */
@Configuration(proxyBeanMethods = false)
class AirportConfiguration {

  @Bean
  Clock clock() {
    return Clock.systemUTC();
  }

  @Bean
  Departures departures() {
    return Departures.ofTheWeek();
  }

  @Bean
  Timetable timetable(Departures departures, AirportProperties properties, Clock clock) {
    return new Timetable(departures, properties.compression(), clock);
  }

  @Bean
  Ledger ledger(Departures departures, AirportProperties properties, Clock clock) {
    return new Ledger(departures, properties.maxBags(), clock);
  }

  @Bean
  DeadLetterLog deadLetterLog() {
    return new DeadLetterLog();
  }

  @Bean(destroyMethod = "close")
  KafkaBackend kafka(AirportProperties properties) {
    return KafkaBackend.start(properties.dataDir().resolve("kafka"), properties.kafkaPort());
  }

  @Bean
  Audit audit(Ledger ledger, Departures departures, DeadLetterLog deadLetters, KafkaBackend kafka) {
    return new Audit(ledger, departures, deadLetters, kafka.reader());
  }

  @Bean
  BagIntake intake(Ledger ledger, KafkaBackend kafka, Clock clock) {
    return new BagIntake(
        ledger, Outbound.encoding(JacksonCodec.json(Bag.class), kafka.checkedIn()), clock);
  }

  @Bean
  LoadingFlow loadingFlow(
      Ledger ledger,
      Departures departures,
      KafkaBackend kafka,
      AirportProperties properties,
      Clock clock) {
    return new LoadingFlow(
        kafka.checkedIn(),
        kafka.loaded(),
        kafka.deadLetters(),
        new LoadingWork(
            ledger, departures, properties.shortestLoading(), properties.longestLoading(), clock),
        kafka.bootstrap(),
        properties.stopWithin());
  }

  @Bean
  LoadGenerator loadGenerator(
      BagIntake intake,
      KafkaBackend kafka,
      Ledger ledger,
      Departures departures,
      Timetable timetable) {
    return new LoadGenerator(intake, kafka.checkedIn(), ledger, departures, timetable);
  }

  @Bean
  LiveFeed liveFeed(
      Ledger ledger,
      Departures departures,
      Timetable timetable,
      DeadLetterLog deadLetters,
      LoadingFlow flow,
      LoadGenerator load,
      ObjectProvider<LiveSection> sections,
      JsonMapper json,
      Clock clock) {
    return LiveFeed.of(
        ledger,
        departures,
        timetable,
        deadLetters,
        flow,
        load::view,
        sections.orderedStream().toList(),
        json,
        clock);
  }
}
