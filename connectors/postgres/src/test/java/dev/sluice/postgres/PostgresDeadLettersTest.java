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

import dev.sluice.contract.DeadLettersContract;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.DeadLetters.Claimed;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresDeadLettersTest extends DeadLettersContract {

  private static PostgresDatabase database;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(10));
  }

  @Override
  protected DeadLetters store() {
    return PostgresDeadLetters.create(database);
  }

  @Override
  protected void awaitAge(String id, Duration age) {
    await(
        "select added_at <= statement_timestamp() - $2 * interval '1 microsecond'"
            + " from {schema}.sl_dead_letter where id = $1",
        id,
        age);
  }

  @Override
  protected void awaitEnd(Claimed claimed) {
    await(
        "select claimed_until <= statement_timestamp() - $2 * interval '1 microsecond'"
            + " from {schema}.sl_dead_letter where id = $1",
        claimed.letter().id(),
        Duration.ZERO);
  }

  private static void await(String sql, String id, Duration age) {
    database
        .db()
        .run(
            "await",
            connection ->
                Db.rows(
                        connection
                            .createStatement(database.sql(sql))
                            .bind("$1", Long.parseLong(id))
                            .bind("$2", Micros.of(age)),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(over -> over)
                    .then())
        .block(Duration.ofSeconds(10));
  }
}
