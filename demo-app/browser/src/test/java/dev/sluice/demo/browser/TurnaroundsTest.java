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

/** Aircraft that are turned round, by crews that can be killed. */
@InBrowser
class TurnaroundsTest {

  @AfterEach
  void revive(Airport airport) {
    airport.send("PUT", "/api/turnarounds/crews/fuel?works=true");
  }

  @Test
  void areDoneByWhoStandsByWhenACrewIsKilled(Airport airport, Page page) {
    page.navigate(airport.address("#turnarounds"));
    page.locator("#crew-fuel").focus();
    // What is asked for at once may be done in another order.
    page.waitForResponse(Pattern.compile("/crews/fuel"), () -> page.keyboard().press("Space"));

    page.locator("#turn-flight").press("Enter");

    assertThat(page.locator("#turned-list li .saga-state").first()).hasText("ready");
    assertThat(page.locator("#turned-list .saga-steps").first())
        .containsText(
            Pattern.compile("fuel.*done by standby.*clean.*done by clean", Pattern.DOTALL));
    assertThat(page.locator("#remedy-list")).containsText("given to standby");
    page.waitForResponse(
        Pattern.compile("/crews/fuel"), () -> page.locator("#crew-fuel").press("Space"));
    assertThat(page.locator("#crew-fuel")).isChecked();
  }
}
