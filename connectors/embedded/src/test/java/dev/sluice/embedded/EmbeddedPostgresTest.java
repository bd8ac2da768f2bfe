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
package dev.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedPostgresTest {

  @Nested
  class Data {

    @Test
    void surviveStopAndStartOnTheSamePort() throws Exception {
      try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start()) {
        int port = postgres.port();
        insertBags(postgres, 5);

        postgres.stop();
        postgres.start();

        assertThat(postgres.port()).isEqualTo(port);
        assertThat(countBags(postgres)).isEqualTo(5);
      }
    }

    @Test
    void surviveAKillWhenCommitted() throws Exception {
      try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start();
          Connection open = connect(postgres)) {
        insertBags(postgres, 5);
        open.setAutoCommit(false);
        execute(open, "insert into bag values (6)");

        postgres.kill();
        assertThatExceptionOfType(SQLException.class).isThrownBy(open::commit);
        postgres.start();

        assertThat(countBags(postgres)).isEqualTo(5);
      }
    }

    @Test
    void surviveANewServerOnAPersistentDirectory(@TempDir Path temp) throws Exception {
      Path data = temp.resolve("postgres");
      try (EmbeddedPostgres postgres =
          EmbeddedPostgres.create(s -> s.dataDirectory(data)).start()) {
        insertBags(postgres, 5);
      }
      assertThat(data).isDirectory();
      try (EmbeddedPostgres postgres =
          EmbeddedPostgres.create(s -> s.dataDirectory(data)).start()) {
        assertThat(countBags(postgres)).isEqualTo(5);
      }
    }

    @Test
    void areOnDiskAtCommitUnlessToldOtherwise() throws Exception {
      try (EmbeddedPostgres durable = EmbeddedPostgres.create().start();
          EmbeddedPostgres quick = EmbeddedPostgres.create(s -> s.durable(false)).start()) {
        assertThat(setting(durable, "fsync")).isEqualTo("on");
        assertThat(setting(durable, "synchronous_commit")).isEqualTo("on");
        assertThat(setting(quick, "fsync")).isEqualTo("off");
        assertThat(setting(quick, "synchronous_commit")).isEqualTo("off");
      }
    }
  }

  /** Another process that runs a server, as a demo does which is then killed. */
  public static final class OtherProcess {
    public static void main(String[] args) throws Exception {
      EmbeddedPostgres postgres =
          EmbeddedPostgres.create(s -> s.dataDirectory(Path.of(args[0]))).start();
      insertBags(postgres, 100);
      Files.createFile(Path.of(args[1]));
      Thread.currentThread().join();
    }
  }

  @Nested
  class AfterAKillOfItsJvm {

    @Test
    void theNextOneTakesTheOrphansPlace(@TempDir Path temp) throws Exception {
      Path data = temp.resolve("postgres");
      Path ready = temp.resolve("ready");
      Process other =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  OtherProcess.class.getName(),
                  data.toString(),
                  ready.toString())
              .inheritIO()
              .start();
      try (EmbeddedPostgres postgres = EmbeddedPostgres.create(s -> s.dataDirectory(data))) {
        awaitFile(other, ready);
        assertThatIllegalStateException()
            .isThrownBy(postgres::start)
            .withMessageContaining("is in use by another server");

        other.destroyForcibly().waitFor();
        postgres.start(); // on another port: the orphan does not stand in the way

        assertThat(countBags(postgres)).isEqualTo(100);
      } finally {
        other.destroyForcibly();
      }
    }

    private void awaitFile(Process process, Path file) throws Exception {
      Instant deadline = Instant.now().plus(Duration.ofSeconds(60));
      while (!Files.exists(file)) {
        assertThat(process.waitFor(50, TimeUnit.MILLISECONDS))
            .as("the other process ended")
            .isFalse();
        assertThat(Instant.now()).isBefore(deadline);
      }
    }

    @Test
    void anInterruptedInitialisationIsDoneAgain(@TempDir Path temp) throws Exception {
      Path half = Files.createDirectories(temp.resolve("cluster"));
      Files.createFile(half.resolve("postgresql.conf"));
      try (EmbeddedPostgres postgres =
          EmbeddedPostgres.create(s -> s.dataDirectory(temp)).start()) {
        insertBags(postgres, 1);
        assertThat(countBags(postgres)).isEqualTo(1);
      }
    }

    @Test
    void aPidThatIsSomebodyElsesNowIsLeftAlone(@TempDir Path temp) throws Exception {
      try (EmbeddedPostgres postgres = EmbeddedPostgres.create(s -> s.dataDirectory(temp))) {
        postgres.start();
        insertBags(postgres, 1);
        postgres.stop();
        Process somebody = new ProcessBuilder("sleep", "60").start();
        try {
          Files.writeString(
              temp.resolve("cluster").resolve("postmaster.pid"), somebody.pid() + "\n");
          postgres.start();
          assertThat(somebody.isAlive()).isTrue();
          assertThat(countBags(postgres)).isEqualTo(1);
        } finally {
          somebody.destroyForcibly();
        }
      }
    }
  }

  @Nested
  class Directory {

    @Test
    void isDeletedByCloseWhenTemporary() {
      EmbeddedPostgres postgres = EmbeddedPostgres.create().start();
      Path data = postgres.dataDirectory();
      assertThat(data).isNotEmptyDirectory();
      postgres.close();
      assertThat(Files.exists(data)).isFalse();
    }

    @Test
    void isUsedByOneServerAtATime(@TempDir Path directory) {
      try (EmbeddedPostgres first =
              EmbeddedPostgres.create(s -> s.dataDirectory(directory)).start();
          EmbeddedPostgres second = EmbeddedPostgres.create(s -> s.dataDirectory(directory))) {
        assertThatIllegalStateException()
            .isThrownBy(second::start)
            .withMessage(
                "data directory: %s is in use by another server (expected: used by one)",
                first.dataDirectory());
        first.stop();
        second.start();
      }
    }
  }

  @Nested
  class Misuse {

    @Test
    void namesThePortThatIsInUse() throws Exception {
      try (ServerSocket taken =
              new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
          EmbeddedPostgres postgres = EmbeddedPostgres.create(s -> s.port(taken.getLocalPort()))) {
        assertThatIllegalStateException()
            .isThrownBy(postgres::start)
            .withMessage(
                "port: %s is in use on 127.0.0.1 (expected: a free one)", taken.getLocalPort());
      }
    }

    @Test
    void isToldWithTheValueAndWhatWasExpected() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> EmbeddedPostgres.create(s -> s.port(65_536)))
          .withMessage("port: 65536 (expected: 0..65535)");
      EmbeddedPostgres postgres = EmbeddedPostgres.create();
      assertThatIllegalStateException()
          .isThrownBy(postgres::r2dbcUrl)
          .withMessage("embedded PostgreSQL: never started (expected: started once)");
      postgres.close();
      assertThatIllegalStateException()
          .isThrownBy(postgres::start)
          .withMessage("embedded PostgreSQL: closed (expected: not closed yet)");
    }

    @Test
    void startingOrStoppingTwiceDoesNothing() throws Exception {
      try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start().start()) {
        insertBags(postgres, 1);
        postgres.stop();
        postgres.stop();
        postgres.start();
        assertThat(postgres.r2dbcUrl())
            .isEqualTo("r2dbc:postgresql://postgres@127.0.0.1:" + postgres.port() + "/postgres");
      }
    }
  }

  private static void insertBags(EmbeddedPostgres postgres, int count) throws SQLException {
    try (Connection connection = connect(postgres)) {
      execute(connection, "create table bag(id int primary key)");
      execute(connection, "insert into bag select generate_series(1, " + count + ')');
    }
  }

  private static int countBags(EmbeddedPostgres postgres) throws SQLException {
    return Integer.parseInt(one(postgres, "select count(*)::text from bag"));
  }

  private static String setting(EmbeddedPostgres postgres, String name) throws SQLException {
    return one(postgres, "select current_setting('" + name + "')");
  }

  private static String one(EmbeddedPostgres postgres, String sql) throws SQLException {
    try (Connection connection = connect(postgres);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      assertThat(result.next()).isTrue();
      return result.getString(1);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static Connection connect(EmbeddedPostgres postgres) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:"
            + postgres.port()
            + '/'
            + EmbeddedPostgres.DATABASE
            + "?user="
            + EmbeddedPostgres.USERNAME);
  }
}
