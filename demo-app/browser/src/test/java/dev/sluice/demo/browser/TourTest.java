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
package dev.sluice.demo.browser;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The tour: it flips the switches of all topics, so it is the smoke test of the whole demo. */
@InBrowser
class TourTest {

  /** It goes on without what does not happen within 45 s, so it ends long before this. */
  private static final double END = Duration.ofMinutes(4).toMillis();

  @Test
  void runsToItsEndAndTheBalanceHolds(Airport airport, Page page) {
    page.navigate(airport.address("?tour=1&speed=20"));

    assertThat(page.locator("body"))
        .hasAttribute(
            "data-tour", "finished", new LocatorAssertions.HasAttributeOptions().setTimeout(END));
    assertThat(page.locator("#tour-title")).hasText("The balance has held");
    assertThat(page.locator("#tour-caption").textContent())
        .contains("no violation")
        .doesNotContain("Missed");
    assertThat(page.locator("#s-verdict")).hasText("holds");
    assertThat(page.locator("#n-out-of-order")).hasText("0");
    assertThat(page.locator("#remedy-list")).containsText("given to standby");
    assertThat(airport.broken()).isEmpty();
    assertThat(page.locator("#tour-end")).isFocused();

    page.keyboard().press("Enter");

    assertThat(page.locator("#tour")).isHidden();
    assertThat(page.locator("#main")).isFocused();
  }

  @Test
  void isPausedLedAndEndedByKeyboard(Airport airport, Page page) {
    // Slow, so that the first step is not over before it has been paused.
    page.navigate(airport.address("?tour=1&speed=0.1"));
    assertThat(page.locator("#tour")).isFocused();
    assertThat(page.locator("#load-state")).hasText("running");

    page.keyboard().press("Tab");
    assertThat(page.locator("#tour-pause")).isFocused();
    page.keyboard().press("Enter");
    assertThat(page.locator("body")).hasAttribute("data-tour", "paused");
    page.keyboard().press("Tab");
    page.keyboard().press("Enter");
    assertThat(page.locator("#tour-title")).hasText("Sequential convoy");
    assertThat(page.locator("#board")).isInViewport();
    page.keyboard().press("Escape");

    assertThat(page.locator("body")).hasAttribute("data-tour", "finished");
    assertThat(page.locator("#load-state")).hasText("stopped");
  }
}
