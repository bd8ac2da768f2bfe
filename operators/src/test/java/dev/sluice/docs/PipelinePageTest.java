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
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.pipes.Deployment;
import dev.sluice.pipes.Filter;
import dev.sluice.pipes.Pipeline;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/pipes-and-filters.md. */
class PipelinePageTest {

  private final TestChannel bags = TestChannel.create("bags");
  private final TestChannel toWeigh = TestChannel.create("to weigh");
  private final TestChannel belts = TestChannel.create("belts");
  private final TestChannel deadLetters = TestChannel.create("dead letters");

  private static Mono<Integer> weight(String bag) {
    return Mono.just(bag.length());
  }

  private static Mono<Integer> size(String bag) {
    return Mono.just(bag.length());
  }

  private static void stop(FlowHandle handle) {
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }

  @Test
  void pipelines() {
    // #region pipeline
    Filter<String, String> decode =
        Filter.<String, String>map("decode", String::strip).provides("decoded");
    Filter<String, String> measure =
        Filter.<String, Integer>of("weigh", bag -> weight(bag))
            .parallelWith(
                Filter.<String, Integer>of("size", bag -> size(bag)),
                (kilos, litres) -> kilos + " kg, " + litres + " l")
            .requires("decoded");
    Filter<String, String> screen =
        Filter.<String, String>of("screen", bag -> Mono.just(bag)).requires("decoded");

    Pipeline<String> pipeline = Pipeline.of("scan", List.of(decode, screen, measure));
    // #endregion
    Flux<String> bags = Flux.just(" bag ");
    // #region use
    Flux<String> scanned = bags.concatMap(pipeline); // a pipeline is a worker

    pipeline.reorder(List.of("decode", "weigh + size", "screen")); // while it runs
    // #endregion
    StepVerifier.create(scanned).expectNext("3 kg, 3 l").verifyComplete();
    inAFlow(pipeline);
    deployed(pipeline);
  }

  private void inAFlow(Pipeline<String> pipeline) {
    // #region flow
    FlowHandle handle =
        Flow.from(bags)
            .decode(StringCodec.utf8())
            .through(pipeline) // a filter that fails is the fate of one message
            .deadLetter(deadLetters)
            .to(Outbound.encoding(StringCodec.utf8(), belts))
            .start();
    // #endregion
    bags.offer("bag");
    stop(handle);
    assertThat(belts.sentTexts()).containsExactly("3 kg, 3 l");
  }

  private void deployed(Pipeline<String> pipeline) {
    // #region deploy
    Deployment<String> deployment =
        pipeline.deploy(
            StringCodec.utf8(),
            bags,
            belts,
            d -> d.channelBefore("weigh + size", toWeigh).flow(f -> f.deadLetter(deadLetters)));

    FlowHandle scales = deployment.stage("weigh + size").start(); // here, and wherever else
    // #endregion
    toWeigh.offer("case");
    stop(scales);
    assertThat(belts.sentTexts()).contains("4 kg, 4 l");
  }
}
