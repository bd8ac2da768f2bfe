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
package dev.sluice.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

class LeakCheckTest {

  private static final long SLOWLY = TimeUnit.MILLISECONDS.toNanos(50);

  @Test
  void failsTheTestThatLeaksAndNoOther() {
    TestExecutionSummary summary = run(OneOfThreeLeaks.class);
    assertThat(summary.getTestsSucceededCount()).isEqualTo(2);
    assertThat(summary.getFailures())
        .singleElement()
        .satisfies(
            failure -> {
              assertThat(failure.getTestIdentifier().getDisplayName()).isEqualTo("leaks()");
              assertThat(failure.getException())
                  .isInstanceOf(AssertionError.class)
                  .hasMessage("deliveries dropped undecided: 3 (expected: 0); the log says where");
            });
  }

  private static TestExecutionSummary run(Class<?> tests) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request().selectors(selectClass(tests)).build(), listener);
    return listener.getSummary();
  }

  @ExtendWith(LeakCheck.class)
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class OneOfThreeLeaks {

    @Test
    @Order(1)
    void settles() {
      handle().settle(Outcome.ack());
    }

    @Test
    @Order(2)
    void leaks() {
      for (int i = 0; i < 3; i++) {
        handle();
      }
    }

    @Test
    @Order(3)
    void settlesToo() {
      handle().settle(Outcome.ack());
    }

    private static Settlement handle() {
      return LeakDetector.track(
          new SettlementCore() {
            @Override
            protected void onDecided(Outcome outcome) {
              LockSupport.parkNanos(SLOWLY); // the check has to wait for the last of them
              markDurable();
            }
          },
          LeakDetector.assembly());
    }
  }
}
