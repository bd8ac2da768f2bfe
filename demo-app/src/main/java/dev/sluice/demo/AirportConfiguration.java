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

import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * What all sections of baggage control share; each section is put together in its own package.
 *
 * <p>What runs starts by phase: the audit rebuilds what is known (100), the load generator may run
 * (300), pictures are taken (400), the web server takes requests, and last the flows of the starter
 * run. They stop in the reverse order, and the backends after all of them.
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
}
