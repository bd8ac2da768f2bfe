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

import dev.sluice.contract.AggregationContract;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresAggregationStoreTest extends AggregationContract {

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
  protected AggregationStore store() {
    return PostgresAggregationStore.create(database);
  }

  @Override
  protected void awaitEnd(AggregationKey key) {
    String sql =
        database.sql(
            "select due_at <= clock_timestamp() from {schema}.sl_aggregation"
                + " where scope = $1 and key = $2");
    database
        .db()
        .run(
            "await the end of an aggregation",
            connection ->
                Db.rows(
                        connection
                            .createStatement(sql)
                            .bind("$1", key.scope())
                            .bind("$2", key.key()),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(ended -> ended)
                    .then())
        .block(Duration.ofSeconds(30));
  }
}
