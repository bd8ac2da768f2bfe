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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.pipes.Deployment;
import dev.sluice.pipes.Filter;
import dev.sluice.pipes.Pipeline;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Pipelines in a flow, and between channels. */
class PipelineFlowTest extends FlowFixture {

  private static final Filter<String, String> DECODE =
      Filter.<String, String>map("decode", text -> text + "d").requires("raw").provides("decoded");
  private static final Filter<String, String> WEIGH =
      Filter.<String, String>of(
              "weigh",
              text ->
                  text.startsWith("x")
                      ? Mono.error(new IllegalArgumentException("no scales"))
                      : Mono.just(text + "w"))
          .requires("decoded");
  private static final Filter<String, String> SCREEN =
      Filter.<String, String>of(
              "screen", text -> text.startsWith("n") ? Mono.empty() : Mono.just(text + "s"))
          .requires("decoded");

  private final Pipeline<String> pipeline =
      Pipeline.of("scan", Set.of("raw"), List.of(DECODE, WEIGH, SCREEN));

  @Test
  void theFailureOfAFilterIsTheFateOfOneMessage() {
    FlowHandle handle = flow().through(pipeline).to(target).start();
    source.offer("a1", "x1", "n1", "a2");
    assertThat(shipments.sentTexts()).containsExactly("a1dws", "a2dws");
    assertDeadLetters(DeadLetterReason.POISON, "x1");
    assertThat(deadLetters.sent().get(0).headers().get("sl-dl-error")).contains("no scales");
    assertThat(source.outcomes("n1")).containsExactly(Outcome.ack());
    assertSettled(handle);
  }

  @Test
  void isReorderedWhileTheFlowRuns() {
    FlowHandle handle = flow().through(pipeline).to(target).start();
    source.offer("a1");
    pipeline.reorder(List.of("decode", "screen", "weigh"));
    source.offer("a2");
    assertThat(shipments.sentTexts()).containsExactly("a1dws", "a2dsw");
    assertSettled(handle);
  }

  @Test
  void keepsTheOrderOfAGroup() {
    Sinks.One<String> slow = Sinks.one();
    Filter<String, String> slowly =
        Filter.of("slowly", text -> text.equals("a1") ? slow.asMono() : Mono.just(text));
    FlowHandle handle = flow().through(slowly).to(target).start();
    source.offer("a1", "a2", "b1");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    slow.tryEmitValue("a1").orThrow();
    assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
    assertSettled(handle);
  }

  // == with channels between ==

  private final TestChannel toWeigh = TestChannel.create("to weigh");

  private Deployment<String> deployed() {
    return pipeline.deploy(
        StringCodec.utf8(),
        source,
        shipments,
        d ->
            d.channelBefore("weigh", toWeigh)
                .flow(flow -> flow.clock(clock).onError(policy).deadLetter(deadLetters)));
  }

  @Test
  void aChannelBetweenTwoFiltersMakesTwoFlows() {
    Deployment<String> deployment = deployed();
    assertThat(deployment.stages()).containsExactly("decode", "weigh");
    FlowHandle first = deployment.stage("decode").start();
    assertThat(first.name()).isEqualTo("scan/decode");
    source.offer("a1");
    assertThat(toWeigh.sentTexts()).containsExactly("a1d");
    assertThat(source.outcomes("a1")).containsExactly(ACK);
    assertThat(shipments.sentTexts()).isEmpty();

    FlowHandle second = deployment.stage("weigh").start();
    assertThat(shipments.sentTexts()).containsExactly("a1dws");
    assertSettled(first);
    assertSettled(second);
  }

  @Test
  void aStageIsStartedAndStoppedOnItsOwn() {
    Deployment<String> deployment = deployed();
    FlowHandle second = deployment.stage("weigh").start();
    FlowHandle first = deployment.stage("decode").start();
    first.stop(Duration.ZERO).subscribe();
    assertThat(first.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    assertThat(second.stats().isUp()).isTrue();
    FlowHandle again = deployment.stage("decode").start();
    source.offer("a1");
    assertThat(shipments.sentTexts()).containsExactly("a1dws");
    assertSettled(again);
    assertSettled(second);
  }

  @Test
  void aStageIsReorderedWithinItself() {
    Deployment<String> deployment = deployed();
    deployment.stage("weigh").start();
    deployment.pipeline("weigh").reorder(List.of("screen", "weigh"));
    toWeigh.offer(message("a1d"));
    assertThat(shipments.sentTexts()).containsExactly("a1dsw");
    assertThatThrownBy(() -> deployment.pipeline("decode").reorder(List.of("weigh")))
        .hasMessage("names: [weigh] (expected: each of [decode] once)");
  }

  @Test
  void aMessageThatFailsInAStageIsADeadLetterOfThatStage() {
    FlowHandle handle = deployed().stage("weigh").start();
    toWeigh.offer(message("x1d"));
    assertDeadLetters(DeadLetterReason.POISON, "x1d");
    assertSettled(handle);
  }

  @Test
  void refusesAChannelBeforeAFilterThatThereIsNot() {
    assertThatThrownBy(
            () ->
                pipeline.deploy(
                    StringCodec.utf8(), source, shipments, d -> d.channelBefore("decode", toWeigh)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("channelBefore: \"decode\" (expected: one of [");
    assertThatThrownBy(() -> deployed().stage("screen"))
        .hasMessage("stage: \"screen\" (expected: one of [decode, weigh])");
  }
}
