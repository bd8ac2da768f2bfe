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

/** Bags that go through the X-ray and customs. */
@InBrowser
class CustomsTest {

  private static final int MOST_QUESTIONS = 10;

  @Test
  void areShownWithTheImageThatWasRedeemed(Airport airport, Page page) {
    airport.whileBagsCome(
        100,
        () -> {
          page.navigate(airport.address("#customs"));
          assertThat(page.locator("#customs-tag")).hasValue(Pattern.compile("\\d{10}"));
        });
    String tag = page.locator("#customs-tag").inputValue();

    inspect(page);

    assertThat(page.locator("#inspect-error")).isEmpty();
    assertThat(page.locator("#inspect-done"))
        .hasText(Pattern.compile("^(Cleared|Stopped): .*image.*"));
    assertThat(page.locator("#customs-list li").first()).containsText(tag);
    page.waitForFunction(
        "() => { const image = document.querySelector('#customs-list img');"
            + " return image && image.complete && image.naturalWidth === 960; }");
    page.locator("#customs-tag").fill("9999999999");
    page.locator("#inspect-send").click();
    assertThat(page.locator("#inspect-error")).hasText("no bag with this tag is checked in");
  }

  /** Asks again where the answer comes too late, as one does; the first may take its time. */
  private static void inspect(Page page) {
    Locator error = page.locator("#inspect-error");
    int questions = 0;
    do {
      page.locator("#inspect-send").click();
      page.waitForFunction(
          "() => ['inspect-done', 'inspect-error'].some("
              + "id => document.getElementById(id).textContent !== '')");
      questions++;
    } while (questions < MOST_QUESTIONS
        && error.textContent().startsWith("customs has not answered"));
  }
}
