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
package dev.sluice.demo.chaos;

import dev.sluice.demo.backends.Backends;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.loading.Jams;
import dev.sluice.kafka.KafkaChannel;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactoryOptions;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Breaks things on purpose. */
@Configuration(proxyBeanMethods = false)
class ChaosConfiguration {

  @Bean
  Switches switches() {
    return new Switches();
  }

  @Bean
  Chaos chaos(
      Backends backends,
      Switches switches,
      Jams jams,
      KafkaChannel checkedIn,
      Timetable timetable,
      ObjectProvider<Breakable> others,
      @Value("${sluice.postgres.url}") String url,
      @Value("${sluice.postgres.username:}") String username,
      @Value("${sluice.postgres.password:}") String password) {
    ConnectionFactoryOptions.Builder database = ConnectionFactoryOptions.parse(url).mutate();
    if (!username.isEmpty()) {
      database.option(ConnectionFactoryOptions.USER, username);
    }
    if (!password.isEmpty()) {
      database.option(ConnectionFactoryOptions.PASSWORD, password);
    }
    return new Chaos(
        backends,
        switches,
        jams,
        new Connections(ConnectionFactories.get(database.build())),
        new Smudges(checkedIn, timetable),
        others::stream);
  }
}
