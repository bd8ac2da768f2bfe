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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;

class WakeupsTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String schema = Server.freshSchema();
  private final PostgresDatabase here = Server.connect(p -> p.schema(schema));
  private final PostgresDatabase there = Server.connect(p -> p.schema(schema));
  private final PostgresDatabase elsewhere = Server.connect(p -> p.schema(Server.freshSchema()));
  private final AtomicInteger woken = new AtomicInteger();

  @AfterEach
  void close() {
    here.close().block(PATIENCE);
    there.close().block(PATIENCE);
    elsewhere.close().block(PATIENCE);
  }

  @Test
  void comeFromOtherProcesses() {
    listen();
    hint(there);
  }

  @Test
  void areForOneQueueOfOneSchema() {
    listen();
    there.wakeups().hint("other").block(PATIENCE);
    elsewhere.wakeups().hint("orders").block(PATIENCE);
    hint(there); // the only one of the three
  }

  @Test
  void comeAgainAfterTheConnectionWasLostAndMakeUpForWhatWasMissed() {
    listen();
    for (int round = 0; round < 5; round++) {
      int before = woken.get();
      killListener();
      PostgresChannelTest.await("it to listen again", () -> woken.get() > before);
      hint(there);
    }
  }

  @Test
  void endWithTheirReceiver() {
    Disposable receiver = listen();
    receiver.dispose();
    AtomicInteger other = new AtomicInteger();
    here.wakeups().onHint("orders", other::incrementAndGet);
    int before = woken.get();
    there.wakeups().hint("orders").block(PATIENCE);
    PostgresChannelTest.await("the hint", () -> other.get() == 1);
    assertThat(woken).hasValue(before);
  }

  /** Returns when it listens, which is a hint too. */
  private Disposable listen() {
    Disposable receiver = here.wakeups().onHint("orders", woken::incrementAndGet);
    PostgresChannelTest.await("it to listen", () -> woken.get() == 1);
    return receiver;
  }

  private void hint(PostgresDatabase from) {
    int before = woken.get();
    from.wakeups().hint("orders").block(PATIENCE);
    PostgresChannelTest.await("the hint", () -> woken.get() > before);
    assertThat(woken).hasValue(before + 1);
  }

  private void killListener() {
    there
        .db()
        .run(
            "test",
            connection ->
                Db.count(
                    connection.createStatement(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                            + " where application_name = 'sluice' and query = 'listen sluice'")))
        .block(PATIENCE);
  }
}
