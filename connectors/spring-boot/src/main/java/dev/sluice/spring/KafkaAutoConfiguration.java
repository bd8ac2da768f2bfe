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

import dev.sluice.kafka.KafkaChannel;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/** Channels on the Kafka of {@code sluice.kafka.bootstrap-servers}. */
@AutoConfiguration(after = FlowsAutoConfiguration.class)
@ConditionalOnClass(KafkaChannel.class)
@ConditionalOnProperty("sluice.kafka.bootstrap-servers")
class KafkaAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  KafkaChannels sluiceKafkaChannels(
      SluiceProperties properties, @Value("${spring.application.name:sluice}") String application) {
    return new KafkaChannels(properties.kafka(), application);
  }
}
