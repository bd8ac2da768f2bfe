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
package dev.sluice.demo.load;

import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.kafka.KafkaChannel;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Brings passengers. */
@Configuration(proxyBeanMethods = false)
class LoadConfiguration {

  @Bean
  LoadGenerator loadGenerator(
      BagIntake intake,
      KafkaChannel checkedIn,
      Ledger ledger,
      Departures departures,
      Timetable timetable) {
    return new LoadGenerator(intake, checkedIn, ledger, departures, timetable);
  }
}
