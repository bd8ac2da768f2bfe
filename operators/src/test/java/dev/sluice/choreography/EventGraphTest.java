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
package dev.sluice.choreography;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.EventExchange;
import dev.sluice.choreography.ChoreographySpec.Severity;
import dev.sluice.choreography.EventGraph.Kind;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** What is derived from what participants declare. */
class EventGraphTest {

  private static final EventType<String> A = type("a");
  private static final EventType<String> B = type("b");
  private static final EventType<String> C = type("c");
  private static final EventType<String> D = type("d");

  private static EventType<String> type(String name) {
    return EventType.of(name, StringCodec.utf8());
  }

  private static EventGraph graph(UnaryOperator<ChoreographySpec> spec) {
    return Choreography.of("test", spec).graph();
  }

  private static Participant participant(
      String name, EventType<?> on, UnaryOperator<ReactionSpec> spec) {
    return Participant.named(name).elsewhere(on, spec);
  }

  private static void assertProblems(EventGraph graph, String... texts) {
    assertThat(graph.problems()).extracting(EventGraph.Problem::text).containsExactly(texts);
  }

  @Nested
  class Problems {

    @Test
    void areNoneWhereEverythingFitsTogether() {
      assertProblems(
          graph(
              c ->
                  c.begins(A)
                      .ends(C, D)
                      .participants(
                          participant("one", A, r -> r.emits(B)),
                          participant(
                              "two",
                              B,
                              r -> r.emits(C).fails(D, Exception.class, Exception::toString)))));
    }

    @Test
    void areEventsThatNobodyEmits() {
      EventGraph graph = graph(c -> c.ends(D).participants(participant("one", A, r -> r.emits(D))));
      assertProblems(graph, "a: emitted by nobody, consumed by one");
      assertThat(graph.problems().get(0).kind()).isEqualTo(Kind.EMITTED_BY_NOBODY);
    }

    @Test
    void areEventsThatNobodyConsumes() {
      EventGraph graph =
          graph(
              c ->
                  c.begins(A)
                      .participants(
                          participant(
                              "one",
                              A,
                              r -> r.emits(B).fails(C, Exception.class, Exception::toString))));
      assertProblems(
          graph, "b: consumed by nobody, emitted by one", "c: consumed by nobody, emitted by one");
      assertThat(graph.problems().get(0).kind()).isEqualTo(Kind.CONSUMED_BY_NOBODY);
    }

    @Test
    void areBeginningsAndEndsThatNobodyKnows() {
      assertProblems(
          graph(c -> c.begins(A).ends(B)),
          "a: consumed by nobody, a beginning",
          "b: emitted by nobody, an end");
    }

    @Test
    void areExpectationsOfWhatNobodyEmits() {
      assertProblems(
          graph(
              c ->
                  c.begins(A)
                      .expects(
                          Expectation.after("soon", A, Duration.ofSeconds(1), B).emits(C, a -> a))),
          "c: consumed by nobody, emitted by soon",
          "b: emitted by nobody, consumed by soon");
    }

    @Test
    void areCyclesThatAreNotMeant() {
      UnaryOperator<ChoreographySpec> circle =
          c ->
              c.begins(A)
                  .participants(
                      participant("one", A, r -> r.emits(B)),
                      participant("two", B, r -> r.emits(C)),
                      participant("three", C, r -> r.emits(A)));
      assertProblems(graph(circle), "a -> one -> b -> two -> c -> three -> a");
      assertThat(graph(circle).problems().get(0).kind()).isEqualTo(Kind.CYCLE);
      assertProblems(graph(c -> circle.apply(c).recurring(C)));
    }

    @Test
    void areAllCyclesAlsoThroughAFailureAndADeadline() {
      assertProblems(
          graph(
              c ->
                  c.begins(A)
                      .participants(
                          participant(
                              "one",
                              A,
                              r -> r.emits(B).fails(A, Exception.class, Exception::toString)),
                          participant("two", B, r -> r.emits(C)),
                          participant("three", D, r -> r.emits(B)))
                      .expects(
                          Expectation.after("soon", B, Duration.ofSeconds(1), C).emits(D, b -> b))),
          "a -> one -> a",
          "b -> soon -> d -> three -> b");
    }
  }

