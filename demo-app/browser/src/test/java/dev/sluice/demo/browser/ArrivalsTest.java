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

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The graph of events, one arrival that is followed in it, and a participant that refuses. */
@InBrowser
class ArrivalsTest {

  @AfterEach
  void everybodyWorks(Airport airport) {
    airport.send("PUT", "/api/arrivals/participants/belt?does=works");
  }

  private static Locator node(Page page, String label) {
    return page.locator("#arrival-graph .node")
        .filter(new Locator.FilterOptions().setHasText(label))
        .first();
  }

  @Test
  void areFollowedInTheGraphThatTheServerDerives(Airport airport, Page page) {
    page.navigate(airport.address("#arrivals"));
    assertThat(page.locator("#arrival-graph .node")).hasCount(18);

    page.locator("#arrival-flight").press("Enter");

    assertThat(page.locator("#followed-steps")).containsText("desk made known: passengers.told");
    assertThat(node(page, "first-bag.out")).hasAttribute("data-followed", "true");
    assertThat(node(page, "first-bag.out").locator(".says")).hasText(Pattern.compile("[1-9]\\d*"));

    // What is asked for at once may be done in another order.
    page.waitForResponse(
        Pattern.compile("/participants/belt"),
        () -> page.locator("#duty-belt").selectOption("REFUSES"));
    page.locator("#arrival-flight").press("Enter");

    assertThat(page.locator("#followed-steps"))
        .containsText("belt refused, and made known: belt.stopped");
    assertThat(page.locator("#arrival-graph [data-duty='REFUSES']")).hasCount(1);
  }
}
