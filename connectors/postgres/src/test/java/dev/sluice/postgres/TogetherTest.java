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

import dev.sluice.store.StoreFailed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

class TogetherTest {

  private final List<List<String>> batches = new ArrayList<>();
  private final List<Sinks.One<Map<Integer, String>>> answers = new ArrayList<>();
  private final List<String> alone = new ArrayList<>();

  private Together<String, String> together(boolean onlyWanted) {
    return new Together<>(
        100,
        100,
        question -> 1,
        questions -> {
          batches.add(questions);
          Sinks.One<Map<Integer, String>> answer = Sinks.one();
          answers.add(answer);
          return answer.asMono();
        },
        question -> {
          alone.add(question);
          return Mono.just(question);
        },
        onlyWanted);
  }

  @Test
  void whatWasCancelledBeforeItsTurnIsNotDone() {
    Together<String, String> together = together(true);
    together.ask("a").subscribe();
    together.ask("b").subscribe();
    Disposable gone = together.ask("gone").subscribe();
    together.ask("c").subscribe();
    assertThat(together.waiting()).isEqualTo(2);
    gone.dispose();
    answers.get(0).tryEmitValue(Map.of(0, "A"));
    assertThat(batches).containsExactly(List.of("a"), List.of("b"), List.of("c"));
    assertThat(together.waiting()).isZero();
  }

  @Test
  void aBatchOfWhichNothingIsWantedKeepsNobodyWaiting() {
    Together<String, String> together = together(true);
    together.ask("a").subscribe();
    together.ask("b").subscribe();
    together.ask("gone").subscribe().dispose();
    answers.get(0).tryEmitValue(Map.of(0, "A"));
    together.ask("c").subscribe();
    assertThat(batches).containsExactly(List.of("a"), List.of("b"), List.of("c"));
    together.ask("d").subscribe();
    assertThat(together.waiting()).isOne();
  }

  @Test
  void whatWasCancelledInItsBatchDoesNotWaitForItselfWhenItWasLeftOut() {
    Together<String, String> together = together(true);
    Disposable gone = together.ask("gone").subscribe();
    together.ask("b").subscribe();
    gone.dispose();
    answers.get(0).tryEmitValue(Map.of());
    answers.get(1).tryEmitValue(Map.of());
    assertThat(alone).containsExactly("b");
  }

  @Test
  void whatHasToBeSaidIsSaidWhoeverWaits() {
    Together<String, String> together = together(false);
    together.ask("a").subscribe();
    together.ask("b").subscribe();
    together.ask("gone").subscribe().dispose();
    answers.get(0).tryEmitValue(Map.of(0, "A"));
    assertThat(batches).containsExactly(List.of("a"), List.of("b"), List.of("gone"));
  }

  @Test
  void oneMoreThanMayWaitIsRefused() {
    Together<String, String> together = together(true);
    for (int i = 0; i < 2 + 65_536; i++) { // two are under way
      together.ask("a").subscribe();
    }
    assertThat(together.waiting()).isEqualTo(65_536);
    StepVerifier.create(together.ask("too many"))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, failure -> assertThat(failure.isTemporary()).isTrue())
                    .hasMessageContaining("65536 wait already"))
        .verify();
    assertThat(together.waiting()).isEqualTo(65_536);
  }
}
