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
package dev.sluice.demo.deadletters;

import dev.sluice.channel.Channel;
import dev.sluice.deadletter.DeadLetterReviewer;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.demo.Topics;
import dev.sluice.demo.backends.Broker;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresDeadLetters;
import dev.sluice.spring.KafkaChannels;
import java.time.Clock;
import java.time.Duration;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.scheduler.Schedulers;

/** Keeps what cannot be loaded, reminds of it, and sends it back. */
@Configuration(proxyBeanMethods = false)
class DeadLettersConfiguration {

  private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration REVIEW_EVERY = Duration.ofSeconds(30);
  private static final Duration OVERDUE_AFTER = Duration.ofMinutes(30);

  @Bean
  PostgresDeadLetters deadLetterStore(PostgresDatabase database) {
    return PostgresDeadLetters.create(database);
  }

  @Bean
  KafkaOutbound deadLetterTopic(KafkaChannels kafka, Broker broker) {
    return kafka.outbound(
        broker.ensure(Topics.DEAD_LETTERS, 1), topic -> topic.deliveryTimeout(DELIVERY_TIMEOUT));
  }

  @Bean
  DeadLetterTarget deadLetters(KafkaOutbound deadLetterTopic, PostgresDeadLetters store) {
    return new DeadLetterTarget(
        deadLetterTopic, DeadLettering.into(Topics.DEAD_LETTERS + " in PostgreSQL", store));
  }

  @Bean(destroyMethod = "dispose")
  DeadLetterReviewer deadLetterReviewer(PostgresDeadLetters store) {
    return DeadLettering.reviewer(store, REVIEW_EVERY, OVERDUE_AFTER, Schedulers.parallel());
  }

  @Bean
  DeadLetterLog deadLetterLog(PostgresDeadLetters store) {
    return new DeadLetterLog(store);
  }

  @Bean
  BagRepair bagRepair(Ledger ledger, Departures departures, Clock clock) {
    return new BagRepair(ledger, departures, clock);
  }

  /** Each channel that is a bean can be sent back to. */
  @Bean
  DeadLetterDesk deadLetterDesk(
      PostgresDeadLetters store, ObjectProvider<Channel> channels, BagRepair repair) {
    return new DeadLetterDesk(
        store,
        name ->
            channels.stream()
                .filter(channel -> channel.name().equals(name))
                .findAny()
                .orElseThrow(() -> new IllegalStateException("no channel is called " + name)),
        repair);
  }
}
