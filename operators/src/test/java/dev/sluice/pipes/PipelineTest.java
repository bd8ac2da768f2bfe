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
package dev.sluice.pipes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.util.RaceTestUtils;

class PipelineTest {

  private static Filter<String, String> adding(String name) {
    return Filter.map(name, e -> e + name);
  }

  private static Pipeline<String> pipeline() {
    return Pipeline.of(
        "scan",
        Set.of("raw"),
        List.of(
            adding("d").requires("raw").provides("decoded"),
            adding("w").requires("decoded"),
            adding("x").requires("decoded")));
  }

  @Test
  void anElementGoesThroughTheFiltersInTheirOrder() {
    Pipeline<String> pipeline = pipeline();
    StepVerifier.create(Flux.just("1-", "2-").concatMap(pipeline))
        .expectNext("1-dwx", "2-dwx")
        .verifyComplete();
    assertThat(pipeline.order()).containsExactly("d", "w", "x");
    assertThat(pipeline).hasToString("scan");
  }

  @Test
  void isAFilterItself() {
    Pipeline<String> pipeline = pipeline();
    assertThat(pipeline.requires()).containsExactly("raw");
    assertThat(pipeline.provides()).containsExactly("decoded");
    StepVerifier.create(pipeline.then(adding("!")).apply("1-"))
        .expectNext("1-dwx!")
        .verifyComplete();
    assertThatThrownBy(() -> pipeline.requires("x"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> pipeline.provides("x"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void theOrderIsChangedWhileItRuns() {
    Pipeline<String> pipeline = pipeline();
    pipeline.reorder(List.of("d", "x", "w"));
    StepVerifier.create(pipeline.apply("1-")).expectNext("1-dxw").verifyComplete();
    assertThat(pipeline.stats()).extracting(FilterStats::name).containsExactly("d", "x", "w");
  }

  @Test
  void whatHasBegunKeepsItsOrder() {
    Sinks.One<String> slow = Sinks.one();
    Pipeline<String> pipeline =
        Pipeline.of("scan", List.of(Filter.of("s", e -> slow.asMono()), adding("w"), adding("x")));
    StepVerifier.create(pipeline.apply("1-"))
        .expectSubscription()
        .then(() -> pipeline.reorder(List.of("x", "s", "w")))
        .then(() -> slow.tryEmitValue("1-").orThrow())
        .expectNext("1-wx")
        .verifyComplete();
    StepVerifier.create(pipeline.apply("2-")).expectNext("1-w").verifyComplete();
  }

  @Test
  void anOrderInWhichAFilterWouldMissSomethingIsRefused() {
    Pipeline<String> pipeline = pipeline();
    assertThatThrownBy(() -> pipeline.reorder(List.of("w", "d", "x")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("filter w: requires [decoded] (expected: of [raw], which is what it finds)");
    assertThat(pipeline.order()).containsExactly("d", "w", "x");
    StepVerifier.create(pipeline.apply("1-")).expectNext("1-dwx").verifyComplete();
  }

  @Test
  void anOrderOfOtherFiltersIsRefused() {
    Pipeline<String> pipeline = pipeline();
    for (List<String> names :
        List.of(List.of("d", "w"), List.of("d", "w", "w"), List.of("d", "w", "y"))) {
      assertThatThrownBy(() -> pipeline.reorder(names))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("names: " + names + " (expected: each of [");
    }
  }

  @Test
  void refusesAPipelineThatCannotWork() {
    assertThatThrownBy(() -> Pipeline.of("scan", List.of()))
        .hasMessage("filters: 0 (expected: >= 1)");
    assertThatThrownBy(() -> Pipeline.of("scan", List.of(adding("w").requires("decoded"))))
        .hasMessage("filter w: requires [decoded] (expected: of [], which is what it finds)");
    assertThatThrownBy(() -> Pipeline.of("scan", List.of(adding("w"), adding("w"))))
        .hasMessage("filter w: twice (expected: names of their own)");
  }

  /** While it is reordered all the time, each element goes through each filter once. */
  @Test
  void noElementSeesAMixtureOfOrders() {
    Pipeline<String> pipeline = Pipeline.of("scan", List.of(adding("a"), adding("b"), adding("c")));
    for (int i = 0; i < 500; i++) {
      List<String> seen = new ArrayList<>();
      List<String> order = i % 2 == 0 ? List.of("c", "b", "a") : List.of("a", "b", "c");
      RaceTestUtils.race(
          () -> pipeline.reorder(order), () -> pipeline.apply("").subscribe(seen::add));
      assertThat(seen).containsAnyOf("abc", "cba").hasSize(1);
    }
  }
}
