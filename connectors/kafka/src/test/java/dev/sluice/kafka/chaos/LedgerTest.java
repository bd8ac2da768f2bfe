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
package dev.sluice.kafka.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kafka.chaos.Flight.Fate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.test.util.RaceTestUtils;

/** What one member writes, another process reads, also when the writer is no more. */
class LedgerTest {

  @TempDir Path directory;

  private Ledger ledger;
  private Ledger.Reader reader;

  @BeforeEach
  void open() {
    ledger = Ledger.create(directory.resolve("ledger"));
    reader = new Ledger.Reader("a", directory.resolve("ledger"));
  }

  private static Work work(int key, int seq) {
    return new Work(key, seq, 5, 3, 1_000_000_000_000L + seq, 7);
  }

  @Test
  void keepsWhatHappened() {
    Ledger.Run first = ledger.begin(work(1, 0));
    Ledger.Run other = ledger.begin(work(2, 9));
    first.failed();
    other.done();
    ledger.begin(work(1, 0)).cancelled();
    ledger.begin(work(1, 1));

    assertThat(reader.flights())
        .extracting(Flight::key, Flight::seq, Flight::fate)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(1, 0, Fate.FAILED),
            org.assertj.core.groups.Tuple.tuple(2, 9, Fate.DONE),
            org.assertj.core.groups.Tuple.tuple(1, 0, Fate.CANCELLED),
            org.assertj.core.groups.Tuple.tuple(1, 1, Fate.OPEN));
    assertThat(reader.flights())
        .allSatisfy(
            flight -> {
              assertThat(flight.book()).isEqualTo("a");
              assertThat(flight.partition()).isEqualTo(3);
              assertThat(flight.offset()).isEqualTo(1_000_000_000_000L + flight.seq());
              assertThat(flight.epoch()).isEqualTo(7);
              assertThat(flight.begin()).isLessThanOrEqualTo(flight.end());
            });
  }

  @Test
  void anEndHappensOnce() {
    for (int i = 0; i < 500; i++) {
      Ledger.Run run = ledger.begin(work(1, i));
      RaceTestUtils.race(run::done, run::cancelled);
    }
    List<Long> done = new ArrayList<>();
    reader.poll(done::add);
    assertThat(reader.flights()).hasSize(500);
    assertThat(reader.flights().stream().filter(Flight::isDone)).hasSize(done.size());
  }

  @Test
  void canBeFollowed() {
    List<Long> done = new ArrayList<>();
    ledger.begin(work(1, 0)).done();
    reader.poll(done::add);
    ledger.begin(work(1, 1)).failed();
    ledger.begin(work(1, 2)).done();
    reader.poll(done::add);
    reader.poll(done::add);
    assertThat(done).containsExactly(1L << 32, 1L << 32 | 2);
  }

  /** A writer that was killed in the middle of an entry, while others wrote theirs. */
  @Test
  void whatWasTornHidesNothingOnceTheWriterIsDead() throws IOException {
    ledger.begin(work(1, 0)).done();
    Ledger.Run torn = ledger.begin(work(2, 0));
    ledger.begin(work(1, 1)).done();
    tear(directory.resolve("ledger"), torn);
    ledger.begin(work(1, 2)).done();
    List<Long> done = new ArrayList<>();
    reader.poll(done::add);
    assertThat(done).as("it could still be written").containsExactly(1L << 32);
    reader.pollLast(done::add);
    reader.pollLast(done::add);
    assertThat(done).containsExactly(1L << 32, 1L << 32 | 1, 1L << 32 | 2);
    assertThat(reader.flights()).hasSize(3).allMatch(Flight::isDone);
  }

  private static void tear(Path file, Ledger.Run run) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(Integer.BYTES), run.entry());
    }
  }

  @Test
  void twoThreadsDoNotWriteOverEachOther() {
    RaceTestUtils.race(
        () -> {
          for (int i = 0; i < 5_000; i++) {
            ledger.begin(work(1, i)).done();
          }
        },
        () -> {
          for (int i = 0; i < 5_000; i++) {
            ledger.begin(work(2, i)).done();
          }
        });
    assertThat(reader.flights()).hasSize(10_000).allMatch(Flight::isDone);
    assertThat(reader.flights().stream().filter(f -> f.key() == 1).map(Flight::seq))
        .isSorted()
        .hasSize(5_000);
  }
}
