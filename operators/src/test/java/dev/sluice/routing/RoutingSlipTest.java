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
package dev.sluice.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.channel.Outbound;
import dev.sluice.message.Message;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.test.StepVerifier;

class RoutingSlipTest {

  private final ScriptedTarget weigh = new ScriptedTarget("queue of the scales");
  private final ScriptedTarget screen = new ScriptedTarget("queue of the x-ray");
  private final ScriptedTarget belt = new ScriptedTarget("belt");
  private final Outbound<String> next =
      RoutingSlip.following("slip", Map.of("weigh", weigh, "screen", screen), belt);

  private static Message<String> forged(String slip) {
    Message<String> message = Message.of("bag");
    return message.withHeaders(message.headers().withReserved("sl-slip", slip));
  }

  private void unroutable(Message<String> message, String why) {
    StepVerifier.create(next.send(message))
        .verifyErrorSatisfies(
            e -> assertThat(e).isInstanceOf(Unroutable.class).hasMessageContaining(why));
    assertThat(weigh.sent()).isEmpty();
    assertThat(screen.sent()).isEmpty();
    assertThat(belt.sent()).isEmpty();
  }

  @Test
  void aMessageGoesThroughItsStepsAndThenToTheEnd() {
    Message<String> bag = RoutingSlip.attach(Message.of("bag"), List.of("screen", "weigh"));
    StepVerifier.create(next.send(bag)).expectNextCount(1).verifyComplete();
    Message<String> screened = screen.messages().get(0);
    assertThat(RoutingSlip.of(screened)).containsExactly("weigh");
    StepVerifier.create(next.send(screened)).expectNextCount(1).verifyComplete();
    Message<String> weighed = weigh.messages().get(0);
    assertThat(RoutingSlip.of(weighed)).isEmpty();
    StepVerifier.create(next.send(weighed)).expectNextCount(1).verifyComplete();
    assertThat(belt.sent()).containsExactly("bag");
    assertThat(belt.messages().get(0).id()).isEqualTo(bag.id());
  }

  @Test
  void aStepMayAttachAnotherSlip() {
    Message<String> bag = RoutingSlip.attach(Message.of("bag"), List.of("screen"));
    assertThat(RoutingSlip.of(RoutingSlip.attach(bag, List.of("weigh", "weigh"))))
        .containsExactly("weigh", "weigh");
  }

  @Test
  void aNameThatIsNotRegisteredLeadsNowhere() {
    unroutable(
        RoutingSlip.attach(Message.of("bag"), List.of("queue.of.admins")),
        "slip: no step queue.of.admins is registered");
  }

  @Test
  void theNameOfAChannelIsNotTheNameOfAStep() {
    unroutable(forged("belt"), "no step belt is registered");
  }

  @Test
  void aMessageWithoutASlipIsUnroutable() {
    unroutable(Message.of("bag"), "no routing slip");
    assertThat(RoutingSlip.of(Message.of("bag"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {",", "weigh,", ",weigh", "weigh,,screen", "weigh screen", "wäge", "a/b", "\n"})
  void aSlipThatCannotBeReadIsUnroutable(String slip) {
    unroutable(forged(slip), "no routing slip that can be read");
  }

  @Test
  void aForgedSlipOfTooManyStepsIsUnroutable() {
    unroutable(
        forged(String.join(",", Collections.nCopies(65, "weigh"))),
        "no routing slip that can be read");
  }

  @Test
  void refusesASlipThatIsOutOfRange() {
    assertThatThrownBy(
            () -> RoutingSlip.attach(Message.of("bag"), Collections.nCopies(65, "weigh")))
        .hasMessage("steps: 65 (expected: 0..64)");
    assertThatThrownBy(() -> RoutingSlip.attach(Message.of("bag"), List.of("a,b")))
        .hasMessage("step: \"a,b\" (expected: 1..64 letters, digits and ._-)");
    assertThatThrownBy(() -> RoutingSlip.following(" ", Map.of(), belt))
        .hasMessage("name: \" \" (expected: not blank)");
  }

  @Test
  void theLongestSlipFitsIntoItsHeader() {
    List<String> steps = Collections.nCopies(RoutingSlip.MAX_STEPS, "s".repeat(64));
    assertThat(RoutingSlip.of(RoutingSlip.attach(Message.of("bag"), steps))).isEqualTo(steps);
  }
}
