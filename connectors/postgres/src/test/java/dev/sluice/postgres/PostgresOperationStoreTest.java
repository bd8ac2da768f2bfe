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

import dev.sluice.contract.OperationContract;
import dev.sluice.store.OperationStore;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresOperationStoreTest extends OperationContract {

  private static PostgresDatabase database;
  private static PostgresOperationStore store;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
    store = PostgresOperationStore.create(database);
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected OperationStore store() {
    return store;
  }

  @Override
  protected void pass(Duration time) {
    database
        .db()
        .run(
            "let time pass",
            connection ->
                Db.rows(
                        connection
                            .createStatement("select pg_sleep($1)::text")
                            .bind("$1", time.toNanos() / 1e9),
                        row -> true)
                    .then())
        .block(Duration.ofSeconds(30));
  }
}
