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

import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresSpec;
import io.r2dbc.spi.ConnectionFactoryOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Mono;

/** The database of {@code sluice.postgres.url}, connected when the application starts. */
@AutoConfiguration(after = FlowsAutoConfiguration.class)
@ConditionalOnClass(PostgresDatabase.class)
@ConditionalOnProperty("sluice.postgres.url")
class PostgresAutoConfiguration implements DisposableBean {

  private static final Duration CLOSE = Duration.ofSeconds(30);
  private static final Duration PING = Duration.ofSeconds(5);

  private @Nullable PostgresDatabase made;

  @Bean(destroyMethod = "")
  @ConditionalOnMissingBean
  PostgresDatabase sluicePostgresDatabase(SluiceProperties properties) {
    SluiceProperties.Postgres postgres = properties.postgres();
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(options(postgres), spec(postgres))
                .block(postgres.connectTimeout()));
    made = database;
    return database;
  }

  /** Closes what was made here, and no database of the application's, when flows are drained. */
  @Override
  public void destroy() {
    PostgresDatabase database = made;
    if (database != null) {
      database.close().block(CLOSE);
    }
  }

  private static ConnectionFactoryOptions options(SluiceProperties.Postgres postgres) {
    ConnectionFactoryOptions.Builder options =
        ConnectionFactoryOptions.parse(Objects.requireNonNull(postgres.url())).mutate();
    if (postgres.username() != null) {
      options.option(ConnectionFactoryOptions.USER, postgres.username());
    }
    if (postgres.password() != null) {
      options.option(ConnectionFactoryOptions.PASSWORD, postgres.password());
    }
    return options.build();
  }

  private static UnaryOperator<PostgresSpec> spec(SluiceProperties.Postgres postgres) {
    return defaults -> {
      PostgresSpec spec = defaults.schema(postgres.schema()).migrate(postgres.migrate());
      Integer connections = postgres.connections();
      return connections == null ? spec : spec.connections(connections);
    };
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({ReactiveHealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
  @ConditionalOnEnabledHealthIndicator("sluice-postgres")
  static class Healthy {

    @Bean
    @ConditionalOnMissingBean(name = "sluicePostgresHealthIndicator")
    ReactiveHealthIndicator sluicePostgresHealthIndicator(PostgresDatabase database) {
      return () ->
          database
              .ping()
              .timeout(PING)
              .thenReturn(Health.up().build())
              .onErrorResume(error -> Mono.just(Health.down(error).build()));
    }
  }
}
