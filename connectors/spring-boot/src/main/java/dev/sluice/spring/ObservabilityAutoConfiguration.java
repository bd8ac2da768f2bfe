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
package dev.sluice.spring;

import dev.sluice.channel.FlowListener;
import dev.sluice.micrometer.SluiceMeters;
import dev.sluice.micrometer.SluiceObservations;
import dev.sluice.observe.Metered;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Meters and traces of flows, and meters of everything that is a bean and {@link Metered}. */
@AutoConfiguration(
    before = FlowsAutoConfiguration.class,
    afterName = {
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
      "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration"
    })
@ConditionalOnClass({SluiceMeters.class, MeterRegistry.class})
class ObservabilityAutoConfiguration {

  @Bean
  @ConditionalOnBean(MeterRegistry.class)
  FlowListener sluiceFlowMeters(MeterRegistry registry) {
    return SluiceMeters.flows(registry);
  }

  @Bean
  @ConditionalOnBean(ObservationRegistry.class)
  @ConditionalOnMissingBean
  SluiceObservations sluiceObservations(ObservationRegistry registry) {
    return SluiceObservations.of(registry);
  }

  @Bean
  @ConditionalOnBean(MeterRegistry.class)
  MeterBinder sluiceMeters(ObjectProvider<Metered> sources) {
    return SluiceMeters.of(sources.orderedStream().toArray(Metered[]::new));
  }
}
