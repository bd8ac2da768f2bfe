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
package dev.sluice.demo.customs;

import dev.sluice.codec.JacksonCodec;
import dev.sluice.demo.AirportProperties;
import dev.sluice.demo.chaos.Switches;
import dev.sluice.demo.xray.Xrays;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.requestreply.Replier;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts customs together: request and reply over queues in PostgreSQL. */
@Configuration(proxyBeanMethods = false)
class CustomsConfiguration {

  private static final String QUESTIONS = "customs.checks";
  private static final int OFFICERS = 8;

  @Bean
  Unanswered unanswered(PostgresDatabase database) {
    return new Unanswered(PostgresChannel.create(database, "customs.dead-letters"));
  }

  @Bean
  RunnableFlow customs(
      PostgresDatabase database,
      Unanswered unanswered,
      Xrays xrays,
      Switches switches,
      CustomsProperties properties) {
    Officer officer = new Officer(xrays, switches::isCustomsSlow, properties);
    return Flow.from(PostgresChannel.create(database, QUESTIONS))
        .named("customs")
        .deadLetter(unanswered)
        .replyWith(
            Replier.ofMessages(
                new ReplyQueues(database),
                JacksonCodec.json(Verdict.class),
                officer::look,
                s -> s.concurrency(OFFICERS)));
  }

  @Bean
  CustomsDesk customsDesk(
      PostgresDatabase database,
      AirportProperties airport,
      Unanswered unanswered,
      Xrays xrays,
      Switches switches,
      CustomsProperties properties,
      Clock clock) {
    return new CustomsDesk(
        PostgresChannel.create(database, QUESTIONS),
        ReplyQueues.of(database, airport.instance()),
        unanswered,
        xrays,
        switches::isCustomsSlow,
        properties,
        clock);
  }
}
