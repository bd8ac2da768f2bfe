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
import static org.assertj.core.api.Assertions.tuple;

import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class FilterTest {

  private static final Filter<String, String> UPPER = Filter.map("upper", String::toUpperCase);
  private static final Filter<String, Integer> LENGTH = Filter.map("length", String::length);

  private static <T> Filter<T, T> failing(String name) {
    return Filter.of(name, element -> Mono.error(new IllegalStateException(name + " is broken")));
  }

  @Nested
  class Values {

    @Test
    void aFilterIsAWorker() {
      StepVerifier.create(Flux.just("a", "b").concatMap(UPPER))
          .expectNext("A", "B")
          .verifyComplete();
    }

    @Test
    void anElementWithoutAValueIsFilteredOut() {
      Filter<String, String> odd =
          Filter.of("odd", e -> e.length() % 2 == 1 ? Mono.just(e) : Mono.empty());
      StepVerifier.create(Flux.just("a", "bb").concatMap(odd)).expectNext("a").verifyComplete();
    }

    @Test
    void thenWorksOnEachValue() {
      Filter<String, Integer> lengths =
          Filter.<String, String>of("words", e -> Flux.just(e.split(" "))).then(UPPER).then(LENGTH);
      StepVerifier.create(lengths.apply("one three")).expectNext(3, 5).verifyComplete();
      assertThat(lengths).hasToString("words > upper > length");
    }

    @Test
    void orElseWorksOnTheSameElement() {
      StepVerifier.create(FilterTest.<String>failing("first").orElse(UPPER).apply("a"))
          .expectNext("A")
          .verifyComplete();
    }

    @Test
    void orElseIsNotForAnElementThatIsFilteredOut() {
      Filter<String, String> nothing = Filter.of("nothing", e -> Mono.empty());
      StepVerifier.create(nothing.orElse(UPPER).apply("a")).verifyComplete();
    }

    @Test
    void parallelJoinsTheValues() {
      Filter<String, String> both = UPPER.parallelWith(LENGTH, (upper, length) -> upper + length);
      StepVerifier.create(both.apply("abc")).expectNext("ABC3").verifyComplete();
      assertThat(both).hasToString("upper + length");
    }

    @Test
    void parallelRunsAllAtOnce() {
      Filter<String, String> slow =
          Filter.of("slow", e -> Mono.delay(Duration.ofSeconds(2)).thenReturn(e));
      Filter<String, String> slower =
          Filter.of("slower", e -> Mono.delay(Duration.ofSeconds(3)).thenReturn(e + e));
      StepVerifier.withVirtualTime(
              () ->
                  Filter.<String, String, String>parallel(
                          "both", List.of(slow, slower), (e, values) -> e + values)
                      .apply("a"))
          .expectSubscription()
          .expectNoEvent(Duration.ofSeconds(3))
          .expectNext("a[a, aa]")
          .verifyComplete();
    }

    @Test
    void parallelIsFilteredOutWhenOneOfThemGivesNothing() {
      TestPublisher<String> other = TestPublisher.create();
      Filter<String, String> waiting = Filter.of("waiting", e -> other.flux());
      Filter<String, String> nothing = Filter.of("nothing", e -> Mono.empty());
      StepVerifier.create(waiting.parallelWith(nothing, (a, b) -> a).apply("a")).verifyComplete();
      other.assertCancelled();
    }
  }

  @Nested
  class Backpressure {

    @Test
    void takesNothingAhead() {
      TestPublisher<String> words = TestPublisher.create();
      Filter<String, Integer> lengths =
          Filter.<String, String>of("words", e -> words.flux()).then(LENGTH);
      StepVerifier.create(lengths.apply("x"), 0)
          .thenRequest(1)
          .then(() -> words.next("one"))
          .expectNext(3)
          .then(() -> words.assertMaxRequested(1))
          .thenCancel()
          .verify();
      words.assertCancelled();
    }
  }

  @Nested
  class Errors {

    @Test
    void whatTheWorkThrowsIsTheFailureOfTheElementAndNamesTheFilter() {
      Filter<String, String> broken =
          Filter.of(
              "weigh",
              e -> {
                throw new IllegalStateException("no scales");
              });
      StepVerifier.create(UPPER.then(broken).apply("a"))
          .verifyErrorSatisfies(
              e -> assertThat(e).hasMessage("no scales").hasStackTraceContaining("filter weigh"));
    }

    @Test
    void aFunctionThatGivesNullFails() {
      StepVerifier.create(Filter.map("null", (String e) -> (String) null).apply("a"))
          .verifyErrorMessage("the function gave null");
      StepVerifier.create(Filter.<String, String>of("null", e -> null).apply("a"))
          .verifyError(NullPointerException.class);
    }

    @Test
    void theFailureOfOneElementIsNotThatOfTheNext() {
      Filter<String, Integer> number = Filter.map("number", Integer::parseInt);
      StepVerifier.create(
              Flux.just("1", "x", "3")
                  .concatMap(e -> number.apply(e).onErrorResume(error -> Mono.empty())))
          .expectNext(1, 3)
          .verifyComplete();
    }

    @Test
    void whenBothFailTheFirstFailureIsKept() {
      StepVerifier.create(FilterTest.<String>failing("first").orElse(failing("second")).apply("a"))
          .verifyErrorSatisfies(
              e ->
                  assertThat(e)
                      .hasMessage("second is broken")
                      .hasStackTraceContaining("first is broken"));
    }

    @Test
    void orElseIsNotForAFilterThatHasGivenAValue() {
      Filter<String, String> half =
          Filter.of(
              "half",
              e -> Flux.concat(Mono.just(e), Mono.error(new IllegalStateException("half way"))));
      StepVerifier.create(half.orElse(UPPER).apply("a"))
          .expectNext("a")
          .verifyErrorMessage("half way");
    }

    @Test
    void parallelFailsWithTheFirstFailureAndCancelsTheOthers() {
      TestPublisher<String> other = TestPublisher.create();
      Filter<String, String> waiting = Filter.of("waiting", e -> other.flux());
      StepVerifier.create(waiting.parallelWith(failing("scales"), (a, b) -> a).apply("a"))
          .verifyErrorMessage("scales is broken");
      other.assertCancelled();
    }

    @Test
    void parallelNeedsOneValueOfEach() {
      Filter<String, String> two = Filter.of("two", e -> Flux.just(e, e));
      StepVerifier.create(two.parallelWith(UPPER, (a, b) -> a).apply("a"))
          .verifyError(IndexOutOfBoundsException.class);
    }

    @Test
    void aJoinThatThrowsOrGivesNullFails() {
      StepVerifier.create(
              UPPER
                  .<Integer, String>parallelWith(
                      LENGTH,
                      (a, b) -> {
                        throw new IllegalStateException("join");
                      })
                  .apply("a"))
          .verifyErrorMessage("join");
      StepVerifier.create(UPPER.<Integer, String>parallelWith(LENGTH, (a, b) -> null).apply("a"))
          .verifyErrorMessage("the function gave null");
    }

    @Test
    void onErrorContinueFurtherDownCannotReachInside() {
      List<Throwable> seen = new ArrayList<>();
      Filter<String, String> safe = FilterTest.<String>failing("first").orElse(UPPER);
      StepVerifier.create(
              Flux.just("a").concatMap(safe).onErrorContinue((e, element) -> seen.add(e)))
          .expectNext("A")
          .verifyComplete();
      assertThat(seen).isEmpty();
    }
  }

  @Nested
  class FacetsTest {

    private final Filter<String, String> decode = UPPER.requires("raw").provides("decoded");
    private final Filter<String, String> weigh = UPPER.requires("decoded").provides("weighed");

    @Test
    void areThoseOfAllFiltersOfAChain() {
      Filter<String, String> both = decode.then(weigh.requires("belt"));
      assertThat(both.requires()).containsExactlyInAnyOrder("raw", "belt");
      assertThat(both.provides()).containsExactlyInAnyOrder("decoded", "weighed");
    }

    @Test
    void ofAFallbackAreWhatBothGive() {
      Filter<String, String> either = weigh.provides("x").orElse(decode.provides("x"));
      assertThat(either.requires()).containsExactlyInAnyOrder("raw", "decoded");
      assertThat(either.provides()).containsExactly("x");
    }

    @Test
    void mayBeAddedToAnyComposition() {
      assertThat(decode.then(weigh).provides("x").provides()).contains("x", "decoded");
      assertThat(decode.orElse(weigh).requires("x").requires()).contains("x", "raw");
      assertThat(decode.parallelWith(LENGTH, (a, b) -> a).requires("x").provides("y").provides())
          .containsExactlyInAnyOrder("y", "decoded");
    }

    @Test
    void filtersAtTheSideOfEachOtherDoNotDependOnEachOther() {
      assertThatThrownBy(() -> decode.parallelWith(weigh, (a, b) -> a))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "filter upper: requires [decoded] of upper (expected: nothing that a filter at its"
                  + " side provides)");
      assertThatThrownBy(() -> decode.parallelWith(LENGTH.provides("decoded"), (a, b) -> a))
          .hasMessage("filters upper and length: both provide [decoded] (expected: one of them)");
    }

    @Test
    void refusesWhatIsBlankOrTooFew() {
      assertThatThrownBy(() -> UPPER.requires(" "))
          .hasMessage("facet: \" \" (expected: not blank)");
      assertThatThrownBy(() -> Filter.map(" ", (String e) -> e))
          .hasMessage("name: \" \" (expected: not blank)");
      assertThatThrownBy(
              () -> Filter.<String, String, String>parallel("one", List.of(UPPER), (e, v) -> e))
          .hasMessage("filters: 1 (expected: >= 2 to run at once)");
    }
  }

  @Nested
  class Stats {

    @Test
    void everyFilterCountsWhatItDoes() {
      Filter<String, Integer> number = Filter.map("number", (String e) -> Integer.parseInt(e));
      Filter<String, Integer> parse = Filter.map("trim", String::strip).then(number);
      StepVerifier.create(parse.apply(" 7 ")).expectNext(7).verifyComplete();
      StepVerifier.create(parse.apply("x")).verifyError(NumberFormatException.class);
      Filter<String, String> never = Filter.of("never", e -> Mono.never());
      StepVerifier.create(never.apply("a"))
          .expectSubscription()
          .then(() -> assertThat(never.stats().get(0).running()).isOne())
          .thenCancel()
          .verify();
      assertThat(parse.stats())
          .extracting(
              FilterStats::name, FilterStats::started, FilterStats::completed, FilterStats::failed)
          .containsExactly(tuple("trim", 2L, 2L, 0L), tuple("number", 2L, 1L, 1L));
      assertThat(parse.stats().get(1).emitted()).isOne();
      assertThat(never.stats().get(0).cancelled()).isOne();
      assertThat(never.stats().get(0).running()).isZero();
    }

    @Test
    void theNumbersAreMetersByFilter() {
      Filter<String, Integer> number = Filter.map("number", (String e) -> Integer.parseInt(e));
      MeterReadings numbers = MeterReadings.of(Filter.map("trim", String::strip).then(number));
      StepVerifier.create(number.apply("x")).verifyError(NumberFormatException.class);
      assertThat(numbers.read().get("sluice.filter.failed{filter=number}")).isOne();
      assertThat(numbers.read().get("sluice.filter.running{filter=number}")).isZero();
      assertThat(numbers.read().get("sluice.filter.started{filter=trim}")).isZero();
    }

    @Test
    void aFilterWithMoreFacetsIsTheSameFilter() {
      Filter<String, String> step = Filter.map("step", e -> e);
      StepVerifier.create(step.requires("x").apply("a")).expectNext("a").verifyComplete();
      assertThat(step.stats().get(0).completed()).isOne();
    }
  }
}
