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
package dev.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What can be told of the page's files without a browser. */
class PageTest {

  private static String file(String name) throws IOException {
    try (InputStream in = PageTest.class.getResourceAsStream("/static/" + name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static Set<String> all(String regex, String text) {
    Set<String> found = new TreeSet<>();
    Matcher matcher = Pattern.compile(regex).matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  @Test
  void hasNoInlineScriptOrStyle() throws IOException {
    String html = file("index.html");

    assertThat(html).doesNotContainPattern("<style|\\sstyle=|\\son[a-z]+=|javascript:");
    assertThat(all("<script([^>]*)>", html)).containsExactly(" type=\"module\" src=\"airport.js\"");
  }

  @Test
  void asksNobodyElseForAnything() throws IOException {
    for (String name : Set.of("index.html", "airport.css", "airport.js")) {
      assertThat(file(name)).as(name).doesNotContainPattern("https?://|@import|url\\(");
    }
  }

  @Test
  void putsInWhatTheServerSaysAsTextOnly() throws IOException {
    assertThat(file("airport.js"))
        .doesNotContainPattern(
            "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function");
  }

  @Test
  void hasEveryElementItsScriptAsksFor() throws IOException {
    String html = file("index.html");

    Set<String> asked = all("\\$\\('([a-z-]+)'\\)", file("airport.js"));

    assertThat(asked).hasSizeGreaterThan(40);
    assertThat(all("\\bid=\"([a-z-]+)\"", html)).containsAll(asked);
  }

  @Test
  void labelsEveryInput() throws IOException {
    String html = file("index.html");

    assertThat(all("<label for=\"([a-z-]+)\"", html))
        .containsExactlyElementsOf(all("<input[^>]*\\bid=\"([a-z-]+)\"", html));
  }

  @Test
  void pointsOnlyAtElementsThatAreThere() throws IOException {
    String html = file("index.html");
    Set<String> ids = all("\\bid=\"([a-z-]+)\"", html);

    assertThat(ids).containsAll(all("aria-(?:describedby|labelledby)=\"([a-z-]+)\"", html));
    assertThat(ids).containsAll(all("href=\"#([a-z-]+)\"", html));
  }
}
