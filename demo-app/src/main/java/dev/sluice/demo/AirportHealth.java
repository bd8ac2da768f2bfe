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

import dev.sluice.demo.live.Audit;
import dev.sluice.demo.live.Frame;
import dev.sluice.demo.live.LoadingGauges;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the health endpoint tells of baggage control, beside flows and database. */
@Configuration(proxyBeanMethods = false)
class AirportHealth {

  /** The broker answers. */
  @Bean
  HealthIndicator brokerHealthIndicator(LoadingGauges loading) {
    return () -> {
      Frame.Kafka kafka = loading.kafka();
      return (kafka.up() ? Health.up() : Health.down())
          .withDetail("bootstrap", kafka.bootstrap())
          .withDetail("waiting", kafka.waiting())
          .build();
    };
  }

  /** The ledger is complete and follows the topics. */
  @Bean
  HealthIndicator auditHealthIndicator(Audit audit) {
    return () -> {
      Throwable failure = audit.failure();
      return (failure == null
              ? Health.status(audit.isRunning() ? "UP" : "OUT_OF_SERVICE")
              : Health.down().withDetail("failure", failure.toString()))
          .withDetail("records", audit.records())
          .build();
    };
  }
}
