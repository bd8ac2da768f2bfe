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
import dev.sluice.demo.loading.LoadingFlow;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the health endpoint tells of baggage control. */
@Configuration(proxyBeanMethods = false)
class AirportHealth {

  /** The loading flow runs. */
  @Bean
  HealthIndicator flowHealthIndicator(LoadingFlow flow) {
    return () -> {
      Frame.Flow state = flow.flow();
      return (state.up() ? Health.up() : Health.down())
          .withDetail("state", state.state())
          .withDetail("admitted", flow.convoy().admitted())
          .build();
    };
  }

  /** The broker answers. */
  @Bean
  HealthIndicator brokerHealthIndicator(LoadingFlow flow) {
    return () -> {
      Frame.Kafka kafka = flow.kafka();
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
      return failure == null
          ? Health.status(audit.isRunning() ? "UP" : "OUT_OF_SERVICE").build()
          : Health.down().withDetail("failure", failure.toString()).build();
    };
  }
}
