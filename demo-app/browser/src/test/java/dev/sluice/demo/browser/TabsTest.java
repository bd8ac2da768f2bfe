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
import com.microsoft.playwright.Request;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Many pages in one browser, which opens six connections to a server and no more. */
@InBrowser
class TabsTest {

  private static final int PAGES = 7;
  private static final String FAULT = "/api/rebookings/faults/hotel?on=";

  @Test
  void areAllLiveAndCanAllChangeThings(Airport airport, Page first) {
    List<Page> pages =
        IntStream.range(0, PAGES)
            .mapToObj(i -> i == 0 ? first : first.context().newPage())
            .toList();
    try {
      for (Page page : pages) {
        page.navigate(airport.address("#passengers"));
        assertThat(page.locator("#link-text")).hasText("connected");
        assertThat(page.locator("#lamp-flow")).hasAttribute("data-state", "up");
      }

      pages.get(PAGES - 1).locator("#fault-hotel").check();

      for (Page page : pages) {
        assertThat(page.locator("#fault-hotel")).isChecked();
      }

      // Whichever page was there first, the others do without it.
      pages.subList(0, PAGES - 1).forEach(Page::close);
      Page last = pages.get(PAGES - 1);
      last.locator("#missed-flight").focus();
      airport.send("PUT", FAULT + false);
      assertThat(last.locator("#fault-hotel")).not().isChecked();
    } finally {
      airport.send("PUT", FAULT + false);
    }
  }

  @Test
  void oneThatFollowsManyClaimsLeavesConnectionsForTheRest(Airport airport, Page page) {
    AtomicInteger open = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Consumer<Request> ended = request -> open.addAndGet(isStream(request) ? -1 : 0);
    page.onRequest(
        request -> most.accumulateAndGet(open.addAndGet(isStream(request) ? 1 : 0), Math::max));
    page.onRequestFinished(ended);
    page.onRequestFailed(ended); // as one does that is closed by the page
    page.navigate(airport.address("#claims"));

    for (int i = 0; i < PAGES; i++) {
      page.locator("#claim-tag").fill("999999999" + i);
      page.locator("#claim button").click();
      assertThat(page.locator("#claim-list li").first()).containsText("999999999" + i);
    }

    assertThat(page.locator("#claim-list").getByText("no bag with this tag")).hasCount(5);
    assertThat(most.get()).isBetween(1, 2);
  }

  private static boolean isStream(Request request) {
    return request.resourceType().equals("eventsource");
  }
}
