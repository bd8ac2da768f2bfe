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

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.gather.DurableGather;
import dev.sluice.message.Message;
import dev.sluice.requestreply.Replier;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Gathers over queues of the database, with what has come in the database as well. */
@Timeout(120)
class PostgresDurableGatherTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final List<String> ASKED = List.of("north", "south", "east");

  private final String schema = Server.freshSchema();
  private final Queue<Message<byte[]>> received = new ConcurrentLinkedQueue<>();
  private PostgresDatabase first;
  private PostgresDatabase second;
  private Disposable receiver;

  @BeforeEach
  void connect() {
    first = Server.connect(p -> p.schema(schema).connections(4));
    second = Server.connect(p -> p.schema(schema).connections(4));
    receiver =
        channel(second, "results")
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  received.add(delivery.message());
                  delivery.settlement().settle(Outcome.ack());
                });
  }

  @AfterEach
  void close() {
    receiver.dispose();
    first.close().onErrorComplete().block(PATIENCE);
    second.close().block(PATIENCE);
  }

  private static PostgresChannel channel(PostgresDatabase database, String name) {
    return PostgresChannel.create(database, name);
  }

  private static DurableGather<String, String> gather(PostgresDatabase database) {
    return DurableGather.over(
        "quotes",
        PostgresAggregationStore.create(database),
        ASKED.stream().map(name -> channel(database, name)).toList(),
        "replies",
        StringCodec.utf8(),
        (request, all) -> String.join("+", all.answers()),
        Outbound.encoding(StringCodec.utf8(), channel(database, "results")),
        s -> s.within(Duration.ofMinutes(1)));
  }

  private static FlowHandle gathering(
      PostgresDatabase database, DurableGather<String, String> gather) {
    return Flow.from(channel(database, "replies"))
        .lease(Duration.ofSeconds(2))
        .deadLetter(channel(database, "dead"))
        .gatherWith(gather)
        .start();
  }

  private FlowHandle answering(String name) {
    return Flow.from(channel(second, name))
        .deadLetter(channel(second, "dead"))
        .decode(StringCodec.utf8())
        .replyWith(
            Replier.<String, String>replier(
                Replier.among(List.of(channel(second, "replies"))),
                StringCodec.utf8(),
                question -> Mono.just(question + " " + name.charAt(0)),
                s -> s))
        .start();
  }

  /** The first loses its connections after the first replies, as when its process is killed. */
  @Test
  void outliveWhoGathers() {
    DurableGather<String, String> dying = gather(first);
    FlowHandle its = gathering(first, dying);
    List<Message<byte[]>> trips =
        IntStream.range(0, 20)
            .mapToObj(i -> Message.of(("trip " + i).getBytes(StandardCharsets.UTF_8)))
            .toList();
    Flux.fromIterable(trips).flatMap(dying::scatter, 4).blockLast(PATIENCE);
    FlowHandle north = answering("north");
    PostgresChannelTest.await("some replies", () -> its.stats().acknowledged() >= 5);
    first.close().onErrorComplete().block(PATIENCE);
    its.stop(Duration.ZERO).subscribe();

    FlowHandle others = gathering(second, gather(second));
    Stream<FlowHandle> answers = Stream.of(north, answering("south"), answering("east"));
    PostgresChannelTest.await("all results", () -> received.size() >= trips.size());
    assertThat(received)
        .extracting(message -> new String(message.payload(), StandardCharsets.UTF_8))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 20)
                .mapToObj(i -> Stream.of("n", "s", "e").map(a -> "trip " + i + " " + a))
                .map(all -> String.join("+", all.toList()))
                .toList());
    Stream.concat(answers, Stream.of(others))
        .forEach(flow -> flow.stop(Duration.ofSeconds(5)).block(PATIENCE));
  }
}
