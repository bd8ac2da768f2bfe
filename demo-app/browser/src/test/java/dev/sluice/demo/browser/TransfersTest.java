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
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Bags of aircraft that land. */
@InBrowser
class TransfersTest {

  @Test
  void areScreenedByMoreStationsTheMoreThereAreAndThenCheckedIn(Airport airport, Page page) {
    page.navigate(airport.address("#transfers"));
    page.locator("#land-bags").fill("250");
    page.locator("#land-late").fill("3");

    page.keyboard().press("Enter");

    assertThat(page.locator("#land-done")).hasText(Pattern.compile("^250 bags: .* local\\.$"));
    assertThat(page.locator("#t-places [data-open='true']").nth(1)).isVisible();
    assertThat(page.locator("#t-waiting")).hasText("0");
    assertThat(page.locator("#t-belt")).hasText("0");
    assertThat(page.locator("#t-screened")).hasText(Pattern.compile("^[1-9][\\d,]* screened$"));
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  @Test
  void goFromOnePlaceToTheNextByAnArrow(Airport airport, Page page) {
    page.navigate(airport.address("#transfers"));

    assertThat(page.locator(".stations")).isVisible();
    assertThat(
            (List<?>)
                page.evaluate(
                    """
                    () => [...document.querySelectorAll('.stations > li')]
                      .map((place) => getComputedStyle(place, '::after'))
                      .map(({ content, display }) => (display === 'none' ? 'none' : content))
                    """))
        .isEqualTo(List.of("\"→\"", "\"↓\"", "\"←\"", "none"));
  }

  @Test
  void areNotMoreThanCanBe(Airport airport, Page page) {
    page.navigate(airport.address("#transfers"));
    page.locator("#land-bags").fill("0");

    page.keyboard().press("Enter");

    assertThat(page.locator("#land-bags-error")).hasText("0 (expected: 1..2000)");
    assertThat(page.locator("#land-bags")).isFocused();
  }
}
