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

import dev.sluice.contract.SagaLogContract;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresSagaLogTest extends SagaLogContract {

  private static PostgresDatabase database;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected SagaLog log() {
    return PostgresSagaLog.create(database);
  }

  @Override
  protected void awaitEnd(SagaKey key) {
    await("select until <= statement_timestamp()", key);
  }

  @Override
  protected void awaitAge(SagaKey key, Duration age) {
    await(
        "select changed_at <= statement_timestamp() - "
            + Micros.of(age)
            + " * interval '1 microsecond'",
        key);
  }

  private static void await(String condition, SagaKey key) {
    String sql = database.sql(condition + " from {schema}.sl_saga where saga = $1 and id = $2");
    database
        .db()
        .run(
            "await",
            connection ->
                Db.rows(
                        connection.createStatement(sql).bind("$1", key.saga()).bind("$2", key.id()),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(over -> over)
                    .then())
        .block(Duration.ofSeconds(30));
  }
}
