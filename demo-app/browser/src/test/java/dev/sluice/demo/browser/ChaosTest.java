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
import org.junit.jupiter.api.Test;

/** Things are broken on purpose, and mended; Kafka is stopped by the tour. */
@InBrowser
class ChaosTest {

  private static Locator badge(Page page) {
    return page.locator(".topics a[href='#chaos'] .number");
  }

  @Test
  void makesCustomsTakeItsTime(Airport airport, Page page) {
    page.navigate(airport.address("#chaos"));
    Locator slow = page.locator("#slow-customs");

    slow.press("Space");

    assertThat(badge(page)).hasText("1");
    assertThat(page.locator("#broken-now")).hasText("Broken now: customs is slow.");
    assertThat(page.locator("#customs-pace")).hasText("slow");
    slow.press("Space");
    assertThat(badge(page)).isHidden();
    assertThat(page.locator("#broken-now")).hasText("");
    assertThat(page.locator("#customs-pace")).hasText("at its usual pace");
  }

  @Test
  void killsTheConnectionsToTheDatabase(Airport airport, Page page) {
    page.navigate(airport.address("#chaos"));

    page.locator("#kill-connections").click();

    assertThat(page.locator("#kill-done")).containsText("were ended");
    assertThat(page.locator("#s-verdict")).hasText("holds");
  }

  @Test
  void explainsWhatCannotBeBroken(Airport airport, Page page) {
    page.navigate(airport.address("#jam"));
    page.locator("#jam-flight").fill("XX 1");
    page.keyboard().press("Enter");
    assertThat(page.locator("#jam-flight-error")).containsText("a flight of the schedule");

    page.locator("#smudge-bags").fill("many");
    page.keyboard().press("Enter");
    assertThat(page.locator("#smudge-bags-error")).hasText("many (expected: 1..1000)");
  }
}
