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

import dev.sluice.bridge.Bridge;
import dev.sluice.bridge.BridgeHealth;
import dev.sluice.bridge.Order;
import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** The code of docs/patterns/messaging-bridge.md. */
class BridgePageTest {

  record Bag(String tag, String flight) {

    /** Tag in columns 1 to 10, flight from 11. */
    static Bag ofBsm(String line) {
      return new Bag(line.substring(0, 10).strip(), line.substring(10).strip());
    }

    String toBsm() {
      return String.format("%-10s%s", tag, flight);
    }
  }

  private final TestChannel bsmOut = TestChannel.create("bsm.out");
  private final TestChannel bsmIn = TestChannel.create("bsm.in");
  private final TestChannel bagsIn = TestChannel.create("bags.in");
  private final TestChannel bagsOut = TestChannel.create("bags.out");
  private final TestChannel dead = TestChannel.create("dead");

  private static void stop(FlowHandle handle) {
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }

  @Test
  void bridges() {
    // #region bridge
    PayloadCodec<String> text = StringCodec.utf8();
    PayloadCodec<Bag> json = JacksonCodec.json(Bag.class);

    Bridge bridge =
        Bridge.between(
            "bsm in",
            bsmOut, // Kafka
            bagsIn, // a queue in PostgreSQL
            b -> b.translate(text, Bag::ofBsm, json).flow(f -> f.deadLetter(dead)));
    FlowHandle handle = bridge.start();
    // #endregion
    bsmOut.offer("0016000001B6 117", "?");
    stop(handle);
    assertThat(bagsIn.sentTexts())
        .containsExactly("{\"tag\":\"0016000001\",\"flight\":\"B6 117\"}");
    assertThat(dead.sentTexts()).containsExactly("?");
  }

  @Test
  void bothWays() {
    PayloadCodec<String> text = StringCodec.utf8();
    PayloadCodec<Bag> json = JacksonCodec.json(Bag.class);
    // #region both
    Bridge.Pair pair =
        Bridge.bothWays(
            "bsm",
            new Bridge.Side("legacy", bsmOut, bsmIn),
            new Bridge.Side("airport", bagsOut, bagsIn),
            there -> there.translate(text, Bag::ofBsm, json).flow(f -> f.deadLetter(dead)),
            back -> back.translate(json, Bag::toBsm, text).flow(f -> f.deadLetter(dead)));
    // #endregion
    FlowHandle there = pair.there().start();
    FlowHandle back = pair.back().start();
    bagsOut.offer("{\"tag\":\"0016000001\",\"flight\":\"B6 117\"}");
    stop(there);
    stop(back);
    assertThat(bsmIn.sentTexts()).containsExactly("0016000001B6 117");
  }

  @Test
  void operation() {
    Bridge bridge =
        Bridge.between(
            "bsm in",
            bsmOut,
            bagsIn,
            b ->
                b.order(Order.TOTAL)
                    .probe(Duration.ofSeconds(1), Duration.ofMinutes(1))
                    .flow(f -> f.deadLetter(dead).lease(Duration.ofMinutes(1))));
    FlowHandle handle = bridge.start();
    // #region health
    bridge.pause(); // sends nothing more; what it has taken waits
    bridge.resume();

    BridgeHealth health = bridge.health();
    boolean up = health.isUp(); // or health.state(), lag(), oldest(), lastError(), …
    // #endregion
    assertThat(up).isTrue();
    stop(handle);
  }
}
