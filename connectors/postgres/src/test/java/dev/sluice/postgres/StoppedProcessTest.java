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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;

/** A process that is stopped for longer than its lease, and goes on as if nothing had happened. */
class StoppedProcessTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "x")
  void settlesTooLate(String group) throws IOException, InterruptedException {
    String schema = Server.freshSchema();
    PostgresDatabase database = Server.connect(p -> p.schema(schema));
    PostgresChannel channel = PostgresChannel.create(database, "orders");
    channel.send(Message.of("a".getBytes(StandardCharsets.UTF_8)).withGroup(group)).block(PATIENCE);
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                StoppedHolder.class.getName(),
                Server.postgres().r2dbcUrl(),
                schema)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader says = holder.inputReader()) {
      assertThat(says.readLine()).isEqualTo("taken");
      signal("STOP", holder);
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      Disposable consumer = channel.receive(ReceiveOptions.defaults()).subscribe(taken::add);
      PostgresChannelTest.await("it to come again", () -> !taken.isEmpty());
      Delivery<byte[]> again = taken.remove();
      assertThat(again.origin().attempt()).isEqualTo(2);

      signal("CONT", holder);
      holder.getOutputStream().write('\n');
      holder.getOutputStream().flush();
      assertThat(says.readLine()).isEqualTo("StaleDelivery");
      assertThat(again.settlement().isLost()).isFalse();
      again.settlement().settle(Outcome.ack());
      again.settlement().durable().block(PATIENCE);
      assertThat(channel.depth().block(PATIENCE)).isZero();
      assertThat(taken).isEmpty();
      consumer.dispose();
      PostgresChannelTest.await("the end", () -> channel.gauges().consumers() == 0);
    } finally {
      holder.destroyForcibly().waitFor();
      database.close().block(PATIENCE);
    }
  }

  private static void signal(String name, Process process)
      throws IOException, InterruptedException {
    assertThat(new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor())
        .as("kill -%s", name)
        .isZero();
  }
}
