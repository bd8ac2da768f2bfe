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
package dev.sluice.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/aggregate.md. */
class AggregatePageTest {

  private final TestChannel readings = TestChannel.create("readings");
  private final TestChannel deadLetters = TestChannel.create("dead letters");
  private final ConcurrentLinkedQueue<List<String>> stored = new ConcurrentLinkedQueue<>();

  private Mono<Void> store(List<String> list) {
    return Mono.fromRunnable(() -> stored.add(list));
  }

  private static void stop(FlowHandle handle) {
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
  }

  @Test
  void collectsWhatIsStoredTogether() {
    // #region aggregate
    FlowHandle handle =
        Flow.from(readings)
            .named("store readings")
            .decode(StringCodec.utf8())
            .aggregate(500, Duration.ofSeconds(2)) // a list when there are 500, or after 2 s
            .groupedConvoy(list -> null, list -> store(list)) // several lists at once, in any order
            .deadLetter(deadLetters)
            .start();
    // #endregion
    readings.offer("first", "second");
    stop(handle);
    assertThat(stored).containsExactly(List.of("first", "second"));
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
  }

  private static Message<byte[]> reading(String text, String tenant) {
    return Message.builder(text.getBytes(StandardCharsets.UTF_8)).header("tenant", tenant).build();
  }

  @Test
  void collectsByKeys() {
    Flow<String> texts = Flow.from(readings).decode(StringCodec.utf8());
    // #region keys
    Flow<List<String>> lists =
        texts.aggregate(
            500,
            Duration.ofSeconds(2),
            spec ->
                spec.by(message -> message.headers().get("tenant"), 20) // 20 tenants at once
                    .rejectAll()); // a list that failed is looked at as a whole
    // #endregion
    FlowHandle handle = lists.groupedConvoy(list -> null, this::store).start();
    readings.offer(reading("first", "north"));
    readings.offer(reading("second", "south"));
    readings.offer(reading("third", "north"));
    stop(handle);
    assertThat(stored).containsExactly(List.of("first", "third"), List.of("second"));
  }
}
