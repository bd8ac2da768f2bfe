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
package dev.sluice.demo.backends;

import java.nio.file.Path;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where the embedded Kafka, PostgreSQL and S3 are, under {@code demo}. A port that somebody else
 * has is replaced by a free one.
 *
 * @param dataDir where they keep their data, each in a directory of its own; what is there is taken
 *     up at the next start
 * @param kafkaPort the port of Kafka on 127.0.0.1, 0 for a free one
 * @param postgresPort the port of PostgreSQL on 127.0.0.1, 0 for a free one
 * @param s3Port the port of S3 on 127.0.0.1, 0 for a free one
 */
@ConfigurationProperties("demo")
record BackendsProperties(
    @DefaultValue("data") Path dataDir,
    @DefaultValue("19092") int kafkaPort,
    @DefaultValue("15432") int postgresPort,
    @DefaultValue("19000") int s3Port) {

  BackendsProperties {
    require("kafka-port", kafkaPort);
    require("postgres-port", postgresPort);
    require("s3-port", s3Port);
  }

  private static void require(String name, int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("demo." + name + ": " + port + " (expected: 0..65535)");
    }
  }
}
