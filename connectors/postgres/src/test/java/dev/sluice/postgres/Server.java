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
package dev.sluice.postgres;

import dev.sluice.embedded.EmbeddedPostgres;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.function.UnaryOperator;

/** One server for all tests of a run; every database of a test has a schema of its own. */
final class Server {

  private static final EmbeddedPostgres POSTGRES = EmbeddedPostgres.create().start();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(POSTGRES::close));
  }

  private Server() {}

  static EmbeddedPostgres postgres() {
    return POSTGRES;
  }

  static String freshSchema() {
    return "t_" + UUID.randomUUID().toString().replace('-', '_');
  }

  static PostgresDatabase connect(UnaryOperator<PostgresSpec> spec) {
    Duration patience = Duration.ofSeconds(60); // a busy machine is not what is tested
    return Objects.requireNonNull(
        PostgresDatabase.connect(POSTGRES.r2dbcUrl(), p -> spec.apply(p.acquireTimeout(patience)))
            .block(patience));
  }
}
