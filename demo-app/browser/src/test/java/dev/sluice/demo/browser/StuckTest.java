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
import com.microsoft.playwright.options.AriaRole;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What cannot be loaded, and what people do about it. */
@InBrowser
class StuckTest {

  private static Locator button(Locator in, String name) {
    return in.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(name));
  }

  private static void smudge(Airport airport, Page page, int bags) {
    page.navigate(airport.address("#smudge"));
    page.locator("#smudge-bags").fill(Integer.toString(bags));
    page.keyboard().press("Enter");
    assertThat(page.locator("#smudge-done")).containsText(bags + " bags");
    page.locator("#smudge-title + p a").click();
    assertThat(page.locator("#dead-letters")).isVisible();
    smudged(page).nth(bags - 1).waitFor();
  }

  /** Other tests leave letters of which not even the flight can be read. */
  private static Locator smudged(Page page) {
    return page.locator("#dead-rows tr").filter(withText("????\",\"flight"));
  }

  @Test
  void aDeadLetterIsInspectedRepairedAndLoaded(Airport airport, Page page) {
    smudge(airport, page, 3);
    Locator row = smudged(page).first();
    String record = row.locator(".record").textContent();
    button(row, "Inspect").press("Enter");
    Locator dialog = page.locator("#letter-dialog");
    assertThat(dialog).isVisible();
    assertThat(dialog.locator("#letter-body")).containsText("????");
    assertThat(dialog.locator("#letter-flight")).hasValue(Pattern.compile(".. \\d+"));

    // What is still wrong is explained at the field.
    button(dialog, "Repair and send back").click();
    assertThat(dialog.locator("#letter-tag-error")).containsText("10 digits");
    assertThat(dialog.locator("#letter-tag")).isFocused();

    button(dialog, "New tag").click();
    String tag = dialog.locator("#letter-tag").inputValue();
    button(dialog, "Repair and send back").click();

    assertThat(dialog).isHidden();
    assertThat(page.locator("#dead-rows .record").getByText(record)).hasCount(0);
    page.waitForFunction(
        "tag => fetch(`/api/bags/${tag}`).then((r) => r.json()).then((b) => b.stage === 'LOADED')",
        tag);
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  @Test
  void allDeadLettersAreSentBackWithNewTags(Airport airport, Page page) {
    smudge(airport, page, 5);

    page.locator("#dead-redrive-all").click();

    assertThat(page.locator("#announce")).hasText(Pattern.compile("\\d+ letters are sent back"));
    assertThat(page.locator("#dead-rows .preview").getByText("????")).hasCount(0);
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  @Test
  void aJammedFlightIsParkedAndReleasedInItsOrder(Airport airport, Page page) {
    page.navigate(airport.address("#jam"));
    page.locator("#jam-flight").fill("UA 251");
    page.keyboard().press("Enter");
    Locator jammed = page.locator("#jammed li").filter(withText("UA 251"));
    jammed.waitFor();

    page.locator(".topics li a[href='#bags']").click();
    page.locator("#flight").fill("UA 251");
    for (int i = 0; i < 3; i++) {
      page.locator("#new-tag").click();
      page.locator("#check-in-send").click();
      assertThat(page.locator("#check-in-done"))
          .containsText(page.locator("#tag").inputValue() + " is checked in");
    }

    Locator flight = page.locator(".parked-flight").filter(withText("UA 251"));
    // Other tests may have sent back bags of this flight.
    assertThat(flight.locator(".bags"))
        .hasText(Pattern.compile("^([3-9]|[1-9]\\d+) bags waiting$"));
    assertThat(page.locator("#n-parked")).hasText(Pattern.compile("^([3-9]|[1-9]\\d+)$"));
    assertThat(page.locator("#alarm")).containsText("parked");

    flight.getByRole(AriaRole.BUTTON).press("Enter");

    assertThat(flight).hasCount(0);
    assertThat(page.locator("#n-parked")).hasText("0");
    assertThat(page.locator("#n-in-flight")).hasText("0");
    assertThat(page.locator("#n-out-of-order")).hasText("0");
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  private static Locator.FilterOptions withText(String text) {
    return new Locator.FilterOptions().setHasText(text);
  }
}
