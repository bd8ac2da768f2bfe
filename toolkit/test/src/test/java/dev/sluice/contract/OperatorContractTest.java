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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import dev.sluice.contract.Relay.Bug;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;
import reactor.core.publisher.Flux;

/** An operator without a bug passes, and each bug is found by the test that is for it. */
@Timeout(300)
class OperatorContractTest {

  private static Bug bug = Bug.NONE;

  private static TestExecutionSummary run(Bug seeded, DiscoverySelector tests) {
    bug = seeded;
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request().selectors(tests).build(), listener);
    return listener.getSummary();
  }

  @ParameterizedTest
  @CsvSource({
    "FORGETS_ITS_QUEUE_ON_CANCEL, mayBeCancelledAtAnyMoment, had the fates {ENTERED=1}",
    "FORGETS_ITS_QUEUE_ON_ERROR, endsWhenASourceFailsAtAnyStep, had the fates {ENTERED=1}",
    "FORGETS_AN_ELEMENT_THAT_RACES_CANCEL, keepsAccountWhenACancelRacesEverything, ENTERED=1}",
    "DISCARDS_TWICE, mayBeCancelledAtAnyMoment, DISCARDED=2",
    "EMITS_TWICE, completesAndAccountsForEveryItem, EMITTED=2",
    "LEAVES_SOURCES_WHEN_CANCELLED, mayBeCancelledAtAnyMoment, was neither cancelled nor",
    "LEAVES_SOURCES_WHEN_ONE_FAILS, endsWhenASourceFailsAtAnyStep, was neither cancelled nor",
    "GOES_ON_AFTER_CANCEL, mayBeCancelledAtAnyMoment, mapper was called after the end",
    "IGNORES_DEMAND, completesAndAccountsForEveryItem, was emitted but not asked for",
    "OVERFLOWS, takesDemandThatOverflows, it stalls",
    "LOSES_DEMAND, losesNoDemandWhenRequestsRace, it stalls",
    "SIGNALS_CONCURRENTLY, losesNoDemandWhenRequestsRace, while another signal was being received",
    "RECURSES, doesNotRecurse, while another signal was being received",
    "TAKES_MORE_THAN_ITS_PREFETCH, asksNoSourceForMoreThanItsPrefetch, source 0",
    "NEVER_ASKS_AGAIN, completesAndAccountsForEveryItem, it stalls",
    "SWALLOWS_AN_EXCEPTION, survivesEveryFailureOfAUsersFunction, nobody was told",
    "SWALLOWS_A_NULL, survivesEveryFailureOfAUsersFunction, nobody was told of the null",
    "SWALLOWS_A_LATE_ELEMENT, dropsWhatComesAfterTheEnd, had the fates {ENTERED=1}",
    "SWALLOWS_A_LATE_ERROR, dropsWhatComesAfterTheEnd, nobody was told of: too late",
    "HIDES_THE_CONTEXT, showsTheContextToSourcesAndInnerPublishers, sees the Context",
    "HIDES_WHAT_IS_BELOW, canBeScannedFromEachSourceToTheSubscriber, ACTUAL",
    "HIDES_WHAT_IS_ABOVE, canBeScannedFromTheSubscriberToASource, PARENT and inners",
    "HIDES_ITS_RUN_STYLE, canBeScannedFromEachSourceToTheSubscriber, RUN_STYLE of a",
    "HIDES_ITS_END, tellsThatItHasEnded, TERMINATED",
    "HIDES_ITS_CANCELLATION, tellsThatItWasCancelled, CANCELLED then",
    "WAKES_AFTER_THE_END, mayBeCancelledAtAnyMoment, mapper was called after the end"
  })
  void eachBugIsFoundByTheTestThatIsForIt(Bug seeded, String test, String message) {
    assertThat(run(seeded, selectMethod(RelayUnderTest.class, test)).getFailures())
        .singleElement()
        .satisfies(failure -> assertThat(failure.getException()).hasMessageContaining(message));
  }

  @Test
  void withoutABugNothingFails() {
    TestExecutionSummary summary = run(Bug.NONE, selectClass(RelayUnderTest.class));
    assertThat(summary.getFailures()).isEmpty();
    assertThat(summary.getTestsSucceededCount()).isEqualTo(18);
  }

  /** Started by the tests above; found by nobody else, because its name does not end in Test. */
  static class RelayUnderTest extends OperatorContract<Integer, String> {

    @Override
    protected int sources() {
      return 2;
    }

    @Override
    protected Integer element(int n) {
      return n;
    }

    @Override
    protected Flux<String> assemble(List<Flux<Integer>> sources, UserCode user) {
      return new Relay<>(sources, e -> user.make("mapper", e == null ? -1 : e, "mapped " + e), bug);
    }
  }
}
