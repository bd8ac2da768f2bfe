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

/** Aircraft that are turned round, by crews that can be killed: by whom then, the tour shows. */
@InBrowser
class TurnaroundsTest {

  @AfterEach
  void revive(Airport airport) {
    airport.send("PUT", "/api/turnarounds/crews/standby?works=true");
  }

  @Test
  void areDoneStepByStepByTheirCrews(Airport airport, Page page) {
    page.navigate(airport.address("#turnarounds"));
    page.locator("#turn-flight").press("Enter");

    assertThat(page.locator("#turned-list li .saga-state").first()).hasText("ready");
    assertThat(page.locator("#turned-list .saga-steps").first())
        .containsText(
            Pattern.compile(
                "fuel.*done by fuel.*clean.*done by clean.*load.*done by load", Pattern.DOTALL));
  }

  @Test
  void haveCrewsThatAreKilledAndRevivedByKeyboard(Airport airport, Page page) {
    page.navigate(airport.address("#turnarounds"));
    Locator standby = page.locator("#crew-standby");
    Locator said = page.locator("#announce");

    standby.press("Space");
    assertThat(said).hasText("The crew standby is dead.");
    assertThat(standby).not().isChecked();

    standby.press("Space");
    assertThat(said).hasText("The crew standby works again.");
    assertThat(standby).isChecked();
    assertThat(page.locator("#crews-error")).isEmpty();
  }
}
