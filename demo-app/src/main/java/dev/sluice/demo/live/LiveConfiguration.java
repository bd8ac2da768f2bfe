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
package dev.sluice.demo.live;

import dev.sluice.demo.backends.Broker;
import dev.sluice.demo.deadletters.DeadLetterLog;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.load.LoadGenerator;
import java.time.Clock;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/** Watches that nothing is lost, and shows it. */
@Configuration(proxyBeanMethods = false)
class LiveConfiguration {

  @Bean
  Audit audit(Ledger ledger, Departures departures, Broker broker) {
    return new Audit(ledger, departures, broker.reader());
  }

  @Bean
  LiveFeed liveFeed(
      Ledger ledger,
      Departures departures,
      Timetable timetable,
      DeadLetterLog deadLetters,
      LoadingGauges gauges,
      LoadGenerator load,
      ObjectProvider<LiveSection> sections,
      JsonMapper json,
      Clock clock) {
    return LiveFeed.of(
        ledger,
        departures,
        timetable,
        deadLetters,
        gauges,
        load::view,
        sections.orderedStream().toList(),
        json,
        clock);
  }
}
