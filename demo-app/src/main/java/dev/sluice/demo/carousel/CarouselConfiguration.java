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
package dev.sluice.demo.carousel;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.demo.flight.Departures;
import dev.sluice.flow.Flow;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresDeadLetters;
import dev.sluice.spring.Flows;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts the carousels together: a queue in PostgreSQL, a table, and dead letters. */
@Configuration(proxyBeanMethods = false)
class CarouselConfiguration {

  private static final JacksonCodec<LandedBag> CODEC = JacksonCodec.json(LandedBag.class);

  @Bean
  PostgresChannel landedBags(PostgresDatabase database) {
    return PostgresChannel.create(database, "bags.landed");
  }

  @Bean
  Carousels carousels(ObjectProvider<Flows> flows) {
    return new Carousels(flows);
  }

  @Bean
  RunnableFlow carouselRouting(
      PostgresChannel landedBags, Carousels carousels, PostgresDeadLetters deadLetters) {
    return Flow.from(landedBags)
        .named(Carousels.ROUTING)
        .decode(CODEC)
        .deadLetter(DeadLettering.into("dead letters of carousels", deadLetters))
        .to(carousels.router());
  }

  @Bean
  Hold hold(PostgresChannel landedBags, Departures departures) {
    return new Hold(Outbound.encoding(CODEC, landedBags), departures);
  }
}
