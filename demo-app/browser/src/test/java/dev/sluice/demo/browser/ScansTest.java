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
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Filters are moved with the keyboard, and one that would not find what it needs is not. */
@InBrowser
class ScansTest {

  @AfterEach
  void inTheUsualOrder(Airport airport) {
    airport.send("PUT", "/api/pipeline/order?filters=decode,measure,validate,screen,enrich,print");
  }

  @Test
  void areDoneInTheOrderThatIsSet(Airport airport, Page page) {
    page.navigate(airport.address("#scan"));
    assertThat(page.locator("#filters li")).hasCount(6);

    page.getByLabel("measure one earlier").press("Enter");

    assertThat(page.locator("#filters li").first()).containsText("measure");
    assertThat(page.getByLabel("measure one earlier")).isFocused();
    page.locator("#scan-bags").press("Enter");
    assertThat(page.locator("#scans li").first()).containsText("measure → decode → validate");

    page.getByLabel("screen one earlier").press("Enter");
    assertThat(page.locator("#filters-error"))
        .hasText(Pattern.compile("^filter screen: requires \\[valid\\].*"));
  }
}
