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

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherConstants;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A check that cannot fail is none: with each {@link Mistake} the contract fails, and where. */
class MistakesTest {

  /** For each mistake some of the tests that find it, whatever the timing is. */
  private static final Map<Mistake, Set<String>> FOUND_BY =
      Map.ofEntries(
          Map.entry(Mistake.ACKNOWLEDGE_ON_DELIVERY, Set.of("takesBackWhatIsUndecided")),
          Map.entry(Mistake.COMMIT_HIGHEST_SEEN, Set.of("bringsAgainNothingThatWasDurable")),
          Map.entry(Mistake.DURABLE_BEFORE_CONFIRMED, Set.of("byAnAckConsumesTheMessage")),
          Map.entry(
              Mistake.NO_EPOCH_CHECK,
              Set.of("onceEndedLeavesAnAckThatDoesNotConsumeForTheNextOwner")),
          Map.entry(Mistake.STALE_RECORDS_ADMITTED, Set.of("keepTheirOrderWhenTheOwnershipIsLost")),
          Map.entry(Mistake.CANCEL_IS_AN_ACK, Set.of("takesBackWhatIsUndecided")),
          Map.entry(Mistake.CONSUMED_BEFORE_LETTER, Set.of("isDoneWhenTheLetterIsConfirmed")),
          Map.entry(Mistake.RELEASE_IS_AN_ACK, Set.of("byAReleaseBringsTheMessageBackUncounted")),
          Map.entry(Mistake.DEMAND_IGNORED, Set.of("comesBeforeAnything", "isNeverExceeded")),
          Map.entry(Mistake.WINDOW_IGNORED, Set.of("isBoundedByTheUnsettled")),
          Map.entry(
              Mistake.NO_FLUSH_AT_THE_END,
              Set.of("letsTakeEffectWhatWasDecided", "makesDurableWhatWasDecided")));

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void isFound(Mistake mistake) {
    Set<String> by = FOUND_BY.get(mistake);
    assertThat(by).as("tests that find %s", mistake).isNotEmpty();
    assertThat(failing(mistake, by)).as("tests that fail with %s", mistake).isEqualTo(by);
  }

  @Test
  void isNotFoundWhereThereIsNone() {
    Set<String> all = new TreeSet<>();
    FOUND_BY.values().forEach(all::addAll);
    assertThat(failing(Mistake.NONE, all)).isEmpty();
  }

  /** Runs these tests of the contract on a channel with that mistake. */
  private static Set<String> failing(Mistake mistake, Set<String> tests) {
    Contract.mistake = mistake;
    PostDiscoveryFilter filter =
        descriptor ->
            FilterResult.includedIf(
                descriptor
                    .getSource()
                    .filter(MethodSource.class::isInstance)
                    .map(source -> tests.contains(((MethodSource) source).getMethodName()))
                    .orElse(true));
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(List.of(selectClass(Contract.class)))
            .filters(filter)
            .configurationParameter(
                LauncherConstants.STACKTRACE_PRUNING_ENABLED_PROPERTY_NAME, "true")
            .build();
    Outcomes outcomes = new Outcomes();
    LauncherFactory.create().execute(request, outcomes);
    assertThat(outcomes.run).as("tests that ran").containsAll(tests);
    return outcomes.failed;
  }

  private static final class Outcomes implements TestExecutionListener {

    final Set<String> run = new TreeSet<>();
    final Set<String> failed = new TreeSet<>();

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      test.getSource()
          .filter(MethodSource.class::isInstance)
          .map(source -> ((MethodSource) source).getMethodName())
          .ifPresent(
              name -> {
                run.add(name);
                if (result.getStatus() == TestExecutionResult.Status.FAILED) {
                  failed.add(name);
                }
              });
    }
  }

  /** Not found by the build, because it is nested; run by the launcher above. */
  static class Contract extends ChannelContract {

    static Mistake mistake = Mistake.NONE;

    @Override
    protected ChannelRig rig() {
      return new LogRig(mistake);
    }
  }
}
