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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.convoy.HaltedGroups;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** A group whose message has failed for good waits until somebody lets it go on. */
class HaltedGroupsTest extends FlowFixture {

  private final HaltedGroups halted = HaltedGroups.create();
  private final Set<String> bad = new HashSet<>(Set.of("a1"));
  private final List<String> started = new ArrayList<>();

  private FlowHandle start() {
    return flow()
        .groupedConvoy(
            Message::group,
            text ->
                Mono.fromSupplier(
                    () -> {
                      started.add(text);
                      if (bad.contains(text)) {
                        throw new IllegalArgumentException(text);
                      }
                      return text;
                    }),
            c -> c.onFailure(f -> f.then(GroupVerdict.HALT_GROUP)).halted(halted))
        .to(target)
        .start();
  }

  @Test
  void waitUnsettledWhileOthersGoOn() {
    FlowHandle handle = start();
    source.offer("a1", "b1", "a2", "b2");
    time.advanceTimeBy(Duration.ofHours(1));
    assertThat(shipments.sentTexts()).containsExactly("b1", "b2");
    assertThat(started).containsExactly("a1", "b1", "b2");
    assertThat(halted.groups()).containsExactly("a");
    assertThat(source.outcomes("a1")).containsOnlyNulls();
    assertThat(handle.stats().unsettled()).isEqualTo(2);
    assertThat(letters()).isEmpty();
  }

  @Test
  void goOnInTheirOrderWhenTheyAreLet() {
    FlowHandle handle = start();
    source.offer("a1", "a2", "b1");
    assertThat(halted.resume("b")).isFalse();
    assertThat(halted.resume("a")).isTrue();
    assertThat(started).containsExactly("a1", "b1", "a1");
    assertThat(halted.groups()).containsExactly("a"); // it has failed again
    bad.clear();
    halted.resumeAll();
    assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
    assertThat(halted.groups()).isEmpty();
    assertThat(halted.resume("a")).isFalse();
    assertSettled(handle);
  }

  @Test
  void areForgottenWhenTheirMessageIsLost() {
    FlowHandle handle = start();
    source.offer("a1", "a2");
    source.lose(delivery -> delivery.text().equals("a1"));
    assertThat(halted.groups()).isEmpty();
    assertThat(source.outcomes("a1")).containsExactly(Outcome.release(Outcome.Release.Why.LOST));
    assertThat(shipments.sentTexts()).containsExactly("a2");
    assertSettled(handle);
  }

  @Test
  void areGivenBackWhenTheFlowStops() {
    FlowHandle handle = start();
    source.offer("a1", "a2");
    handle.stop(Duration.ofSeconds(1)).subscribe();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertThat(source.waitingTexts()).containsExactly("a1", "a2");
    assertThat(halted.groups()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void areOnesOfMessagesThatHaveAGroup() {
    FlowHandle handle = start();
    bad.add("x");
    source.offer(Message.of("x".getBytes(StandardCharsets.UTF_8)));
    assertThat(letters()).containsExactly("x POISON");
    assertThat(halted.groups()).isEmpty();
    assertSettled(handle);
  }

  @Test
  void needAPlaceWhereTheyAreKnown() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                flow()
                    .groupedConvoy(
                        Message::group,
                        Mono::just,
                        c -> c.onFailure(f -> f.then(GroupVerdict.HALT_GROUP))))
        .withMessageContaining("verdict: HALT_GROUP (expected: with ConvoySpec.halted");
  }
}
