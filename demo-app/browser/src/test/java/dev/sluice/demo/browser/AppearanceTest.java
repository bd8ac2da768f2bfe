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
import dev.sluice.demo.browser.Airport.Look;
import dev.sluice.demo.browser.Airport.Visit;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What everybody has to be able to see and use: contrast, names, sizes, and no motion on demand.
 */
@InBrowser
class AppearanceTest {

  private static final String VIOLATIONS =
      """
      () => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
        .then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map((node) =>
          `${id}: ${help}: ${node.target}: ${node.any.map(({ message }) => message)}`)))
      """;

  private static final String SIDEWAYS =
      "() => document.documentElement.scrollWidth - document.documentElement.clientWidth";

  /** With {@code -Dscreenshots=true}, pictures of every look are left to be looked at. */
  private static final boolean SCREENSHOTS = Boolean.getBoolean("screenshots");

  static Stream<Look> looks() {
    Look look = Look.USUAL.still();
    return SCREENSHOTS
        ? Stream.of(look, look.dark(), look.width(390), look.width(390).dark())
        : Stream.of(look, look.width(390).dark());
  }

  private static String axe() throws IOException {
    try (InputStream in = AppearanceTest.class.getResourceAsStream("/axe.min.js")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @MethodSource("looks")
  void followsTheRulesForEverybodyInEachTopic(Look look, Airport airport) throws IOException {
    airport.send("POST", "/api/load?rate=500&bags=300&unreadableShare=0.1");
    try (Visit visit = airport.visit(look)) {
      Page page = visit.page();
      page.navigate(airport.address(""));
      assertThat(page.locator("#n-dead")).not().hasText("0");
      for (Object topic :
          (List<?>)
              page.evaluate("() => [...document.querySelectorAll('.topic')].map(({ id }) => id)")) {
        page.locator(".topics li a[href='#" + topic + "']").click();
        assertThat(page.locator("#" + topic)).isVisible();
        fits(page, topic + "-" + look);
      }
      // All of them at once: the rules look at the frame around them again each time.
      page.evaluate(
          "() => document.querySelectorAll('.topic').forEach((each) => { each.hidden = false; })");
      followsTheRules(page, "topics-" + look);
      assertThat(visit.errors()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("looks")
  void followsTheRulesForEverybodyInTheTour(Look look, Airport airport) throws IOException {
    try (Visit visit = airport.visit(look)) {
      Page page = visit.page();
      page.navigate(airport.address("?tour=1"));
      assertThat(page.locator("#tour")).isVisible();
      fits(page, "tour-" + look);
      followsTheRules(page, "tour-" + look);
      page.locator("#tour-end").click();
      assertThat(page.locator("body")).hasAttribute("data-tour", "finished");
    }
  }

  private static void followsTheRules(Page page, String what) throws IOException {
    page.evaluate(axe());
    assertThat((List<?>) page.evaluate(VIOLATIONS)).as(what).isEmpty();
  }

  private static void fits(Page page, String what) {
    if (SCREENSHOTS) {
      Airport.picture(page, what);
    }
    assertThat(page.evaluate(SIDEWAYS)).as(what + ": sideways scrolling").isEqualTo(0);
  }

  @Test
  void standsStillForWhoAsksForThat(Airport airport) {
    String moving = "() => document.getAnimations().length";
    try (Visit usual = airport.visit(Look.USUAL);
        Visit still = airport.visit(Look.USUAL.still())) {
      usual.page().navigate(airport.address(""));
      still.page().navigate(airport.address(""));
      airport.whileBagsCome(
          200,
          () -> {
            // The belts roll for one of them while bags pass on those of the other.
            usual.page().waitForFunction("() => document.getAnimations().length > 0");
            still.page().locator("#lanes .bag").first().waitFor();
            assertThat(still.page().evaluate(moving)).isEqualTo(0);
          });
    }
  }
}
