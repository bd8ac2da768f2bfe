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

import dev.sluice.contract.ParkingLotContract;
import dev.sluice.store.ParkingLot;
import dev.sluice.store.ParkingLot.Claim;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresParkingLotTest extends ParkingLotContract {

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
  protected ParkingLot store() {
    return PostgresParkingLot.create(database);
  }

  @Override
  protected void awaitEnd(Claim claim) {
    String sql =
        "select claimed_until <= statement_timestamp() from {schema}.sl_parked_group"
            + " where flow = $1 and grp = $2";
    database
        .db()
        .run(
            "await",
            connection ->
                Db.rows(
                        connection
                            .createStatement(database.sql(sql))
                            .bind("$1", claim.flow())
                            .bind("$2", claim.group()),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(over -> over)
                    .then())
        .block(Duration.ofSeconds(30));
  }
}
