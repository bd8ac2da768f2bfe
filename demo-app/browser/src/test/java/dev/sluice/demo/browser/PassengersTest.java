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
import org.junit.jupiter.api.Test;

/** Passengers who have missed a flight, look for a seat, or for a bag. */
@InBrowser
class PassengersTest {

  /** Returns when it is so: what is asked for at once may be done in another order. */
  private static void set(Page page, String fault, boolean on) {
    page.waitForResponse(
        Pattern.compile("/faults/" + fault), () -> page.locator("#fault-" + fault).setChecked(on));
  }

  @Test
  void areRebookedOrNotAndSomebodyDecidesWhatIsStuck(Airport airport, Page page) {
    page.navigate(airport.address("#passengers"));
    String booking = page.locator("#booking").inputValue();
    set(page, "ticket", true);
    set(page, "refund", true);

    page.locator("#rebook button").click();

    Locator saga =
        page.locator(".saga").filter(new Locator.FilterOptions().setHasText(booking)).first();
    assertThat(saga.locator(".saga-state")).hasText("needs a decision");
    assertThat(saga.locator(".saga-why")).hasText("the airline issues no ticket");
    assertThat(page.locator(".topics a[href='#passengers'] .number")).hasText("1");
    assertThat(saga.locator(".undone-by-hand")).hasText("Charge was undone by hand");
    assertThat(saga.locator(".undone-by-hand")).isInViewport();
    saga.locator("summary").click();
    assertThat(saga.locator(".saga-journal")).containsText("parked Charge");

    set(page, "refund", false);
    set(page, "ticket", false);
    saga.locator(".resume").click();

    assertThat(saga.locator(".saga-state")).hasText("undone");
    assertThat(saga.locator(".saga-decide")).isHidden();
    assertThat(page.locator(".topics a[href='#passengers'] .badge")).isHidden();

    String next = page.locator("#booking").inputValue();
    page.locator("#rebook button").click();
    assertThat(
            page.locator(".saga")
                .filter(new Locator.FilterOptions().setHasText(next))
                .locator(".saga-state"))
        .hasText("rebooked");
  }

  @Test
  void areOfferedSeatsAndToldWhereTheirBagIs(Airport airport, Page page) {
    page.navigate(airport.address("#quotes"));

    page.locator("#quote button").click();

    assertThat(page.locator("#legs li")).hasCount(5);
    assertThat(page.locator("#quote-done"))
        .hasText(Pattern.compile("^(Three have answered|Not enough have answered).*"));

    page.locator("#claim-tag").fill("9999999999");
    page.locator("#claim button").click();
    assertThat(page.locator("#claim-list li").first()).containsText("no bag with this tag");
  }
}