  @Nested
  class Severities {

    private final EventExchange none = (scope, delivery, reaction) -> Mono.never();

    private void start(UnaryOperator<ChoreographySpec> spec) {
      Choreography.of(
              "test",
              c ->
                  spec.apply(
                      c.participants(
                          Participant.named("one").on(A, a -> Mono.empty(), r -> r.emits(B)))))
          .participate("one", Flow.from(TestChannel.create("q")), none);
    }

    @Test
    void refuseAllThatIsAnError() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> start(c -> c))
          .withMessage(
              "choreography test: a: emitted by nobody, consumed by one;"
                  + " b: consumed by nobody, emitted by one");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> start(c -> c.on(Kind.EMITTED_BY_NOBODY, Severity.WARNING)))
          .withMessage("choreography test: b: consumed by nobody, emitted by one");
    }

    @Test
    void letPassWhatIsNone() {
      start(
          c ->
              c.on(Kind.EMITTED_BY_NOBODY, Severity.WARNING)
                  .on(Kind.CONSUMED_BY_NOBODY, Severity.IGNORED));
    }
  }

  @Nested
  class Drawings {

    @Test
    void showWhatFollowsFromWhat() {
      assertThat(
              graph(
                      c ->
                          c.begins(A)
                              .ends(B, D)
                              .participants(
                                  participant(
                                      "say \"no\"",
                                      A,
                                      r ->
                                          r.emits(B)
                                              .fails(C, Exception.class, Exception::toString)))
                              .expects(
                                  Expectation.after("soon", A, Duration.ofMinutes(5), B, C)
                                      .emits(D, a -> a)))
                  .toMermaid())
          .isEqualTo(
              """
              flowchart LR
                e0(["a"])
                e1(["b"])
                e2(["c"])
                e3(["d"])
                p0["say #quot;no#quot;"]
                e0 --> p0
                p0 --> e1
                p0 -. fails .-> e2
                p1{{"soon within PT5M"}}
                e0 -.-> p1
                p1 --> e3
                e1 -.-> p1
                e2 -.-> p1
                class e0 begins
                class e1,e3 ends
              """);
    }
  }

  @Nested
  class Declarations {

    @Test
    void areChecked() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Participant.named(" "))
          .withMessage("participant: \" \" (expected: 1..48 characters, not blank)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Participant.named("one").elsewhere(A, r -> r).elsewhere(A, r -> r))
          .withMessage("one acts on a twice (expected: once)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Participant.named("one").concurrency(0))
          .withMessage("concurrency: 0 (expected: >= 1)");
      Participant one = Participant.named("one");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Choreography.of("test", c -> c.participants(one, one)))
          .withMessage("participants: two called one (expected: different names)");
      Duration second = Duration.ofSeconds(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Expectation.after("soon", A, Duration.ZERO, B))
          .withMessage("within: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Expectation.after("soon", A, second))
          .withMessage("oneOf: [] (expected: at least one, without a)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Expectation.after("soon", A, second, A, B))
          .withMessage("oneOf: [a, b] (expected: at least one, without a)");
      Expectation<?> soon = Expectation.after("soon", A, second, B);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Choreography.of("test", c -> c.expects(soon, soon)))
          .withMessage("expectations: two called soon (expected: different names)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> EventTrace.create(0, 1))
          .withMessage("conversations: 0 (expected: 1..1000000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> EventTrace.create(1, 0))
          .withMessage("steps: 0 (expected: 1..10000)");
    }

    @Test
    void sayWhatIsConsumedAndEmitted() {
      Participant one =
          Participant.named("one")
              .elsewhere(A, r -> r.emits(B, C))
              .elsewhere(D, r -> r.emits(C).fails(B, Exception.class, Exception::toString));
      assertThat(one.consumes()).containsExactly("a", "d");
      assertThat(one.emits()).containsExactly("b", "c");
    }
  }
}
