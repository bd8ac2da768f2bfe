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

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Bags on the belts, by load and one by one. */
@InBrowser
class BagsTest {

  @Test
  void travelFromCheckInToTheHoldInBalance(Airport airport, Page page) {
    page.navigate(airport.address(""));
    // More than can be sent before the page has been looked at.
    page.locator("#load-bags").fill("100000");

    page.locator("#load-start").click();

    assertThat(page.locator("#load-state")).hasText("running");
    page.locator("#lanes .bag[data-stage='LOADING']").first().waitFor();
    page.locator("#lanes .bag[data-stage='LOADED']").first().waitFor();
    page.locator("#load-stop").click();
    assertThat(page.locator("#load-state")).hasText("stopped");
    assertThat(page.locator("#n-in-flight")).hasText("0");
    assertThat(page.locator("#n-out-of-order")).hasText("0");
    assertThat(page.locator("#s-verdict")).hasText("holds");
    assertThat(page.locator("#samples")).hasText(Pattern.compile("no violation$"));
    assertThat(page.locator("#announce")).hasText(Pattern.compile("^All bags are settled:"));
  }

  @Test
  void areCheckedInByKeyboard(Airport airport, Page page) {
    page.navigate(airport.address(""));
    String tag = page.locator("#tag").inputValue();
    page.locator("#flight").focus();

    page.keyboard().type("B6 108");
    page.keyboard().press("Enter");

    assertThat(page.locator("#check-in-done"))
        .hasText(Pattern.compile(tag + " is checked in for B6 108: number \\d+ of this flight\\."));

    page.keyboard().press("Enter");
    assertThat(page.locator("#check-in-done"))
        .hasText(tag + " was already checked in for B6 108. It still counts once.");
  }

  @Test
  void thatAreRefusedAreExplainedAtTheField(Airport airport, Page page) {
    page.navigate(airport.address(""));
    page.locator("#tag").fill("12");
    page.locator("#flight").fill("XX 1");

    page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Check in").setExact(true))
        .click();

    assertThat(page.locator("#tag-error")).hasText("12 (expected: 10 digits)");
    assertThat(page.locator("#flight-error")).containsText("a flight of the schedule");
    assertThat(page.locator("#tag")).isFocused();
    assertThat(page.locator("#tag")).hasAttribute("aria-invalid", "true");
  }
}
