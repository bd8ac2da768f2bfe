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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A bag without a route is a dead letter; with one it is sent back, and arrives. */
@InBrowser
class CarouselsTest {

  @AfterEach
  void withoutTheRoute(Airport airport) {
    airport.send("DELETE", "/api/carousels/routes/VX");
  }

  @Test
  void getWhatTheTableSaysAndWhatItDidNotKnowWhenItKnowsIt(Airport airport, Page page) {
    page.navigate(airport.address("#carousel-panel"));
    page.locator("#unload-bags").fill("1");
    page.locator("#unload-flight").fill("VX 407");
    page.locator("#unload-flight").press("Enter");
    page.navigate(airport.address("#dead-letters"));
    Locator letter =
        page.locator("#dead-rows tr").filter(new Locator.FilterOptions().setHasText("VX 407"));
    assertThat(letter.first()).containsText("UNROUTABLE");

    page.navigate(airport.address("#carousel-panel"));
    page.locator("#route-key").fill("VX");
    page.locator("#route-carousel").selectOption("3");
    page.locator("#route-key").press("Enter");
    assertThat(page.locator("#routes")).containsText("VX");
    page.navigate(airport.address("#dead-letters"));
    letter.first().locator("button").click();
    page.locator("#letter-as-is").click();

    page.navigate(airport.address("#carousel-panel"));
    assertThat(page.locator("#carousel-list li").nth(2)).containsText("VX 407");
  }
}
