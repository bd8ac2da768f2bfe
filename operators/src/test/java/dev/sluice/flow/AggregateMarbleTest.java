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
package dev.sluice.flow;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.marble.MarbleScript;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;

/** What the diagram shows is what happens. */
@ExtendWith(LeakCheck.class)
class AggregateMarbleTest {

  private static final Path SCRIPT =
      Path.of("src/main/java/dev/sluice/flow/doc-files/aggregate.marble");

  private static Flux<Delivery<List<Message<String>>>> pairs(Flux<String> orders) {
    return FluxAggregate.create(
        orders.map(Member::of),
        new FluxAggregate.Plan<>(
            2,
            Duration.ofMillis(6),
            AggregateSpec.defaults(),
            delivery -> true,
            (delivery, error) -> {},
            Clock.systemUTC(),
            new NoPressure(),
            "here"));
  }

  private static String draw(Delivery<List<Message<String>>> list) {
    list.settlement().settle(Outcome.ack());
    return list.message().payload().stream()
        .map(Message::payload)
        .collect(Collectors.joining("-", "[", "]")); // a space is time, too
  }

  @Test
  void collectsUntilThereAreEnoughOrTimeIsUp() {
    MarbleScript.load(SCRIPT).verify(in -> pairs(in.get("orders")).map(AggregateMarbleTest::draw));
  }

  @Test
  void thePictureIsFresh() {
    MarbleScript.verifyPicture(SCRIPT);
  }
}
