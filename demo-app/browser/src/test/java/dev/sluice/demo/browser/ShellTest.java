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

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import dev.sluice.demo.live.LiveFeed;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The frame around all topics: navigation, connection, balance. */
@InBrowser
class ShellTest {

  private static Locator link(Page page, String topic) {
    return page.getByRole(AriaRole.NAVIGATION).getByRole(AriaRole.LINK).filter(with(topic));
  }

  private static Locator.FilterOptions with(String text) {
    return new Locator.FilterOptions().setHasText(text);
  }

  @Test
  void opensWithTheBagsAndTheBalance(Airport airport, Page page) {
    page.navigate(airport.address(""));

    assertThat(page).hasTitle("Baggage control · Sluice");
    assertThat(page.locator("#link-text")).hasText("connected");
    assertThat(page.locator("#kafka-text")).hasText(Pattern.compile("127\\.0\\.0\\.1:\\d+"));
    assertThat(page.locator(".topic:visible")).hasAttribute("id", "bags");
    assertThat(page.locator("#lanes > li")).hasCount(10);
    assertThat(page.locator("#strip")).hasAttribute("data-holds", "true");
  }

  @Test
  void showsEachTopicUnderItsAddressAndTheBalanceInAllOfThem(Airport airport, Page page) {
    page.navigate(airport.address(""));
    List<Locator> links = page.locator(".topics li a").all();
    assertThat(links).hasSizeGreaterThan(2);

    for (Locator each : links) {
      each.click();

      assertThat(each).hasAttribute("aria-current", "page");
      String hash = each.getAttribute("href");
      assertThat(page).hasURL(airport.address(hash));
      assertThat(page.locator(".topic:visible")).hasCount(1);
      assertThat(page.locator(hash)).isVisible();
      assertThat(page.locator("#strip")).isInViewport();
    }
    page.goBack();
    assertThat(links.get(links.size() - 2)).hasAttribute("aria-current", "page");
  }

  @Test
  void opensTheTopicOfWhateverTheAddressNames(Airport airport, Page page) {
    page.navigate(airport.address("#patterns"));
    assertThat(page.locator("#patterns")).isVisible();
    assertThat(page).hasTitle("Patterns · Baggage control · Sluice");

    page.locator("#patterns .where a[href='#convoy']").click();

    assertThat(page.locator("#convoy")).isInViewport();
    assertThat(link(page, "Bags")).hasAttribute("aria-current", "page");
  }

  @Test
  void isOperableByKeyboardAlone(Airport airport, Page page) {
    page.navigate(airport.address(""));
    assertThat(page.locator("#lanes > li")).hasCount(10);

    page.keyboard().press("Tab");
    assertThat(page.locator(".skip")).isFocused();
    List<Locator> links = page.locator(".topics li a").all();
    assertThat(links).hasSizeGreaterThan(2);
    for (Locator each : links) {
      page.keyboard().press("Tab");
      assertThat(each).isFocused();
    }
    Locator last = page.locator(links.get(links.size() - 1).getAttribute("href"));
    page.keyboard().press("Enter");
    assertThat(last).isVisible();
    assertThat(last).isFocused();

    page.locator(".skip").focus();
    page.keyboard().press("Enter");
    assertThat(page.locator("#main")).isFocused();
    assertThat(last).isVisible();
  }

  @Test
  void saysSoWhenTheLiveFeedStopsAndWhenItIsBack(Airport airport, Page page) {
    page.navigate(airport.address(""));
    assertThat(page.locator("#link-text")).hasText("connected");
    LiveFeed feed = airport.bean(LiveFeed.class);

    feed.stop();
    try {
      assertThat(page.locator("#outage")).isVisible();
      assertThat(page.locator("#outage-text")).hasText(Pattern.compile("^What you see is from"));
      assertThat(page.locator("#alarm")).hasText("Connection to baggage control lost.");
      assertThat(page.locator("#flow-text")).hasText("unknown");
    } finally {
      feed.start();
    }

    assertThat(page.locator("#link-text")).hasText("connected");
    assertThat(page.locator("#outage")).isHidden();
  }
}
