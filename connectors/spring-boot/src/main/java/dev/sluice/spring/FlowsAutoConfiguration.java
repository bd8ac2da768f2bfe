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
import dev.sluice.flow.RunnableFlow;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/** Starts and drains the flows that are beans, and lets every listener that is a bean hear them. */
@AutoConfiguration
@EnableConfigurationProperties(SluiceProperties.class)
class FlowsAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  Flows sluiceFlows(
      ObjectProvider<RunnableFlow> flows,
      ObjectProvider<FlowListener> listeners,
      SluiceProperties properties) {
    return new Flows(
        flows.orderedStream().toList(),
        properties,
        listeners.orderedStream().reduce(FlowListener::and).orElseGet(FlowListener::none));
  }
}
