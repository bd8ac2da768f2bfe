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
package dev.sluice.demo.quotes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gather.Completion;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Leg;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** What becomes of partners that are quick, slow and closed, in virtual time. */
class QuotesScatterTest {

  private static final Route ROUTE = new Route("JFK", "BOS");

  /** Takes exactly as long as it usually does. */
  private static final LongUnaryOperator USUAL = bound -> bound / 2;

  /** Always a slow answer: six times as long. */
  private static final LongUnaryOperator SLOW = bound -> bound % 2 == 0 ? 0 : bound - 1;

  private static Airline airline(String name, long millis, LongUnaryOperator random) {
    return new Airline(name, Duration.ofMillis(millis), random);
  }

  private static void gather(List<Airline> airlines, Consumer<Gathered<Offer>> check) {
    StepVerifier.withVirtualTime(
            () -> new QuotesConfiguration().quotes(new Airlines(airlines)).ask(ROUTE))
        .thenAwait(QuotesConfiguration.WITHIN)
        .assertNext(check::accept)
        .verifyComplete();
  }

  @Test
  void threeAreEnough() {
    gather(
        List.of(
            airline("a", 100, USUAL),
            airline("b", 120, USUAL),
            airline("c", 140, USUAL),
            airline("d", 160, USUAL),
            airline("e", 180, USUAL)),
        gathered -> {
          assertThat(gathered.why()).isEqualTo(Completion.FIRST);
          assertThat(gathered.took()).isEqualTo(Duration.ofMillis(140));
          assertThat(gathered.legs())
              .extracting(Leg::state)
              .containsExactly(
                  Leg.State.ANSWERED,
                  Leg.State.ANSWERED,
                  Leg.State.ANSWERED,
                  Leg.State.CANCELLED,
                  Leg.State.CANCELLED);
        });
  }

  @Test
  void closedOnesDoNotCount() {
    Airline closed = airline("closed", 10, USUAL);
    closed.open(false);
    gather(
        List.of(
            closed, airline("b", 120, USUAL), airline("c", 140, USUAL), airline("d", 160, USUAL)),
        gathered -> {
          assertThat(gathered.complete()).isTrue();
          assertThat(gathered.legs().get(0).state()).isEqualTo(Leg.State.FAILED);
        });
  }

  @Test
  void whatIsTooLateIsMissing() {
    gather(
        List.of(airline("a", 100, USUAL), airline("b", 2_000, SLOW), airline("c", 3_000, SLOW)),
        gathered -> {
          assertThat(gathered.why()).isEqualTo(Completion.DEADLINE);
          assertThat(gathered.complete()).isFalse();
          assertThat(gathered.answers()).hasSize(1);
          assertThat(gathered.took()).isEqualTo(QuotesConfiguration.WITHIN);
        });
  }
}
