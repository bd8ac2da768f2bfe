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
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What cannot be loaded, and what people do about it. */
@InBrowser
class StuckTest {

  /** The bags of a parked flight on its belt, when they have come to where they wait. */
  private static final String STAND_SIDE_BY_SIDE =
      """
      () => {
        const seen = [...document.querySelectorAll("[data-parked='true'] [data-room='true']")]
          .map((bag) => bag.getBoundingClientRect())
          .sort((one, other) => one.left - other.left);
        return seen.length > 2 && seen.every((bag, i) => i === 0 || bag.left >= seen[i - 1].right);
      }
      """;

  private static Locator button(Locator in, String name) {
    return in.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(name));
  }

  /** Returns when the page shows them all; the id of the newest letter. */
  private static long smudge(Airport airport, Page page, int bags) {
    // Nothing else is to become a dead letter meanwhile.
    airport.send("DELETE", "/api/load");
    page.navigate(airport.address("#smudge"));
    assertThat(page.locator("#s-verdict")).hasText("holds");
    assertThat(page.locator("#n-in-flight")).hasText("0");
    long last = newest(airport);
    page.locator("#smudge-bags").fill(Integer.toString(bags));
    page.keyboard().press("Enter");
    assertThat(page.locator("#smudge-done")).containsText(bags + " bags");
    page.locator("#smudge-title + p a").click();
    assertThat(page.locator("#dead-letters")).isVisible();
    page.waitForFunction(
        """
        ([last, bags]) => [...document.querySelectorAll('#dead-rows [data-letter]')]
          .filter(({ dataset }) => Number(dataset.letter) > last).length === bags
        """,
        List.of((double) last, bags));
    return newest(airport);
  }

  private static long newest(Airport airport) {
    JsonNode newest = airport.get("/api/dead-letters?limit=1").path("deadLetters").path(0);
    return Long.parseLong(newest.path("id").asString("0"));
  }

  @Test
  void aDeadLetterIsInspectedRepairedAndLoaded(Airport airport, Page page) {
    Locator letter = page.locator("[data-letter='" + smudge(airport, page, 3) + "']");
    letter.press("Enter");
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
    assertThat(letter).hasCount(0);
    page.waitForFunction(
        "tag => fetch(`/api/bags/${tag}`).then((r) => r.json()).then((b) => b.stage === 'LOADED')",
        tag);
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  @Test
  void allDeadLettersAreSentBackWithNewTags(Airport airport, Page page) {
    smudge(airport, page, 5);

    sendAllBack(page);

    assertThat(page.locator("#announce")).hasText(Pattern.compile("\\d+ letters are sent back"));
    assertThat(page.locator("#dead-rows .preview").getByText("????")).hasCount(0);
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  /** Asks again while somebody else has letters sent back: one such at a time. */
  private static void sendAllBack(Page page) {
    Locator button = page.locator("#dead-redrive-all");
    long end = System.nanoTime() + Airport.LIMIT.toNanos();
    do {
      button.click();
      assertThat(button).isEnabled();
    } while (page.locator("#dead-error").textContent().contains("one redrive at a time")
        && System.nanoTime() - end < 0);
  }

  @Test
  void aJammedFlightIsParkedAndReleasedInItsOrder(Airport airport, Page page) {
    page.navigate(airport.address("#jam"));
    page.locator("#jam-flight").fill("UA 251");
    page.keyboard().press("Enter");
    Locator jammed = page.locator("#jammed li").filter(withText("UA 251"));
    jammed.waitFor();
    String key = airport.get("/api/chaos").path("jammed").path(0).asString();

    page.locator(".topics li a[href='#bags']").click();
    page.locator("#flight").fill("UA 251");
    // Meanwhile that one may have left, and another one of the flight be the next.
    page.locator("#date").fill(key.substring(key.indexOf('-') + 1));
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
    page.waitForFunction(STAND_SIDE_BY_SIDE);

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
