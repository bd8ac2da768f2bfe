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
package dev.sluice.demo.rebooking;

import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresSagaLog;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts rebookings together: a saga with its journal in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class RebookingConfiguration {

  @Bean
  Partners partners(RebookingProperties properties) {
    return new Partners(properties.partnersTake());
  }

  @Bean
  RebookingDesk rebookingDesk(PostgresDatabase database, Partners partners, Clock clock) {
    return new RebookingDesk(PostgresSagaLog.create(database), partners, clock);
  }

  @Bean
  RebookingSection rebookingSection(RebookingDesk desk, Partners partners) {
    return new RebookingSection(desk, partners);
  }
}
