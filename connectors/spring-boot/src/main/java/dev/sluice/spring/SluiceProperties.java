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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What can be set.
 *
 * @param autoStart whether flows that are beans start with the application
 * @param stopTimeout how long deliveries that are out may take when a flow is drained, at shutdown
 *     or when it is paused
 * @param scale what the actuator's {@code sluice/scale} makes of the depth of the queues
 * @param kafka where Kafka is
 * @param postgres where PostgreSQL is
 * @param s3 where payloads are
 */
@ConfigurationProperties("sluice")
record SluiceProperties(
    @DefaultValue("true") boolean autoStart,
    @DefaultValue("20s") Duration stopTimeout,
    @DefaultValue Scale scale,
    @DefaultValue Kafka kafka,
    @DefaultValue Postgres postgres,
    @DefaultValue S3 s3) {

  SluiceProperties {
    Times.notNegative("sluice.stop-timeout", stopTimeout);
  }

  /**
   * How many instances of the application a depth asks for.
   *
   * @param messagesPerInstance how many waiting messages one instance is for, 1 or more
   * @param min the fewest instances, 0 or more
   * @param max the most instances
   */
  record Scale(
      @DefaultValue("1000") long messagesPerInstance,
      @DefaultValue("1") int min,
      @DefaultValue("10") int max) {

    Scale {
      if (messagesPerInstance < 1) {
        throw new IllegalArgumentException(
            "sluice.scale.messages-per-instance: " + messagesPerInstance + " (expected: >= 1)");
      }
      if (min < 0 || max < min) {
        throw new IllegalArgumentException(
            "sluice.scale.min, max: " + min + ", " + max + " (expected: 0 <= min <= max)");
      }
    }

    /** For so many waiting messages. */
    int instances(long depth) {
      long wanted = depth / messagesPerInstance + (depth % messagesPerInstance == 0 ? 0 : 1);
      return (int) Math.max(min, Math.min(max, wanted));
    }
  }

  /**
   * Kafka.
   *
   * @param bootstrapServers hosts and ports; without it no {@link KafkaChannels} is made
   * @param group the consumer group of channels that name none; defaults to the name of the
   *     application
   * @param properties any other properties of Kafka's clients: TLS, SASL
   */
  record Kafka(
      @Nullable String bootstrapServers,
      @Nullable String group,
      @DefaultValue Map<String, String> properties) {}

  /**
   * PostgreSQL.
   *
   * @param url an R2DBC URL; without it no {@code PostgresDatabase} is made
   * @param username who logs in, unless the URL says so
   * @param password the password, unless the URL says so
   * @param schema where the tables are
   * @param connections how many connections there are at most, 1 or more; unset is the default of
   *     {@code PostgresSpec}
   * @param migrate whether the tables are created and updated
   * @param connectTimeout how long the start of the application waits for the database
   */
  record Postgres(
      @Nullable String url,
      @Nullable String username,
      @Nullable String password,
      @DefaultValue("sluice") String schema,
      @Nullable Integer connections,
      @DefaultValue("true") boolean migrate,
      @DefaultValue("30s") Duration connectTimeout) {

    @Override
    public String toString() {
      return "Postgres[schema=" + schema + ", connections=" + connections + ']'; // no secret
    }
  }

  /**
   * S3.
   *
   * @param bucket where payloads are; without it no {@code S3PayloadStore} is made
   * @param name what the store is called in claims
   * @param prefix what the keys of payloads begin with
   */
  record S3(
      @Nullable String bucket,
      @DefaultValue("s3") String name,
      @DefaultValue("claims") String prefix) {}
}
