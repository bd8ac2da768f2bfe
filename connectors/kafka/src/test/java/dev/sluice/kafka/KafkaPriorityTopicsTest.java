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
package dev.sluice.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.contract.PriorityContract;
import dev.sluice.flow.Flow;
import dev.sluice.priority.PriorityGauges;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** A topic for each level, which the flow merges. */
class KafkaPriorityTopicsTest extends PriorityContract {

  private static final int PREFETCH = 16;

  private final List<KafkaChannel> channels =
      Stream.generate(() -> Broker.channel(Broker.newTopic(2))).limit(3).toList();
  private final KafkaPriorityTopics topics = KafkaPriorityTopics.create(channels, 7, 3);
  private final AtomicReference<PriorityGauges> gauges = new AtomicReference<>();

  @AfterEach
  void close() {
    Mono.when(channels.stream().map(KafkaChannel::close).toList()).block(Duration.ofSeconds(30));
  }

  @Override
  protected Outbound<byte[]> outbound() {
    return topics;
  }

  @Override
  protected FlowHandle start(Function<byte[], Mono<Void>> worker) {
    return Flow.priorityMerge(
            topics.mostUrgentFirst(), p -> p.strict().prefetch(PREFETCH).observer(gauges::set))
        .compete(worker, c -> c.concurrency(1).lookAhead(1))
        .start();
  }

  @Override
  protected boolean areWaiting(int... ofEachLevel) {
    for (int level = 0; level < ofEachLevel.length; level++) {
      // what is chosen has left the merge, which refills when more of a level has gone
      if (gauges.get().waiting(level) < Math.min(PREFETCH - 2, ofEachLevel[level])) {
        return false;
      }
    }
    return true;
  }

  @Test
  void sendsEachPriorityToItsTopic() {
    List<String> to = new ArrayList<>();
    for (int priority = 0; priority <= 9; priority++) {
      Receipt receipt =
          topics.send(Broker.message("a").withPriority(priority)).block(Duration.ofSeconds(30));
      to.add(receipt.channel());
    }
    List<String> names = channels.stream().map(KafkaChannel::name).toList();
    String express = names.get(0);
    String standard = names.get(1);
    String bulk = names.get(2);
    assertThat(to)
        .containsExactly(
            bulk, bulk, bulk, standard, standard, standard, standard, express, express, express);
    assertThat(topics.name()).isEqualTo(String.join(", ", names));
  }

  @Test
  void levelsMustBeDivided() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaPriorityTopics.create(channels, 7))
        .withMessage("from: [7] (expected: one less than there are levels, 2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaPriorityTopics.create(channels, 3, 3))
        .withMessage("from: [3, 3] (expected: falling, each 1..9)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaPriorityTopics.create(channels, 10, 3))
        .withMessage("from: [10, 3] (expected: falling, each 1..9)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaPriorityTopics.create(List.of()))
        .withMessage("levels: 0 (expected: 1..10)");
  }
}
