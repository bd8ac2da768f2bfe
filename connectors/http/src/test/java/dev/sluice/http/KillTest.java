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
package dev.sluice.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresOperationStore;
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The server is killed as soon as it has answered 202, and nothing of what it has accepted is lost.
 */
class KillTest {

  private static final int CLIENTS = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final HttpClient client = HttpClient.newHttpClient();

  @Test
  void losesNothingThatItHasAccepted() throws Exception {
    kill(3);
  }

  /** {@code -Dhttp.kills=100} */
  @Test
  @Tag("soak")
  void losesNothingHoweverOftenItIsKilled() throws Exception {
    kill(Integer.getInteger("http.kills", 100));
  }

  private void kill(int times) throws Exception {
    try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start()) {
      PostgresDatabase database =
          Objects.requireNonNull(
              PostgresDatabase.connect(
                      postgres.r2dbcUrl(),
                      p -> p.schema("kills").acquireTimeout(Duration.ofSeconds(60)))
                  .block(PATIENCE));
      Map<String, String> accepted = new ConcurrentHashMap<>();
      for (int i = 0; i < times; i++) {
        killOnce(postgres.r2dbcUrl(), i, accepted);
      }
      assertThat(accepted).hasSizeGreaterThanOrEqualTo(times);
      AsyncOperations.Working working = KilledServer.operations(database).start();
      PostgresOperationStore store = PostgresOperationStore.create(database);
      accepted.forEach(
          (id, request) -> {
            Await.until(
                id + " to end", () -> store.find(id).map(Operation::isOver).block(PATIENCE));
            assertThat(store.find(id).block(PATIENCE).ending())
                .isInstanceOfSatisfying(
                    Ending.Result.class,
                    result ->
                        assertThat(new String(result.content().bytes(), UTF_8)).isEqualTo(request));
          });
      working.stop(Duration.ofSeconds(1)).block(PATIENCE);
      database.close().block(PATIENCE);
    }
  }

  /** Asks from several threads until it is killed, right after the first answers. */
  private void killOnce(String url, int round, Map<String, String> accepted) throws Exception {
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                KilledServer.class.getName(),
                url,
                "kills")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    AtomicInteger answers = new AtomicInteger();
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      URI uri = URI.create("http://127.0.0.1:" + port(process.inputReader(UTF_8)) + "/claims");
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        clients.execute(
            () -> {
              for (int j = 0; ask(uri, round + "-" + number + "-" + j, accepted); j++) {
                answers.incrementAndGet();
              }
            });
      }
      int enough = 1 + round % 7; // the first answer, or in the middle of many
      Await.until("an answer", () -> answers.get() >= enough || !process.isAlive());
      assertThat(process.isAlive()).isTrue();
      process.destroyForcibly();
    } finally {
      process.destroyForcibly();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      clients.shutdown();
      assertThat(clients.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static int port(BufferedReader output) throws IOException {
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith("port ")) {
        return Integer.parseInt(line.substring(5));
      }
    }
    throw new AssertionError("the server has ended before it listened");
  }

  /** Whether it was accepted; not when the server is dead. */
  private boolean ask(URI uri, String what, Map<String, String> accepted) {
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(uri)
                  .timeout(PATIENCE)
                  .POST(HttpRequest.BodyPublishers.ofString(what))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 202) {
        return false;
      }
      String location = Objects.requireNonNull(Site.header(response, "Location"));
      accepted.put(location.substring(location.lastIndexOf('/') + 1), what);
      return true;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
