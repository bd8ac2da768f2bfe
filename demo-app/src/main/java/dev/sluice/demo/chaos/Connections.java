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

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The connections of all instances to the database. */
final class Connections {

  private static final String KILL =
      """
      select count(pg_terminate_backend(pid)) from pg_stat_activity
      where application_name = 'sluice' and datname = current_database()
        and pid <> pg_backend_pid()
      """;

  private final ConnectionFactory database;

  /**
   * @param database makes connections of another application name than that of Sluice
   */
  Connections(ConnectionFactory database) {
    this.database = database;
  }

  /**
   * Ends them all, as a database that is restarted does.
   *
   * @return how many there were
   */
  Mono<Long> kill() {
    return Mono.usingWhen(
        database.create(),
        connection ->
            Flux.from(connection.createStatement(KILL).execute())
                .flatMap(result -> result.map(row -> row.get(0, Long.class)))
                .single(),
        Connection::close);
  }
}
