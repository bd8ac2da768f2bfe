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
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.web.bind.annotation.PostMapping;

/** What can be told of the page's files without a browser. */
class PageTest {

  private static String file(String name) throws IOException {
    try (InputStream in = PageTest.class.getResourceAsStream("/static/" + name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /**
   * The modules by their names, found by following the imports from the scripts that a browser
   * begins with.
   */
  private static Map<String, String> scripts() throws IOException {
    Map<String, String> scripts = new TreeMap<>();
    Deque<String> next = new ArrayDeque<>(List.of("airport.js", "page/worker.js"));
    while (!next.isEmpty()) {
      String name = next.pop();
      if (!scripts.containsKey(name)) {
        String script = file(name);
        scripts.put(name, script);
        URI base = URI.create("/" + name);
        all("from '([^']+)'", script)
            .forEach(imported -> next.push(base.resolve(imported).getPath().substring(1)));
      }
    }
    return scripts;
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
    Map<String, String> files = scripts();
    files.put("index.html", file("index.html"));
    files.put("airport.css", file("airport.css"));

    files.forEach(
        (name, content) ->
            assertThat(content).as(name).doesNotContainPattern("https?://|@import|url\\("));
  }

  @Test
  void putsInWhatTheServerSaysAsTextOnly() throws IOException {
    scripts()
        .forEach(
            (name, script) ->
                assertThat(script)
                    .as(name)
                    .doesNotContainPattern(
                        "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\("
                            + "|new Function|setHTMLUnsafe"));
  }

  @Test
  void hasEveryElementItsScriptsAskFor() throws IOException {
    Set<String> ids = all("\\bid=\"([a-z-]+)\"", file("index.html"));

    Set<String> asked = new TreeSet<>();
    for (String script : scripts().values()) {
      asked.addAll(all("(?:\\$|copyOf|clearProblem|form)\\('([a-z-]+)'[,)]", script));
    }

    assertThat(asked).hasSizeGreaterThan(40);
    assertThat(ids).containsAll(asked);
  }

  @Test
  void hasAPlaceForEachProblemOfAForm() throws IOException {
    Set<String> ids = all("\\bid=\"([a-z-]+)\"", file("index.html"));

    Set<String> asked = new TreeSet<>();
    for (String script : scripts().values()) {
      asked.addAll(all("\\bform\\('([a-z-]+)'", script));
      for (String inputs : all("\\bform\\('[a-z-]+', ([A-Z_]+),", script)) {
        for (String named : all("const " + inputs + " = \\{([^}]+)\\};", script)) {
          asked.addAll(all("'([a-z-]+)'", named));
        }
      }
    }

    assertThat(asked).hasSizeGreaterThan(25);
    assertThat(ids).containsAll(asked.stream().map(id -> id + "-error").toList());
  }

  @Test
  void breaksEverythingThatTheServerLetsBreak() throws Exception {
    Set<String> breaks = new TreeSet<>();
    for (Method method :
        Class.forName("dev.sluice.demo.chaos.ChaosController").getDeclaredMethods()) {
      PostMapping mapping = method.getAnnotation(PostMapping.class);
      if (mapping != null) {
        breaks.addAll(List.of(mapping.value()));
      }
    }
    String script = file("sections/chaos.js");

    assertThat(breaks).hasSizeGreaterThan(5);
    for (String name : breaks) {
      assertThat(script)
          .as(name)
          .containsPattern("/api/chaos" + name + "|'" + name.substring(1) + "': \\{");
    }
    assertThat(all("\\bid=\"([a-z-]+)\"", file("index.html")))
        .containsAll(all("'([a-z-]+)': \\{ field:", script));
  }

  @Test
  void hasNoIdTwice() throws IOException {
    List<String> ids = new ArrayList<>();
    Matcher matcher = Pattern.compile("\\bid=\"([^\"]+)\"").matcher(file("index.html"));
    while (matcher.find()) {
      ids.add(matcher.group(1));
    }

    assertThat(ids).doesNotHaveDuplicates();
  }

  @Test
  void hasATopicForEachLinkOfItsNavigationAndALinkForEachTopic() throws IOException {
    String html = file("index.html");
    String navigation =
        html.substring(html.indexOf("<nav class=\"topics\""), html.indexOf("</nav>"));

    assertThat(
            all(
                "<section class=\"topic\" id=\"([a-z-]+)\" tabindex=\"-1\" data-name=\"[^\"]+\"",
                html))
        .hasSizeGreaterThan(2)
        .isEqualTo(all("href=\"#([a-z-]+)\"", navigation));
  }

  @Test
  void tellsOfEachTopicInATourOfThreeMinutesThatCanBeRead() throws IOException {
    String html = file("index.html");
    Matcher step =
        Pattern.compile(
                "at: '([a-z-]+)',\\s+title: '([^']+)',\\s+caption: '([^']+)',\\s+seconds: (\\d+),")
            .matcher(file("sections/tour.js"));
    Set<String> told = new TreeSet<>();
    int seconds = 0;
    while (step.find()) {
      int place = html.indexOf("id=\"" + step.group(1) + "\"");
      assertThat(place).as(step.group(1)).isPositive();
      int topic = html.lastIndexOf("<section class=\"topic\" id=\"", place);
      told.add(html.substring(topic).split("\"")[3]);
      int takes = Integer.parseInt(step.group(4));
      assertThat(step.group(3).split(" ")).as(step.group(2)).hasSizeLessThanOrEqualTo(4 * takes);
      seconds += takes;
    }

    assertThat(told).isEqualTo(all("<section class=\"topic\" id=\"([a-z-]+)\"", html));
    assertThat(seconds).isBetween(170, 190);
  }

  @Test
  void labelsEveryInput() throws IOException {
    String html = file("index.html");

    assertThat(all("<label for=\"([a-z-]+)\"", html))
        .containsExactlyElementsOf(all("<(?:input|select|textarea)[^>]*\\bid=\"([a-z-]+)\"", html));
  }

  @Test
  void pointsOnlyAtElementsThatAreThere() throws IOException {
    String html = file("index.html");
    Set<String> ids = all("\\bid=\"([a-z-]+)\"", html);

    assertThat(ids).containsAll(all("aria-(?:describedby|labelledby)=\"([a-z-]+)\"", html));
    assertThat(ids).containsAll(all("href=\"#([a-z-]+)\"", html));
  }
}
