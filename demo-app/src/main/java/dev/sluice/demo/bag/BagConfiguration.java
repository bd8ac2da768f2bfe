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
package dev.sluice.demo.bag;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.kafka.KafkaChannel;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Checks bags in. */
@Configuration(proxyBeanMethods = false)
class BagConfiguration {

  @Bean
  BagIntake intake(Ledger ledger, KafkaChannel checkedIn, Clock clock) {
    return new BagIntake(ledger, Outbound.encoding(JacksonCodec.json(Bag.class), checkedIn), clock);
  }
}
